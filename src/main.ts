#!/usr/bin/env node
import { keepTickShape } from './tick-shape.ts'

keepTickShape()
// The first process of a container gets no signal that it has no handler for, and loading everything takes a second:
// whoever stopped the hub in that time would wait until it is killed. A command (it has arguments) that is broken off
// has not succeeded.
const stopBeforeStart = () => process.exit(0)
if (process.argv.length === 2) process.on('SIGTERM', stopBeforeStart).on('SIGINT', stopBeforeStart)
await import('./command-line.ts')
