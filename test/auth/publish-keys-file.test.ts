import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { PublishKeysFile, readPublishKeysFile } from '../../src/auth/publish-keys-file.ts'
import { createFolder, writeFile } from '../support/folder.ts'
import { waitFor } from '../support/wait.ts'

const OLD = 'old-key-0123456789'
const NEW = 'new-key-0123456789'

/** Follows the file; tells the keys it had last, and what was said. */
function follow(path: string) {
  const seen = { keys: [] as readonly string[], said: [] as string[] }
  const say = (fields: object, message: string) => {
    seen.said.push(`${message} ${JSON.stringify(fields)}`)
  }
  const file = new PublishKeysFile({
    path,
    keys: [OLD],
    onKeys: (keys) => {
      seen.keys = keys
    },
    log: { info: say, warn: say },
    pollIntervalMs: 20,
  })
  onTestFinished(() => {
    file.close()
  })
  return seen
}

describe('a file of publish keys', () => {
  test.each([
    ['one key', OLD, [OLD]],
    ['a line each', `${OLD}\n${NEW}\n`, [OLD, NEW]],
    ['line ends of Windows', `${OLD}\r\n${NEW}\r\n`, [OLD, NEW]],
    ['comments and empty lines', `# of 2026\n\n${OLD}\n  \n#${NEW}\n`, [OLD]],
  ])('%s', (_what, text, keys) => {
    expect(readPublishKeysFile(writeFile(text))).toEqual(keys)
  })

  test.each([
    ['nothing', '', /0 keys/],
    ['comments only', '# none\n', /0 keys/],
    ['a key that is too short', `${OLD}\nshort-secret\n`, /^line 2 .*16/],
    ['a key with a space', `some secret-0123456789`, /^line 1 /],
    ['too many keys', `${OLD}\n`.repeat(1001), /1001 keys, not 1 to 1000/],
    ['a file that is far too large', 'x'.repeat(1024 * 1024 + 1), /larger/],
  ])('%s is refused, without showing it', (_what, text, message) => {
    const read = () => readPublishKeysFile(writeFile(text))
    expect(read).toThrow(message)
    expect(read).not.toThrow(/short-secret|some secret/)
  })

  test('is read again when it has changed, also when a link to it was moved', async () => {
    const folder = createFolder()
    for (const [name, key] of Object.entries({ one: OLD, two: NEW })) {
      writeFileSync(join(folder, name), key)
    }
    const path = join(folder, 'keys')
    symlinkSync('one', path)
    const seen = follow(path)
    symlinkSync('two', join(folder, 'next'))
    renameSync(join(folder, 'next'), path)
    await waitFor('the new key', () => seen.keys.includes(NEW))
    writeFileSync(path, `${OLD}\n${NEW}\n`)
    await waitFor('both keys', () => seen.keys.length === 2)
    expect(seen.said.join()).not.toMatch(new RegExp(`${OLD}|${NEW}`))
  })

  test('that goes wrong, or away, changes nothing, and that is said', async () => {
    const path = writeFile(OLD)
    const seen = follow(path)
    writeFileSync(path, 'short\n')
    await waitFor('the first warning', () => seen.said.length === 1)
    rmSync(path)
    await waitFor('the second warning', () => seen.said.length === 2)
    expect(seen.keys).toEqual([])
    expect(seen.said[0]).toContain('line 1')
    writeFileSync(path, NEW)
    await waitFor('the new key', () => seen.keys.includes(NEW))
  })
})
