import { isChannelName } from '../log/channel-name.ts'

/** Segments of a channel pattern (protocol §1): `*` is one segment, a last `**` one or more. */
export type Pattern = readonly string[]

const ONE = '*'
const REST = '**'

/** Undefined if it is no pattern. */
export function parsePattern(text: string): Pattern | undefined {
  const segments = text.split('.')
  const named = segments.map((segment, i) => {
    const isWild = segment === ONE || (segment === REST && i === segments.length - 1)
    return isWild ? 'x' : segment
  })
  return isChannelName(named.join('.')) ? segments : undefined
}

/** Looks at each segment once: linear in the length of the name. */
export function matches(pattern: Pattern, channel: string): boolean {
  if (pattern[0] === REST) return true // it is its only segment
  const segments = channel.split('.')
  if (pattern.at(-1) === REST) {
    if (segments.length < pattern.length) return false
  } else if (segments.length !== pattern.length) return false
  return pattern.every(
    (expected, i) => expected === ONE || expected === REST || expected === segments[i],
  )
}
