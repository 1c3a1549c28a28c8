/** A message that the hub has acknowledged. */
export interface Acknowledged {
  readonly id: string
  readonly channels: readonly string[]
  readonly data: string
}

/** What was said on a stream, in the order in which it came. A message without an id came late (protocol §4): ''. */
export type Heard =
  | { readonly kind: 'message'; readonly id: string; readonly data: string }
  | { readonly kind: 'gap'; readonly reason: string; readonly channels: readonly string[] | null }
  | { readonly kind: 'opened'; readonly position: string }

/** The whole life of one reader over all its connections. */
export interface Life {
  readonly name: string
  readonly channels: readonly string[]
  readonly heard: readonly Heard[]
}

/** What was done that costs more than a reader can be spared. */
export interface Losses {
  /** Ids of messages that were stored, and nobody was told of. */
  readonly unannounced?: ReadonlySet<string>
  /** Ids of acknowledged messages that Redis has lost with a master. */
  readonly lost?: ReadonlySet<string>
  /** Ids at which the data in Redis began anew. */
  readonly births?: readonly string[]
}

/**
 * Checks one reader's life against what was acknowledged (P1, P2, P3): every id once and rising, its content as
 * published, no hole without a gap event, no gap event where nothing was missed. Returns what is wrong, in words.
 */
export function judge(
  life: Life,
  acknowledged: ReadonlyMap<string, Acknowledged>,
  losses: Losses = {},
): string[] {
  const faults: string[] = []
  const { unannounced, lost, births } = losses
  const start = life.heard.find((heard) => heard.kind === 'opened')?.position
  if (start === undefined) return [`${life.name} never heard a position`]
  const expected = [...acknowledged.values()]
    .filter(
      ({ id, channels }) => id > start && channels.some((name) => life.channels.includes(name)),
    )
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const received = new Set<string>()
  let last = start
  for (const heard of life.heard) {
    if (heard.kind !== 'message') continue
    if (heard.id === '') {
      const late = findByData(heard.data, acknowledged)
      if (late === undefined) faults.push(`${life.name} got a late message that nobody published`)
      else if (received.has(late.id)) faults.push(`${life.name} got ${late.id} again, and late`)
      else if (late.id > start) received.add(late.id)
      continue
    }
    // Stored and told, then lost before its publisher knew, who repeated it.
    const isRepeated = (lost ?? births) !== undefined && !acknowledged.has(heard.id)
    const truth = isRepeated ? findByData(heard.data, acknowledged) : acknowledged.get(heard.id)
    if (truth === undefined) faults.push(`${life.name} got ${heard.id}, which nobody published`)
    else if (truth.data !== heard.data) faults.push(`${life.name} got other data under ${heard.id}`)
    if (received.has(heard.id)) faults.push(`${life.name} got ${heard.id} twice`)
    else if (heard.id <= last) faults.push(`${life.name} got ${heard.id} after ${last}`)
    last = heard.id
    received.add(heard.id)
  }
  const gaps = excuses(life, acknowledged)
  for (const { id, channels } of expected) {
    if (received.has(id)) continue
    const wanted = channels.filter((name) => life.channels.includes(name))
    const isExcused =
      wanted.every((name) => gaps.some((gap) => gap.covers(name, id))) ||
      lost?.has(id) === true ||
      (unannounced?.has(id) === true && leftBeforeItWasFound(life, id, wanted, acknowledged))
    if (!isExcused) faults.push(`${life.name} missed ${id} of ${wanted.join(',')} in silence`)
  }
  if (births !== undefined) faults.push(...judgeResets(life, start, gaps, births))
  for (const gap of gaps) {
    if (gap.reason === 'reset' && births !== undefined) continue
    for (const name of gap.channels ?? life.channels) {
      // One that also went to another channel may have come through that: the log can't know.
      const isNeeded = expected.some(
        ({ id, channels }) =>
          channels.includes(name) &&
          gap.covers(name, id) &&
          (!received.has(id) || channels.length > 1),
      )
      if (!isNeeded)
        faults.push(`${life.name} was told a needless gap of ${name} after ${gap.after}`)
    }
  }
  return faults
}

/** Made once, when all is over: a late message has no id to find it by. */
const byData = new WeakMap<object, ReadonlyMap<string, Acknowledged>>()

function findByData(
  data: string,
  acknowledged: ReadonlyMap<string, Acknowledged>,
): Acknowledged | undefined {
  if (!byData.has(acknowledged)) {
    byData.set(acknowledged, new Map([...acknowledged.values()].map((one) => [one.data, one])))
  }
  return byData.get(acknowledged)!.get(data)
}

/** Each new beginning is told, and none that was not there. */
function judgeResets(
  { name }: Life,
  start: string,
  gaps: readonly Excuse[],
  births: readonly string[],
): string[] {
  const faults: string[] = []
  const resets = gaps.filter(({ reason }) => reason === 'reset')
  const newest = births.at(-1) ?? ''
  const isTold = resets.length > 0 || start >= newest
  if (!isTold) faults.push(`${name} was not told that all was lost before ${newest}`)
  const lived = births.filter((born) => born > start)
  if (resets.length > lived.length) {
    faults.push(`${name} was told ${resets.length} times of ${lived.length} losses of everything`)
  }
  for (const { after, channels } of resets) {
    if (!births.some((born) => born > after)) faults.push(`${name} was told a reset after ${after}`)
    if (channels !== null) faults.push(`${name} was told a reset of ${channels.join()}`)
  }
  return faults
}

/**
 * The known limit of a lost announcement: who has passed its position through another channel, and was cut before it
 * was found, comes back behind it. Whoever stayed, or had no other channel, must have it.
 */
function leftBeforeItWasFound(
  { heard, channels }: Life,
  id: string,
  wanted: readonly string[],
  acknowledged: ReadonlyMap<string, Acknowledged>,
): boolean {
  let hasPassed = false
  for (const one of heard) {
    if (one.kind === 'opened') {
      if (hasPassed || one.position > id) return channels.length > wanted.length
    } else if (one.kind === 'message' && one.id > id) {
      hasPassed = true
      const told = acknowledged.get(one.id)?.channels.filter((name) => channels.includes(name))
      // The next of its channel tells what is missing before it, if it did not come through another one.
      if (told?.every((name) => wanted.includes(name)) === true) return false
    }
  }
  return false
}

interface Excuse {
  readonly reason: string
  readonly channels: readonly string[] | null
  readonly after: string
  covers(channel: string, id: string): boolean
}

/**
 * A gap covers, for each channel it names, what lies between the last id before it and the next message of that
 * channel: others may be whole in between. One that also went to another channel of the reader proves nothing: it may
 * have come through that.
 */
function excuses(
  { heard, channels }: Life,
  acknowledged: ReadonlyMap<string, Acknowledged>,
): Excuse[] {
  const found: Excuse[] = []
  let last = ''
  heard.forEach((one, i) => {
    if (one.kind === 'opened' && last === '') last = one.position
    if (one.kind === 'message' && one.id !== '') last = one.id
    if (one.kind !== 'gap') return
    const after = last
    const nextOf = (channel: string) => {
      for (const later of heard.slice(i + 1)) {
        if (later.kind !== 'message') continue
        const wanted = acknowledged
          .get(later.id)
          ?.channels.filter((name) => channels.includes(name))
        if (wanted?.length === 1 && wanted[0] === channel) return later.id
      }
      return undefined
    }
    const ends = new Map<string, string | undefined>()
    found.push({
      reason: one.reason,
      channels: one.channels,
      after,
      covers: (channel, id) => {
        if (id <= after || one.channels?.includes(channel) === false) return false
        if (!ends.has(channel)) ends.set(channel, nextOf(channel))
        const end = ends.get(channel)
        return end === undefined || id < end
      },
    })
  })
  return found
}
