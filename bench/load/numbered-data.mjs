/** Stands in no id, event or comment of any hub that is measured, so it shows where the data begins. */
export const MARK = 126 // ~
const DIGITS = 7

/** Data of so many bytes, from 8, that tells the number of a message in its channel: `~0000042....`. */
export function numberedData(number, bytes) {
  return `~${String(number).padStart(DIGITS, '0')}`.padEnd(bytes, '.')
}
