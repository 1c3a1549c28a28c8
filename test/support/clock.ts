import { waitFor } from './wait.ts'

/** A moment in ms that lies between what was published before this call and what is published after it. */
export async function takeMoment(): Promise<number> {
  const momentMs = Date.now() + 3
  await waitFor('the clock to go on', () => Date.now() > momentMs + 3)
  return momentMs
}

/** `ms` as RFC 3339 in a zone `offsetMinutes` from UTC. */
export function toRfc3339(ms: number, offsetMinutes: number): string {
  const local = new Date(ms + offsetMinutes * 60_000).toISOString().slice(0, -1)
  const minutes = Math.abs(offsetMinutes)
  const zone = [Math.floor(minutes / 60), minutes % 60].map((n) => `${n}`.padStart(2, '0'))
  return `${local}${offsetMinutes < 0 ? '-' : '+'}${zone.join(':')}`
}
