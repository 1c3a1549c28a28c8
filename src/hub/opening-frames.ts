import { type Opening } from '../broker/broker.ts'
import { gapFrame, openFrame, PADDING, preamble } from '../sse/control-frame.ts'
import { type Utf8 } from '../sse/utf8.ts'
import { type Audience } from './audience.ts'

interface OpeningBlock {
  readonly hasControl: boolean
  readonly audience: Audience
  readonly opening: Opening
  /** Null: heartbeats are off. */
  readonly heartbeatSeconds: number | null
}

/** The first lines of a stream, before it is known where it begins. */
export function preambleFrames(hasPadding: boolean, retryMs: number): Utf8[] {
  return hasPadding ? [PADDING, preamble(retryMs)] : [preamble(retryMs)]
}

/** What a stream is told before its first message (protocol §3, §4, §5). */
export function openingFrames(block: OpeningBlock): Utf8[] {
  const { hasControl, audience, opening, heartbeatSeconds } = block
  const { position, gap } = opening
  const frames: Utf8[] = []
  if (hasControl) frames.push(openFrame(heartbeatSeconds, position))
  if (gap !== undefined) frames.push(gapFrame(gap, hasControl ? position : (gap.after ?? 0)))
  frames.push(...audience.endedFrames(position))
  return frames
}
