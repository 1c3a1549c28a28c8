import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { docker } from '../support/docker.ts'

const SECRETS = {
  PIAZZA_PUBLISH_KEYS: 'a-publish-key-for-compose',
  REDIS_PASSWORD: 'a-password-for-compose',
}
const SERVICES = ['grafana', 'hub-1', 'hub-2', 'nginx', 'prometheus', 'redis']
/** What a hub needs beyond PIAZZA_DRAIN_TIME, with an internal port. */
const AFTER_DRAIN_SECONDS = 7

interface Service {
  readonly image: string
  readonly environment?: Record<string, string>
  readonly ports?: readonly { host_ip: string; target: number; published: string }[]
  readonly volumes?: readonly { type: string; source: string; target: string }[]
  readonly stop_grace_period?: string
  readonly [field: string]: unknown
}

/** compose.yaml as compose reads it, with these variables and none of .env. */
async function readServices(
  env: Readonly<Record<string, string>>,
): Promise<Record<string, Service>> {
  const command = ['--env-file', '/dev/null', '--profile', '*', 'config', '--format', 'json']
  const { services } = JSON.parse(await docker(['compose', ...command], { env })) as {
    services: Record<string, Service>
  }
  return services
}

let services: Record<string, Service>
beforeAll(async () => {
  services = await readServices(SECRETS)
})

function readYaml(path: string): unknown {
  return parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'))
}

test.each(Object.keys(SECRETS))(
  'without %s nothing starts, and it is said what to do',
  async (name) => {
    const failed = await readServices({ ...SECRETS, [name]: '' }).catch((error: unknown) => error)
    const { stderr } = failed as { stderr: string }
    expect(stderr).toContain(`required variable ${name} is missing a value`)
    expect(stderr).toContain('.env.example')
  },
)

test('.env.example names what can be set, and has no secret that works', () => {
  const url = new URL('../../.env.example', import.meta.url)
  const example = readFileSync(url, 'utf8')
  const compose = readFileSync(new URL('../../compose.yaml', import.meta.url), 'utf8')
  const named = [...example.matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name)
  const used = [...compose.matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name)
  expect(new Set(named)).toEqual(new Set(used))
  for (const name of [...Object.keys(SECRETS), 'PIAZZA_JWT_SECRET']) {
    expect(example).toMatch(new RegExp(`^${name}=$`, 'm'))
  }
})

test('all services are known here', () => {
  expect(Object.keys(services).sort()).toEqual(SERVICES)
})

describe.each(SERVICES)('%s', (name) => {
  test('may do no more than it must, and take no more than is left for it', () => {
    expect(services[name]).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      restart: 'unless-stopped',
      mem_limit: expect.stringMatching(/^\d+$/) as unknown,
      cpus: expect.any(Number) as unknown,
      pids_limit: expect.any(Number) as unknown,
    })
  })

  test('has a health check', () => {
    const isHub = name.startsWith('hub') // that of the image
    expect(services[name]!['healthcheck'] !== undefined || isHub).toBe(true)
  })

  test('is reached from this machine only', () => {
    const addresses = (services[name]!.ports ?? []).map((port) => port.host_ip)
    expect(addresses.filter((address) => address !== '127.0.0.1')).toEqual([])
  })

  test('is of one version', () => {
    expect(services[name]!.image).toMatch(/^piazza$|:v?\d+/)
  })
})

test('hubs are given time to drain, and Redis is not reached from outside', () => {
  for (const hub of ['hub-1', 'hub-2']) {
    const { stop_grace_period: grace = '', environment = {} } = services[hub]!
    const drain = Number.parseInt(environment['PIAZZA_DRAIN_TIME'] ?? '', 10)
    expect(Number.parseInt(grace, 10)).toBeGreaterThan(drain + AFTER_DRAIN_SECONDS)
  }
  expect(services['redis']!.ports).toBeUndefined()
})

test('Grafana reads Prometheus, and its dashboards where they are', () => {
  const { datasources } = readYaml('ops/grafana/provisioning/datasources/prometheus.yaml') as {
    datasources: { type: string; uid: string; url: string; access: string }[]
  }
  const [prometheus] = services['prometheus']!.ports!
  expect(datasources).toEqual([
    expect.objectContaining({
      type: 'prometheus',
      uid: 'prometheus',
      access: 'proxy',
      url: `http://prometheus:${prometheus!.target}`,
    }),
  ])
  const { providers } = readYaml('ops/grafana/provisioning/dashboards/piazza.yaml') as {
    providers: { type: string; options: { path: string } }[]
  }
  const mounts = services['grafana']!.volumes!.map(({ source, target }) => [target, source])
  const sourceOf = new Map(mounts as [string, string][])
  expect(providers.map(({ type }) => type)).toEqual(['file'])
  expect(sourceOf.get(providers[0]!.options.path)).toMatch(/\/ops\/grafana$/)
  expect(sourceOf.get('/etc/grafana/provisioning')).toMatch(/\/ops\/grafana\/provisioning$/)
  const home = services['grafana']!.environment!['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH']
  expect(home).toBe(`${providers[0]!.options.path}/piazza.json`)
})
