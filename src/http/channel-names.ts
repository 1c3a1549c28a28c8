import { errors, quote } from '../errors.ts'
import { isChannelName, MAX_NAME_CHARACTERS } from '../log/channel-name.ts'

/** Channels of one stream (protocol §3). */
const MAX_SUBSCRIBED_CHANNELS = 64

/** Throws `CHANNEL_INVALID`. */
export function readChannelName(name: string): string {
  if (isChannelName(name)) return name
  const right =
    `a name has 1 to ${MAX_NAME_CHARACTERS} of A-Z a-z 0-9 . _ - : @ = + ~, ` +
    'with no empty segment between dots'
  throw new errors.CHANNEL_INVALID(`channel name ${quote(name)} is not valid: ${right}`)
}

/** The distinct names of a comma list. Throws if one is not valid, or they are too many. */
export function readSubscribedNames(list: string): string[] {
  const names = list.split(',')
  if (names.length > MAX_SUBSCRIBED_CHANNELS) {
    const message = `a stream takes 1 to ${MAX_SUBSCRIBED_CHANNELS} channels, not ${names.length}`
    throw new errors.TOO_MANY_CHANNELS(message)
  }
  for (const name of names) {
    if (name.includes('*')) {
      const message = `${quote(name)} is a pattern: a stream takes names, with commas between them`
      throw new errors.PATTERN_UNSUPPORTED(message)
    }
    readChannelName(name)
  }
  return [...new Set(names)]
}
