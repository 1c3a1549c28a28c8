import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/config/read-config.ts'
import { SETTINGS } from '../../src/config/settings.ts'
import { createAuthority } from '../support/certificates.ts'
import { writeFile } from '../support/folder.ts'
import { CASES, CHART, render, type Rendered } from './chart.ts'

/** Made from other values; all the rest are in `config`. */
const SET_BY_THE_CHART =
  /^PIAZZA_(PORT|INTERNAL_(PORT|TLS)|TLS_.*|PUBLISH_KEYS.*|JWT_(SECRET|PUBLIC_KEY_FILE|JWKS_URL|ALGORITHMS|ISSUER|AUDIENCE)|ANONYMOUS|PUBLIC_CHANNELS|REDIS_(URL|C.*|KEY_FILE|SENTINEL.*))$/

/** Of Secrets that the chart does not make. */
const SECRETS: Readonly<Record<string, string>> = {
  'piazza-redis/redis-url': 'rediss://:a-password@redis.data:6379/0',
  'piazza-redis/url': 'redis://:a-password@redis.data:6379/0',
}

test('config takes every setting of the hub that the chart does not make from other values', () => {
  const schema = JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8'))
  const free = Object.keys(SETTINGS).filter((name) => !SET_BY_THE_CHART.test(name))
  expect(Object.keys(schema.properties.config.properties).toSorted()).toEqual(free.toSorted())
  expect(free.length).toBeGreaterThan(30)
})

test.each(CASES)('the hub starts with the environment of %s', async (name) => {
  const rendered = await render(name)
  const environment = toProcessEnvironment(rendered)
  const { problems, warnings, config } = readConfig(environment)
  expect(problems).toEqual([])
  expect(warnings).toEqual([])
  expect(config).toMatchObject({ PIAZZA_PORT: 8080, PIAZZA_INTERNAL_PORT: 9090 })
  expect(rendered.hub.ports).toEqual([
    { name: 'public', containerPort: 8080 },
    { name: 'internal', containerPort: 9090 },
  ])
})

test('on, off and numbers of YAML reach the hub as it writes them', async () => {
  const { environment } = await render(
    'minimal',
    'config: { PIAZZA_QUERY_TOKEN: off, PIAZZA_MAX_STREAMS: 1000000, PIAZZA_LOG_MAX_AGE: 2h, PIAZZA_JWT_EXP: null }',
  )
  expect(environment.get('PIAZZA_QUERY_TOKEN')).toBe('off')
  expect(environment.get('PIAZZA_MAX_STREAMS')).toBe('1000000')
  expect(environment.get('PIAZZA_LOG_MAX_AGE')).toBe('2h')
  expect(environment.has('PIAZZA_JWT_EXP')).toBe(false)
})

test('secrets are in no environment but by name, and publish keys are a file that is read again', async () => {
  const hpa = await render('hpa')
  expect(hpa.environment.get('PIAZZA_PUBLISH_KEYS_FILE')).toBe('/etc/piazza/publish-keys/keys')
  expect(hpa.environment.get('PIAZZA_REDIS_URL')).toBe('piazza-redis/url')
  expect(hpa.secret('hub-piazza-publish-keys', 'publish-keys').split('\n')).toEqual([
    'a-publish-key-for-ci-only',
    'another-publish-key-for-ci',
  ])
  const sentinel = await render('sentinel')
  for (const [name, entry] of [
    ['PIAZZA_REDIS_URL', 'redis-url'],
    ['PIAZZA_REDIS_SENTINEL_PASSWORD', 'redis-sentinel-password'],
  ]) {
    expect(sentinel.environment.get(name!)).toBe(`hub-piazza-settings/${entry}`)
  }
  for (const name of CASES) {
    const { manifests } = await render(name)
    const open = JSON.stringify(manifests.filter(({ kind }) => kind !== 'Secret'))
    expect(open).not.toMatch(/for-ci/)
  }
})

/** The checksum of a kind's pods: with another one they are rolled out. */
async function sumOf(overrides: string, kind = 'Deployment', name = 'hub-piazza') {
  const { annotations } = (await render('ingress', overrides)).get(kind, name).spec.template.metadata
  const sums = Object.keys(annotations).filter((one) => one.startsWith('checksum/'))
  expect(sums).toHaveLength(1)
  return annotations[sums[0]!] as string
}

test('a new publish key rolls out nothing; a new secret that is read at start does', async () => {
  const before = await sumOf('')
  expect(await sumOf('access: { publishKeys: { values: [a-new-publish-key-for-ci] } }')).toBe(before)
  const secret = 'access: { jwt: { secret: another-jwt-secret-of-32-bytes-for-ci } }'
  expect(await sumOf(secret)).not.toBe(before)
  const password = 'redis: { bundled: { password: another-password-for-ci } }'
  expect(await sumOf(password)).not.toBe(before)
  const redis = ['StatefulSet', 'hub-piazza-redis'] as const
  expect(await sumOf(password, ...redis)).not.toBe(await sumOf('', ...redis))
})

/** As a process of the hub would see it: files in the place of mounted ones, and Secrets resolved. */
function toProcessEnvironment(rendered: Rendered): Record<string, string> {
  const authority = createAuthority()
  const { cert, key } = authority.issue('hub')
  const files: Record<string, string> = {
    '/etc/piazza/publish-keys/keys': writeFile('a-publish-key-of-the-test\n'),
    '/etc/piazza/jwt/public-key.pem': writeFile(PUBLIC_KEY),
    '/etc/piazza/tls/tls.crt': cert,
    '/etc/piazza/tls/tls.key': key,
    '/etc/piazza/redis-tls/ca.crt': authority.file,
    '/etc/piazza/redis-tls/tls.crt': cert,
    '/etc/piazza/redis-tls/tls.key': key,
  }
  const resolve = (value: string) => {
    const [secret, entry] = value.split('/')
    if (rendered.find('Secret', secret) !== undefined) return rendered.secret(secret!, entry!)
    return files[value] ?? SECRETS[value] ?? value
  }
  return Object.fromEntries([...rendered.environment].map(([name, text]) => [name, resolve(text)]))
}

const PUBLIC_KEY = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
`
