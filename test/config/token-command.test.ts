import { jwtVerify } from 'jose'
import { beforeAll, expect, test } from 'vitest'
import { buildOnce } from '../support/build.ts'
import { runPiazza } from '../support/command-line.ts'
import { startHub } from '../support/hub.ts'

const SECRET = 'a-secret-of-the-tests-0123456789'
const RULES = { PIAZZA_JWT_ISSUER: 'https://login.example', PIAZZA_JWT_AUDIENCE: 'piazza' }

beforeAll(buildOnce)

test('piazza token prints a token that a hub with the same settings takes', async () => {
  const settings = { PIAZZA_JWT_SECRET: SECRET, ...RULES }
  const args = ['token', '--subscribe', 'orders.*,news', '--publish', 'a', '--publish', 'b']
  const rest = ['--inspect', '**', '--ttl', '90s', '--subject', 'alice']
  const { code, stdout, stderr } = await runPiazza([...args, ...rest], settings)
  expect({ code, stderr }).toEqual({ code: 0, stderr: [] })
  const token = stdout.trim()
  const { payload, protectedHeader } = await jwtVerify(token, Buffer.from(SECRET))
  expect(protectedHeader.alg).toBe('HS256')
  expect(payload).toMatchObject({
    piazza: { subscribe: ['orders.*', 'news'], publish: ['a', 'b'], inspect: ['**'] },
    sub: 'alice',
    iss: RULES.PIAZZA_JWT_ISSUER,
    aud: 'piazza',
    exp: payload.iat! + 90,
  })
  const hub = await startHub(settings)
  expect((await hub.get('/metrics', { authorization: `Bearer ${token}` })).status).toBe(200)
})

test('it lasts an hour unless it is told otherwise', async () => {
  const settings = { PIAZZA_JWT_SECRET: SECRET + SECRET, PIAZZA_JWT_ALGORITHMS: 'HS512' }
  const { stdout } = await runPiazza(['token', '--subscribe', 'a'], settings)
  const { payload, protectedHeader } = await jwtVerify(stdout.trim(), Buffer.from(SECRET + SECRET))
  expect([payload.exp! - payload.iat!, protectedHeader.alg]).toEqual([3600, 'HS512'])
})

test.each([
  [['--subscribe', 'a'], {}, /set PIAZZA_JWT_SECRET/],
  [['--subscribe', 'a'], { PIAZZA_JWT_JWKS_URL: 'https://login.example/keys' }, /private key/],
  [[], { PIAZZA_JWT_SECRET: SECRET }, /--subscribe 'orders\.\*'/],
  [['--subscribe', 'a..b'], { PIAZZA_JWT_SECRET: SECRET }, /--subscribe takes .* not "a\.\.b"/],
  [['--publish', ''], { PIAZZA_JWT_SECRET: SECRET }, /--publish takes/],
  [['--subscribe', 'a', '--ttl', '60'], { PIAZZA_JWT_SECRET: SECRET }, /--ttl 60 .* 10m/],
  [['--subscribe', 'a', '--ttl', '0s'], { PIAZZA_JWT_SECRET: SECRET }, /--ttl 0s/],
  [['--subcribe', 'a'], { PIAZZA_JWT_SECRET: SECRET }, /--subcribe.*--help/],
  [['a'], { PIAZZA_JWT_SECRET: SECRET }, /--help/],
  [['--subscribe', 'a'], { PIAZZA_JWT_SECRET: 'short' }, /^piazza: PIAZZA_JWT_SECRET: /],
])('piazza token %j with %j tells in one line what is wrong', async (args, settings, message) => {
  const exit = await runPiazza(['token', ...args], settings)
  expect(exit).toEqual({ code: 1, stdout: '', stderr: [expect.stringMatching(message)] })
})
