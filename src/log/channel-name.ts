/** Longest name of a channel, characters (protocol §1). */
export const MAX_NAME_CHARACTERS = 200
const NAME = /^[A-Za-z0-9_\-:@=+~]+(?:\.[A-Za-z0-9_\-:@=+~]+)*$/

/** Dots separate segments, and no segment is empty. */
export function isChannelName(name: string): boolean {
  return name.length <= MAX_NAME_CHARACTERS && NAME.test(name)
}
