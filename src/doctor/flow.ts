import { describe, type Finding } from './finding.ts'
import { Probe } from './probe.ts'
import { askWhole, type Target } from './target.ts'

/** What comes later than this was held back. */
const AT_ONCE_MS = 2000
const ANSWER_DEADLINE_MS = 10_000
/** A heartbeat may be so late. */
const LATE_MS = 3000

const secondsOf = (ms: number) => `${Math.round(ms / 100) / 10} s`

/** The stream whose opening block was there; without one: what is held back, and until when. */
export async function examineOpening(
  target: Target,
  probe: Probe,
): Promise<{ readonly finding: Finding; readonly stream?: Probe }> {
  const { ok, wrong } = describe('buffering')
  if (await probe.until(() => probe.isOpen, AT_ONCE_MS)) {
    const tookMs = Math.round(probe.heardMs - probe.openedMs)
    return { finding: ok(`the opening block was there after ${tookMs} ms`), stream: probe }
  }
  const what =
    probe.status === 0 ? 'neither head nor opening block' : 'the head, but no opening block'
  const held = `${what} in ${secondsOf(AT_ONCE_MS)}: something in between holds the stream back`
  const padded = new Probe(target, { hasPadding: true })
  if (await padded.until(() => padded.isOpen, AT_ONCE_MS)) {
    const text = `${held} until 2 KiB are there. Turn buffering off, or subscribe with padding=1`
    return { finding: wrong(text, 'held-back'), stream: padded }
  }
  padded.close()
  return { finding: wrong(`${held}, with padding=1 too. Turn buffering off`, 'held-back') }
}

/** Publishes and waits for it: only with a key. */
export async function examineMessage(publisher: Target, stream: Probe): Promise<Finding> {
  const { ok, wrong } = describe('messages')
  const data = `doctor ${crypto.randomUUID()}`
  const startedMs = performance.now()
  const refusal = await publish(publisher, data)
  if (refusal !== undefined) return wrong(refusal, 'error-pages')
  const isThere = () => stream.text.includes(`data: ${data}\n`)
  if (await stream.until(isThere, AT_ONCE_MS)) {
    return ok(`a message was there after ${Math.round(performance.now() - startedMs)} ms`)
  }
  return wrong(
    `a message was stored, and was not there in ${secondsOf(AT_ONCE_MS)}: something holds it back, or it was published to a hub without the same Redis`,
    'held-back',
  )
}

/** Undefined: it is stored. */
export async function publish(publisher: Target, data: string): Promise<string | undefined> {
  const body = JSON.stringify({ channel: publisher.channel, data })
  const headers = { 'content-type': 'application/json' }
  const asked = { method: 'POST', path: 'publish', headers, body } as const
  try {
    const { status, text } = await askWhole(publisher, asked, ANSWER_DEADLINE_MS)
    if (status === 201) return undefined
    const code = /PIAZZA_ERR_\w+/.exec(text)?.[0] ?? "and not the hub's answer"
    return `a publish got ${status} ${code}`
  } catch (error) {
    return `a publish got no answer: ${reasonOf(error)}`
  }
}

export function reasonOf(error: unknown): string {
  const { code, message, name } = error as NodeJS.ErrnoException
  return name === 'TimeoutError' || name === 'AbortError' ? 'it took too long' : (code ?? message)
}

/** Waits whether the stream lives so long, and is kept by its heartbeats. */
export async function examineIdle(stream: Probe, waitMs: number): Promise<Finding> {
  const { ok, note, wrong } = describe('idle')
  const startedMs = performance.now()
  const heartbeatMs = stream.heartbeatSeconds * 1000
  let longestMs = 0
  const isLate = () => heartbeatMs > 0 && performance.now() - stream.heardMs > heartbeatMs + LATE_MS
  while (performance.now() - startedMs < waitMs && !stream.isOver && !isLate()) {
    const heardMs = stream.heardMs
    const leftMs = waitMs - (performance.now() - startedMs)
    await stream.until(() => stream.heardMs !== heardMs, Math.min(leftMs, heartbeatMs + LATE_MS))
    longestMs = Math.max(longestMs, performance.now() - heardMs)
  }
  const lived = secondsOf(performance.now() - stream.openedMs)
  const [reason] = stream.control('close')
  if (stream.isOver && reason !== undefined) {
    return note(`the hub itself closed the stream after ${lived}: ${reason}`)
  }
  if (stream.isOver) {
    const silence = secondsOf(performance.now() - stream.heardMs)
    return wrong(
      `the stream was cut after ${lived}, ${silence} after the last byte. Raise the idle timeout in between above the heartbeat${heartbeatMs > 0 ? ` of ${stream.heartbeatSeconds} s` : ', which the hub has turned off'}`,
      'cut-while-idle',
    )
  }
  if (isLate()) {
    return wrong(
      `no heartbeat in ${secondsOf(performance.now() - stream.heardMs)}, and the hub sends one every ${stream.heartbeatSeconds} s: something in between holds it back`,
      'held-back',
    )
  }
  return ok(`the stream lived for ${lived}; the longest silence was ${secondsOf(longestMs)}`)
}
