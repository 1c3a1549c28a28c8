import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian's nginx is where only root's PATH looks. */
const PLACES = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']

/** Where a command is, if it is anywhere. */
export function onPath(command) {
  return PLACES.map((place) => join(place, command)).find((file) => existsSync(file))
}
