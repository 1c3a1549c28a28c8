import { describe, type Finding } from './finding.ts'
import { examineIdle, examineMessage, examineOpening, reasonOf } from './flow.ts'
import { examineErrors, examineHead, examineVersion } from './head.ts'
import { Probe } from './probe.ts'
import { examineResume } from './resume.ts'
import { type Target } from './target.ts'

/** A head that comes later than this is held back. */
const HEAD_DEADLINE_MS = 2000

export interface Examination {
  readonly target: Target
  /** Undefined: nothing is published. */
  readonly publisher: Target | undefined
  /** 0: it is not waited for. */
  readonly idleMs: number
}

/** Nobody answers at that address. */
export class Unreachable extends Error {}

/** Looks at a stream from the client's side, and tells each finding when it is known. */
export async function examine(
  { target, publisher, idleMs }: Examination,
  tell: (finding: Finding) => void,
): Promise<void> {
  // an ordinary request: who does not answer it is not there
  tell(await examineErrors(target).catch(unreachable))
  const probe = new Probe(target)
  const probes = [probe]
  try {
    await probe.until(() => probe.status !== 0, HEAD_DEADLINE_MS)
    if (probe.failure !== undefined) unreachable(probe.failure)
    const refusal = probe.status === 0 ? undefined : await examineAnswer(probe)
    if (refusal !== undefined) {
      tell(refusal)
      return
    }
    const { finding, stream = probe } = await examineOpening(target, probe)
    probes.push(stream)
    tell(finding)
    if (stream.status !== 0) for (const one of examineHead(stream)) tell(one)
    tell(await examineVersion(target))
    if (!stream.isOpen) return
    if (publisher !== undefined) tell(await examineMessage(publisher, stream))
    tell(await examineResume(target, publisher, stream.openingId))
    if (idleMs > 0) tell(await examineIdle(stream, idleMs))
  } finally {
    for (const one of probes) one.close()
  }
}

function unreachable(error: unknown): never {
  throw new Unreachable(reasonOf(error))
}

/** Undefined: it is a stream of the hub. */
async function examineAnswer(probe: Probe): Promise<Finding | undefined> {
  const { wrong } = describe('answer')
  const { status, headers } = probe
  const type = headers['content-type'] ?? 'no content type'
  const isStream = type.startsWith('text/event-stream')
  if (status === 200 && isStream) {
    const refused = headers['piazza-refused']
    if (refused !== undefined) return wrong(`the hub refuses for now: ${String(refused)}`)
    await probe.until(() => probe.isOpen, HEAD_DEADLINE_MS)
    if (probe.isOpen || !probe.isOver) return undefined
    return wrong(
      'no hub answers: something in between tells clients to come back later',
      'error-pages',
    )
  }
  if (headers.location !== undefined) {
    return wrong(`a subscribe is sent elsewhere (${status}): give the address it leads to`)
  }
  await probe.until(() => probe.isOver, 1000)
  const code = /PIAZZA_ERR_\w+/.exec(probe.text)?.[0]
  if (code !== undefined) {
    const hint =
      status === 401 || status === 403 ? '. Give a token that may subscribe: --token' : ''
    return wrong(`the hub refuses the stream: ${status} ${code}${hint}`)
  }
  return wrong(
    `a subscribe gets ${status} (${type}), and it is not the hub that says so: an EventSource stops for good on it. Let it be 200 with retry:`,
    'error-pages',
  )
}
