import { answers } from './answers.mjs'
import { channels } from './channels.mjs'
import { growth } from './growth.mjs'
import { lag } from './lag.mjs'
import { memory } from './memory.mjs'
import { publish } from './publish.mjs'
import { saturation } from './saturation.mjs'
import { stalled } from './stalled.mjs'
import { storm } from './storm.mjs'

/** In the order of the results. */
export const WORKS = [saturation, lag, channels, memory, storm, publish, stalled, answers, growth]
