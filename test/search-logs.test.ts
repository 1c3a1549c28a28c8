import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createFolder } from './support/folder.ts'

const run = promisify(execFile)
const SEARCH = fileURLToPath(new URL('../script/search-logs.mjs', import.meta.url))
const RECORD = new URL('support/run-record.mjs', import.meta.url).href

const SECRETS = {
  token: 'eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl',
  key: 'a-publish-key-of-24-char',
  password: 'p%ssword',
  datum: 'a datum with "quotes"\nand a second line',
}
const KINDS = Object.entries(SECRETS)

/** What the search says of these logs, and whether it is content. */
async function search(logs: readonly string[], secrets: readonly (readonly string[])[] = KINDS) {
  const folder = createFolder()
  for (const name of ['logs', 'secrets']) mkdirSync(join(folder, name))
  logs.forEach((log, i) => writeFileSync(join(folder, 'logs', `${i}.txt`), log))
  const lines = secrets.map((secret) => `${JSON.stringify(secret)}\n`).join('')
  writeFileSync(join(folder, 'secrets', '1.txt'), lines)
  return runSearch(folder)
}

async function runSearch(folder: string): Promise<{ isContent: boolean; said: string }> {
  try {
    const { stdout } = await run(process.execPath, [SEARCH, folder])
    return { isContent: true, said: stdout }
  } catch (error) {
    return { isContent: false, said: (error as { stdout: string }).stdout }
  }
}

describe('the search of the logs', () => {
  test('is content with logs that have none of it, and says how much it has looked at', async () => {
    const { isContent, said } = await search(['one\ntwo\n', '{"msg":"three"}\n'])
    expect(isContent).toBe(true)
    expect(said).toContain('searched 3 lines of 2 logs for 1 of kind token, 1 of kind key, ')
  })

  test.each(KINDS)('finds a %s, as it is, in JSON and in an address', async (kind, value) => {
    const forms = [JSON.stringify({ msg: `x${value}x` }), `GET /a?b=${encodeURIComponent(value)}`]
    for (const form of forms) {
      const { isContent, said } = await search(['a line\n', `a line\n${form}\n`])
      expect(isContent, form).toBe(false)
      expect(said).toContain(`1.txt: a ${kind}, `)
    }
  })

  test('does not take a word, or what is very short, for a datum', async () => {
    const words = ['connection', ' connection', '1', 'hello'].map((word) => ['datum', word])
    const { isContent, said } = await search(['the connection 1 hello\n'], [...KINDS, ...words])
    expect(said).toContain('4 are too short')
    expect(isContent).toBe(true)
  })

  test('is not content with nothing to search, or nothing to search for', async () => {
    expect(await search([])).toMatchObject({
      isContent: false,
      said: expect.stringContaining('no logs'),
    })
    for (const [kind] of KINDS) {
      const others = KINDS.filter(([name]) => name !== kind)
      const { isContent, said } = await search(['a line\n'], others)
      expect(isContent).toBe(false)
      expect(said).toContain(`there is no ${kind} to search for`)
    }
    expect((await runSearch('/nowhere')).isContent).toBe(false)
  })
})

/** A server that is asked for something, in a process that records; then `leak` is logged. */
const program = (leak: string) => `
  import http from 'node:http'
  import { recordLog, recordSettings } from ${JSON.stringify(RECORD)}
  const { token, key, datum } = ${JSON.stringify(SECRETS)}
  recordSettings({ PIAZZA_PUBLISH_KEYS: key, PIAZZA_REDIS_URL: 'redis://:p%25ssword@redis' })
  const server = http.createServer((request, response) => {
    request.on('data', () => {}).on('end', () => response.end())
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = 'http://127.0.0.1:' + server.address().port
  const post = (path, headers, body) => fetch(url + path, { method: 'POST', headers, body })
  await post('/publish', { authorization: 'Bearer ' + token }, JSON.stringify([{ data: datum }]))
  await post('/channels/a', { cookie: 'a=b; piazza_token=by-cookie-0123' }, 'a whole body of text')
  await fetch(url + '/channels/a?token=by-query-0123')
  recordLog(${JSON.stringify(leak)} + '\\n')
  server.close()
`

/** What the search says of a run in which this was logged. */
async function record(leak: string) {
  const folder = createFolder()
  const args = ['--input-type=module', '--eval', program(leak)]
  await run(process.execPath, args, { env: { TEST_LOGS: folder } })
  return runSearch(folder)
}

describe('what is recorded of a run', () => {
  test('is enough for the search to be content', async () => {
    expect(await record('nothing of it')).toMatchObject({ isContent: true })
  })

  test.each([
    ['a header', SECRETS.token],
    ['a cookie', 'by-cookie-0123'],
    ['the query', 'by-query-0123'],
    ['a body of JSON', JSON.stringify(SECRETS.datum)],
    ['a body of text', 'a whole body of text'],
    ['a setting', SECRETS.key],
    ['a password in an address', 'p%ssword'],
    ['its encoding', 'p%25ssword'],
    ['the signature of a JWT', 'c2lnbmF0dXJl'],
  ])('has what came by %s', async (_way, secret) => {
    expect(await record(`said: ${secret}.`)).toMatchObject({ isContent: false })
  })
})
