import { expect, test } from 'vitest'
import { writeFile } from '../support/folder.ts'
import { CHART, helm, KUBERNETES, valuesOf } from './chart.ts'

/** What the chart says to values on top of helm/piazza/ci/minimal.yaml. */
async function refusalOf(values: string, base = 'minimal'): Promise<string> {
  const files = [...(base === '' ? [] : ['--values', valuesOf(base)]), '--values', writeFile(values)]
  const kube = ['--kube-version', `${KUBERNETES[1]}.0`]
  return helm('template', 'hub', CHART, ...kube, ...files).then(
    () => '',
    ({ stderr }: { stderr: string }) => stderr,
  )
}

const NO_ACCESS = 'access: { publishKeys: { values: [] }, anonymous: "" }'
const BUNDLED = 'bundled: { enabled: true, password: a-redis-password-for-ci }'
const TWO = 'replicaCount: 2'

test.each([
  [NO_ACCESS, 'access: nothing is configured, and the hub does not start so. Set access.publishKeys'],
  [TWO, "replicaCount: 2 pods without Redis don't work: each pod would have a log of its own"],
  [
    'autoscaling: { enabled: true }',
    "autoscaling.enabled: several pods without Redis don't work: each pod would have",
  ],
  [
    `redis: { url: 'redis://redis', existingSecret: redis }`,
    'redis: redis.url and redis.existingSecret say where Redis is; leave one',
  ],
  ['redis: { bundled: { enabled: true } }', 'redis.bundled.password: set one, for example'],
  [
    `redis: { url: 'redis://redis', ${BUNDLED} }`,
    'redis: redis.url and redis.bundled say where Redis is',
  ],
  [
    'redis: { sentinel: { addresses: ["s:26379"] } }',
    'redis.sentinel.addresses: user, password and database come from redis.url',
  ],
  [
    `redis: { ${BUNDLED}, sentinel: { addresses: ["s:26379"] } }`,
    'redis.sentinel.addresses: user, password and database come from',
  ],
  [
    `redis: { url: 'redis://redis', sentinel: { addresses: ["s:26379"], passwordKey: p } }`,
    'redis.sentinel.passwordKey: it is an entry of redis.existingSecret',
  ],
  [
    `redis: { url: 'redis://redis', tls: { existingSecret: ca, caKey: ca.crt } }`,
    'redis.tls: it is for TLS; begin the address with rediss://',
  ],
  [
    `redis: { url: 'rediss://redis', tls: { existingSecret: ca, certKey: tls.crt } }`,
    'redis.tls: a client certificate is certKey and keyKey',
  ],
  [`redis: { url: 'rediss://redis', tls: { caKey: ca.crt } }`, 'redis.tls.existingSecret: name the'],
  ['access: { publishKeys: { existingSecret: keys } }', 'keys come from values or from existingSecret'],
  [
    `access: { jwt: { secret: ${'s'.repeat(32)}, jwksUrl: 'https://a/b' } }`,
    'access.jwt: tokens are verified by one kind of key, and here are a secret and jwksUrl',
  ],
  [
    'access: { jwt: { existingSecret: tokens } }',
    'access.jwt.existingSecret: say what is in it by access.jwt.secretKey or',
  ],
  ['access: { jwt: { issuer: me } }', 'algorithms, issuer and audience say nothing without a key'],
  ['tls: { enabled: true }', 'tls.existingSecret: name a Secret of type kubernetes.io/tls'],
  ['ingress: { enabled: true }', 'ingress.hosts: name at least one host'],
  ['gateway: { enabled: true }', 'gateway.parentRefs: name the Gateway'],
  [
    'metrics: { serviceMonitor: { enabled: true } }',
    'networkPolicy.metricsFrom: say where Prometheus is, or the policy keeps it out',
  ],
  [
    'extraEnv: [{ name: PIAZZA_PORT, value: "80" }]',
    'extraEnv: the chart sets PIAZZA_PORT itself, from other values',
  ],
  [
    'extraEnv: [{ name: PIAZZA_ANONYMOUS, value: subscribe }]',
    'extraEnv: the chart sets PIAZZA_ANONYMOUS itself',
  ],
  [
    'extraEnv: [{ name: PIAZZA_DRAIN_TIME, value: 2m }]',
    'extraEnv: set PIAZZA_DRAIN_TIME in config.PIAZZA_DRAIN_TIME: the time that a pod has to stop follows from it',
  ],
  [
    'extraEnv: [{ name: PIAZZA_TLS_CERT_FILE, value: /tls/tls.crt }]',
    'extraEnv: set PIAZZA_TLS_CERT_FILE in tls: what probes and Services speak follows from it',
  ],
])('%s is refused: %s', async (values, reason) => {
  expect(await refusalOf(values)).toContain(reason)
})

test.each([
  ['autoscaling: { minReplicas: 30 }', 'autoscaling.minReplicas: it is above maxReplicas'],
  [
    'autoscaling: { metric: cpu }\nresources: { requests: { cpu: null } }',
    'autoscaling.metric: cpu is a share of resources.requests.cpu',
  ],
])('over Redis %s is refused: %s', async (values, reason) => {
  expect(await refusalOf(values, 'hpa')).toContain(reason)
})

test('all reasons are told at once', async () => {
  const said = await refusalOf(`${TWO}\n${NO_ACCESS}\ningress: { enabled: true }`)
  for (const reason of ['access: nothing', 'replicaCount: 2 pods', 'ingress.hosts:']) {
    expect(said).toContain(reason)
  }
})

test.each([
  ['replicas: 3', 'replicas'],
  ['config: { PIAZZA_MAX_STREAM: 5 }', 'PIAZZA_MAX_STREAM'],
  ['config: { PIAZZA_REDIS_URL: "redis://redis" }', 'PIAZZA_REDIS_URL'],
  ['config: { PIAZZA_DRAIN_TIME: 20 }', 'PIAZZA_DRAIN_TIME'],
  ['config: { PIAZZA_DRAIN_TIME: off }', 'PIAZZA_DRAIN_TIME'],
  ['termination: { slack: 5s }', 'slack'],
  ['termination: { preStopDelay: ten }', 'preStopDelay'],
  ['access: { publishKeys: { values: [short] } }', 'values'],
  // the hub would take it for a comment
  ['access: { publishKeys: { values: ["#-is-a-comment-in-a-file"] } }', 'values'],
  ['access: { anonymous: publish }', 'anonymous'],
  ['access: { jwt: { secret: short } }', 'secret'],
  ['redis: { url: redis.example.org }', 'url'],
  ['redis: { sentinel: { addresses: [sentinel] } }', 'addresses'],
  ['redis: { bundled: { password: "has@in-it-0123456789" } }', 'password'],
  ['service: { port: 0 }', 'port'],
  ['ingress: { recipe: haproxy }', 'recipe'],
  ['image: { digest: latest }', 'digest'],
  ['podDisruptionBudget: { maxUnavailable: 0 }', 'maxUnavailable'],
  ['autoscaling: { metric: memory }', 'metric'],
])('the schema refuses %s, and names %s', async (values, name) => {
  const said = await refusalOf(values)
  expect(said).toContain("values don't meet the specifications of the schema")
  expect(said).toContain(name)
})

test.each([
  [`${NO_ACCESS}\nextraEnv: [{ name: PIAZZA_PUBLISH_KEYS, value: from-elsewhere-0123 }]`],
  [`${NO_ACCESS}\nenvFrom: [{ secretRef: { name: access } }]`],
  [`${TWO}\nextraEnv: [{ name: PIAZZA_REDIS_URL, value: 'redis://redis' }]`],
])('what comes by other ways is not refused: %j', async (values) => {
  expect(await refusalOf(values)).toBe('')
})
