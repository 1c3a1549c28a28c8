/**
 * What it costs to find out what a token allows: a publish key, a JWT seen before, a JWT never seen, 8 kB of garbage.
 * CPU time of the process for each. Not part of `npm run bench`: node bench/tokens.mjs
 */
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { SignJWT } from 'jose'
import { Access } from '../dist/auth/access.js'

const ROUNDS = 3
const TOKENS = 2000
const KEY = 'a-publish-key-of-24-char'
const SECRET = createHmac('sha256', 'bench').digest('hex')
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })

function createAccess(key) {
  const rules = { issuer: undefined, audience: undefined, toleranceMs: 0, isExpRequired: true }
  return new Access({
    publishKeys: [KEY],
    publishKeysFile: undefined,
    tokens: { key, algorithms: [], ...rules },
    anonymous: { subscribe: false, publish: false },
    publicChannels: [],
    isOpen: false,
    log: { info: () => {}, warn: () => {} },
  })
}

function sign(alg, key, sub) {
  const token = new SignJWT({ piazza: { subscribe: ['orders.*'] } }).setProtectedHeader({ alg })
  return token.setSubject(sub).setExpirationTime('1h').sign(key)
}

async function measure(access, tokens) {
  const before = process.cpuUsage()
  for (const token of tokens) await access.grantFor(token).catch(() => {})
  const { user, system } = process.cpuUsage(before)
  return (user + system) / tokens.length
}

async function show(name, access, createTokens) {
  await measure(access, await createTokens('warm'))
  const results = []
  for (let i = 0; i < ROUNDS; i += 1) results.push(await measure(access, await createTokens(i)))
  const [low, high] = [Math.min(...results), Math.max(...results)]
  console.log(`${name.padEnd(36)} ${low.toFixed(0)}-${high.toFixed(0)} µs`)
}

const repeat = (token) => Array.from({ length: TOKENS }, () => token)
const different = (alg, key) => (round) =>
  Promise.all(Array.from({ length: TOKENS }, (_, i) => sign(alg, key, `${round}-${i}`)))

const byHmac = createAccess({ secret: SECRET })
await show('a publish key', byHmac, () => repeat(KEY))
await show('one JWT again and again', byHmac, async () =>
  repeat(await sign('HS256', Buffer.from(SECRET), 'same')),
)
await show('JWTs never seen before, HS256', byHmac, different('HS256', Buffer.from(SECRET)))
await show(
  'the same, RS256',
  createAccess({ publicKey: rsa.publicKey }),
  different('RS256', rsa.privateKey),
)
await show(
  'the same, ES256',
  createAccess({ publicKey: ec.publicKey }),
  different('ES256', ec.privateKey),
)
await show('8 kB that are no token', byHmac, () => repeat('x'.repeat(8192)))
await show('5 kB that are no token', byHmac, () => repeat('x'.repeat(5000)))
await show('5 kB with two dots', byHmac, () => repeat(`eyJhbGciOiJIUzI1NiJ9.${'x'.repeat(5000)}.x`))
