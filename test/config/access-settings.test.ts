import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { canPublish } from '../../src/config/access-contradictions.ts'
import { readConfig } from '../../src/config/read-config.ts'
import { writeFile } from '../support/folder.ts'
import { createKeyPair } from '../support/tokens.ts'

const SECRET = 'an-unusual-secret-of-32-bytes-00'
const KEYS_URL = 'https://login.example/.well-known/jwks.json'
const privatePem = createKeyPair().privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

function problemsOf(environment: Record<string, string>): readonly string[] {
  const { problems } = readConfig(environment)
  expect(problems.join()).not.toContain(SECRET)
  return problems
}

describe('a key for tokens', () => {
  test.each([
    { PIAZZA_JWT_SECRET: SECRET },
    { PIAZZA_JWT_SECRET: SECRET, PIAZZA_JWT_ALGORITHMS: 'HS256' },
    { PIAZZA_JWT_JWKS_URL: KEYS_URL, PIAZZA_JWT_ALGORITHMS: 'RS256,ES256,EdDSA' },
    { PIAZZA_JWT_JWKS_URL: 'http://localhost:1/keys', PIAZZA_JWT_EXP: 'optional' },
  ])('is good: %j', (environment) => {
    expect(problemsOf(environment as Record<string, string>)).toEqual([])
  })

  test.each(['rsa', 'ec', 'ed25519'] as const)('is good: a public key, %s', (type) => {
    const { pem } = createKeyPair(type)
    const { config } = readConfig({ PIAZZA_JWT_PUBLIC_KEY_FILE: writeFile(pem) })
    const key = config?.PIAZZA_JWT_PUBLIC_KEY_FILE
    expect([key?.type, key?.asymmetricKeyType]).toEqual(['public', type])
  })

  test.each([
    [{ PIAZZA_JWT_SECRET: SECRET.slice(1) }, /^PIAZZA_JWT_SECRET: the value given.*32 bytes/],
    [{ PIAZZA_JWT_JWKS_URL: 'login.example' }, /https:\/\/login\.example\.com/],
    [{ PIAZZA_JWT_JWKS_URL: 'ftp://login.example/x' }, /https:\/\/login\.example\.com/],
    [{ PIAZZA_JWT_SECRET: SECRET, PIAZZA_JWT_ALGORITHMS: 'none' }, /some of HS256, HS384/],
    [{ PIAZZA_JWT_SECRET: SECRET, PIAZZA_JWT_EXP: 'off' }, /one of required, optional/],
    [{ PIAZZA_JWT_PUBLIC_KEY_FILE: '/no/such/file' }, /path of a PEM file/],
    [{ PIAZZA_PUBLISH_KEYS_FILE: '/no/such/file' }, /one key per line \(ENOENT/],
    [{ PIAZZA_COOKIE_NAME: 'a=b' }, /1 to 64 of/],
  ])('or a rule for them is bad: %j', (environment, problem) => {
    const problems = problemsOf(environment)
    expect(problems).toEqual([expect.stringMatching(problem)])
  })

  test.each([
    ['PIAZZA_PUBLISH_KEYS_FILE', 'a-publish-key-of-24-char', 'key-of'],
    ['PIAZZA_TLS_KEY_FILE', privatePem, 'PRIVATE'],
    ['PIAZZA_TLS_CERT_FILE', privatePem, 'PRIVATE'],
    ['PIAZZA_JWT_PUBLIC_KEY_FILE', privatePem, 'PRIVATE'],
    ['PIAZZA_REDIS_KEY_FILE', privatePem, 'PRIVATE'],
    ['PIAZZA_JWT_JWKS_URL', 'https://hub:s3cret@login.example/keys', 's3cret'],
    ['PIAZZA_REDIS_SENTINELS', 'hub:s3cret@redis:26379', 's3cret'],
  ])('is not repeated where it was given by mistake: %s', (name, text, part) => {
    const problems = problemsOf({ [name]: text }).join()
    expect(problems).toMatch(new RegExp(`${name}: the value given is not valid; it takes`))
    expect(problems).not.toContain(part)
  })

  test('is not private, not too weak, and a key', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
    const other = generateKeyPairSync('x25519').publicKey
    const pems = [
      createKeyPair().privateKey.export({ type: 'pkcs8', format: 'pem' }),
      weak.export({ type: 'spki', format: 'pem' }),
      other.export({ type: 'spki', format: 'pem' }),
      '-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----\n',
    ]
    const problems = pems.map((pem) =>
      problemsOf({ PIAZZA_JWT_PUBLIC_KEY_FILE: writeFile(pem.toString()) }).join(),
    )
    for (const problem of problems) expect(problem).toMatch(/RSA of 2048 bits or more/)
    expect(problems[0]).toMatch(/private/)
  })

  test('of one kind excludes the others, and all that is wrong is told at once', () => {
    const problems = problemsOf({
      PIAZZA_JWT_SECRET: SECRET,
      PIAZZA_JWT_JWKS_URL: KEYS_URL,
      PIAZZA_RETRY_MIN: '10s',
    })
    expect(problems).toEqual([
      expect.stringMatching(/^PIAZZA_RETRY_MIN: /),
      expect.stringMatching(/^PIAZZA_JWT_SECRET: .*one kind of key.*PIAZZA_JWT_JWKS_URL/),
    ])
  })

  test.each(['PIAZZA_JWT_ISSUER', 'PIAZZA_JWT_AUDIENCE', 'PIAZZA_JWT_ALGORITHMS'])(
    'is missed by %s',
    (name) => {
      const problems = problemsOf({ [name]: 'HS256' })
      expect(problems).toEqual([expect.stringMatching(`^${name}: .*PIAZZA_JWT_SECRET`)])
    },
  )

  test.each([
    [{ PIAZZA_JWT_SECRET: SECRET }, 'HS256,HS512', /: HS512 .* it takes HS256\.$/],
    [{ PIAZZA_JWT_SECRET: SECRET + SECRET }, 'RS256', /it takes HS256, HS384, HS512\.$/],
    [{ PIAZZA_JWT_JWKS_URL: KEYS_URL }, 'HS256', /HS256 can't be with PIAZZA_JWT_JWKS_URL/],
  ])('has algorithms of its own: %j, %s', (key, algorithms, problem) => {
    const environment = { ...(key as Record<string, string>), PIAZZA_JWT_ALGORITHMS: algorithms }
    expect(problemsOf(environment)).toEqual([expect.stringMatching(problem)])
  })

  test.each([
    ['ec', 'ES384,ES256', /: ES384 .* it takes ES256\.$/],
    ['rsa', 'HS256,RS512', /: HS256 .* it takes RS256, .*PS512\.$/],
    ['ed25519', 'HS512', /it takes EdDSA, Ed25519\.$/],
  ] as const)('that is %s takes none of %s that is for others', (type, algorithms, problem) => {
    const problems = problemsOf({
      PIAZZA_JWT_PUBLIC_KEY_FILE: writeFile(createKeyPair(type).pem),
      PIAZZA_JWT_ALGORITHMS: algorithms,
    })
    expect(problems).toEqual([expect.stringMatching(problem)])
  })
})

test.each([
  [{ PIAZZA_PUBLIC_CHANNELS: 'news' }, false],
  [{ PIAZZA_ANONYMOUS: 'subscribe' }, false],
  [{ PIAZZA_ANONYMOUS: 'publish,subscribe' }, true],
  [{ PIAZZA_JWT_SECRET: SECRET }, true],
  [{}, true],
])('with %j somebody can publish: %s', (environment, isSo) => {
  expect(canPublish(readConfig(environment as Record<string, string>).config!)).toBe(isSo)
})
