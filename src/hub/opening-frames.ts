import { type Opening } from '../broker/broker.ts'
import { gapFrame, openFrame, PADDING, preamble } from '../sse/control-frame.ts'
import { type Utf8 } from '../sse/utf8.ts'
import { type Audience } from './audience.ts'

interface OpeningBlock {
  readonly subscription: { readonly hasControl: boolean; readonly hasPadding: boolean }
  readonly audience: Audience
  readonly opening: Opening
  readonly retryMs: number
  /** Null: heartbeats are off. */
  readonly heartbeatSeconds: number | null
}

/** What a stream is told before its first message (protocol §3, §4, §5). */
export function openingFrames(block: OpeningBlock): Utf8[] {
  const { subscription, audience, opening, retryMs, heartbeatSeconds } = block
  const frames: Utf8[] = []
  if (subscription.hasPadding) frames.push(PADDING)
  frames.push(preamble(retryMs))
  if (subscription.hasControl) frames.push(openFrame(heartbeatSeconds, opening.position))
  if (opening.gap !== undefined) {
    const told = subscription.hasControl ? opening.position : (opening.gap.after ?? 0)
    frames.push(gapFrame(opening.gap, told))
  }
  frames.push(...audience.endedFrames(opening.cursor))
  return frames
}
