import { describe, type Finding } from './finding.ts'
import { publish } from './flow.ts'
import { Probe } from './probe.ts'
import { type Target } from './target.ts'

const DEADLINE_MS = 4000
/** No hub made this one: it must answer that it does not know it. */
const FOREIGN_ID = 'doctor'

/** Comes back with the id of the opening block, as a browser does that lost its connection. */
export async function examineResume(
  target: Target,
  publisher: Target | undefined,
  openingId: string,
): Promise<Finding> {
  const { ok, wrong } = describe('resume')
  const missed = `doctor ${crypto.randomUUID()}`
  const isStored = publisher !== undefined && (await publish(publisher, missed)) === undefined
  const hasMissed = (probe: Probe) => !isStored || probe.text.includes(`data: ${missed}\n`)
  const again = await open(target, openingId, (probe) => probe.isOpen && hasMissed(probe))
  const foreign = await open(target, FOREIGN_ID, (probe) => probe.control('gap').length > 0)
  const [gap] = again.control('gap')
  if (gap !== undefined) {
    return wrong(
      `coming back with the id of a moment ago got a gap, ${gap}: the hubs behind this address do not share one Redis, or the id was changed on the way`,
      'resuming-fails',
    )
  }
  if (!again.isOpen) return wrong('coming back got no stream', 'resuming-fails')
  if (foreign.control('gap').length === 0) {
    return wrong('the header Last-Event-ID does not reach the hub', 'resuming-fails')
  }
  if (!hasMissed(again)) {
    return wrong('a message that was stored meanwhile did not come', 'resuming-fails')
  }
  return ok(
    `coming back misses nothing${isStored ? ', and gets what was published meanwhile' : ''}`,
  )
}

async function open(
  target: Target,
  lastEventId: string,
  isEnough: (probe: Probe) => boolean,
): Promise<Probe> {
  const probe = new Probe(target, { lastEventId, hasPadding: true })
  await probe.until(() => isEnough(probe), DEADLINE_MS)
  probe.close()
  return probe
}
