import { expect, test } from 'vitest'
import { render } from './chart.ts'

const TEST_POD = {
  podSelector: {
    matchLabels: {
      'app.kubernetes.io/instance': 'hub',
      'app.kubernetes.io/component': 'test',
    },
  },
}
const namespace = (name: string) => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
})

test('the public Service leads to the public port, the other to the internal one, both to the hub only', async () => {
  const rendered = await render('ingress')
  const publicOne = rendered.get('Service').spec
  expect(publicOne.ports).toEqual([
    { name: 'public', port: 80, targetPort: 'public', appProtocol: 'http' },
  ])
  const internal = rendered.get('Service', 'hub-piazza-internal').spec
  expect(internal.type).toBe('ClusterIP')
  expect(internal.ports).toEqual([
    { name: 'internal', port: 9090, targetPort: 'internal', appProtocol: 'http' },
  ])
  const { labels } = rendered.get('Deployment').spec.template.metadata
  for (const { selector } of [publicOne, internal]) {
    expect(labels).toMatchObject(selector)
    expect(selector['app.kubernetes.io/component']).toBe('hub')
  }
})

async function protocols(values: string): Promise<string[]> {
  const rendered = await render('tls', values)
  return ['hub-piazza', 'hub-piazza-internal'].map(
    (name) => rendered.get('Service', name).spec.ports[0].appProtocol as string,
  )
}

test('with TLS both say so, unless the internal one is plain', async () => {
  expect(await protocols('')).toEqual(['https', 'http'])
  expect(await protocols('tls: { internal: true }')).toEqual(['https', 'https'])
})

test('the network lets subscribers to the public port, and to the internal one only who should come', async () => {
  const { spec } = (await render('production')).get('NetworkPolicy')
  const publisher = { namespaceSelector: { matchLabels: { 'piazza-publisher': 'true' } } }
  expect(spec.ingress).toEqual([
    { ports: [{ port: 'public' }], from: [TEST_POD, namespace('ingress')] },
    { ports: [{ port: 'internal' }], from: [TEST_POD, publisher, namespace('monitoring')] },
  ])
  expect(spec.policyTypes).toEqual(['Ingress', 'Egress'])
  expect(spec.egress[0].ports.map(({ port }: { port: number }) => port)).toEqual([53, 53])
  expect(spec.egress).toHaveLength(2)
})

test('by default everybody may subscribe, and the namespace publish; nobody else reaches the internal port', async () => {
  const { spec } = (await render('minimal')).get('NetworkPolicy')
  expect(spec.ingress).toEqual([
    { ports: [{ port: 'public' }] },
    { ports: [{ port: 'internal' }], from: [TEST_POD, { podSelector: {} }] },
  ])
  expect(spec.policyTypes).toEqual(['Ingress'])
})

test('the bundled Redis is reached by the hub only, and keeps what it has', async () => {
  const rendered = await render('ingress')
  const { spec } = rendered.get('NetworkPolicy', 'hub-piazza-redis')
  const [{ from }] = spec.ingress
  expect(from).toEqual([
    { podSelector: { matchLabels: rendered.get('Deployment').spec.selector.matchLabels } },
  ])
  const redis = rendered.get('StatefulSet', 'hub-piazza-redis').spec
  expect(redis.volumeClaimTemplates[0].metadata.name).toBe('data')
  const { command, args } = redis.template.spec.containers[0]
  expect([...command, ...args].join(' ')).toContain('redis-server --dir /data --appendonly yes')
  expect(args.join(' ')).toContain('--maxmemory-policy noeviction')
  expect(rendered.secret('hub-piazza-settings', 'redis-url')).toBe(
    'redis://:a-redis-password-for-ci@hub-piazza-redis:6379/0',
  )
  const trial = (await render('tls')).get('StatefulSet', 'hub-piazza-redis').spec
  expect(trial.volumeClaimTemplates).toBeUndefined()
  expect(trial.template.spec.volumes).toEqual([{ name: 'data', emptyDir: {} }])
})

test('an Ingress has only subscribing behind it, with the annotations of its recipe; those given win', async () => {
  const { metadata, spec } = (await render('ingress')).get('Ingress')
  expect(metadata.annotations).toEqual({
    'nginx.ingress.kubernetes.io/backend-protocol': 'HTTP',
    'nginx.ingress.kubernetes.io/proxy-buffering': 'off',
    'nginx.ingress.kubernetes.io/proxy-http-version': '1.1',
    'nginx.ingress.kubernetes.io/proxy-read-timeout': '7200',
    'nginx.ingress.kubernetes.io/proxy-send-timeout': '3600',
  })
  expect(spec.ingressClassName).toBe('nginx')
  expect(spec.rules.map(({ host }: { host: string }) => host)).toEqual([
    'events.example.org',
    'events.example.com',
  ])
  for (const { http } of spec.rules) {
    const service = { name: 'hub-piazza', port: { name: 'public' } }
    expect(http.paths).toEqual([{ path: '/channels/', pathType: 'Prefix', backend: { service } }])
  }
})

test('the recipe of ALB lets it idle for longer than a heartbeat, and drain for as long as the pod', async () => {
  const { metadata } = (await render('ingress', 'ingress: { recipe: alb }')).get('Ingress')
  expect(metadata.annotations).toMatchObject({
    'alb.ingress.kubernetes.io/target-type': 'ip',
    'alb.ingress.kubernetes.io/load-balancer-attributes': 'idle_timeout.timeout_seconds=120',
    'alb.ingress.kubernetes.io/target-group-attributes': 'deregistration_delay.timeout_seconds=40',
    'alb.ingress.kubernetes.io/healthcheck-path': '/livez',
  })
})

test('Traefik is told where the hub speaks TLS', async () => {
  const traefik = await render('tls', 'ingress: { recipe: traefik }')
  expect(traefik.get('Service').metadata.annotations).toEqual({
    'traefik.ingress.kubernetes.io/service.serversscheme': 'https',
  })
})

test("Google's load balancers get a time limit of an hour and a path that answers", async () => {
  const rendered = await render('tls')
  const { annotations } = rendered.get('Service').metadata
  expect(JSON.parse(annotations!['cloud.google.com/backend-config']!)).toEqual({
    default: 'hub-piazza',
  })
  expect(JSON.parse(annotations!['cloud.google.com/app-protocols']!)).toEqual({ public: 'HTTPS' })
  expect(rendered.get('BackendConfig').spec).toMatchObject({
    timeoutSec: 3600,
    connectionDraining: { drainingTimeoutSec: 40 },
    healthCheck: { type: 'HTTPS', requestPath: '/livez', port: 8080 },
  })
  const targetRef = { group: '', kind: 'Service', name: 'hub-piazza' }
  const policy = rendered.get('GCPBackendPolicy').spec
  expect(policy).toMatchObject({ default: { timeoutSec: 3600 }, targetRef })
  const health = rendered.get('HealthCheckPolicy').spec
  const httpsHealthCheck = { port: 8080, requestPath: '/livez' }
  expect(health).toMatchObject({
    default: { config: { type: 'HTTPS', httpsHealthCheck } },
    targetRef,
  })
  expect(rendered.get('HTTPRoute').spec.rules[0].timeouts).toBeUndefined() // GKE does not support them
})

test('an HTTPRoute has no time limit for streams', async () => {
  const { apiVersion, spec } = (await render('gateway')).get('HTTPRoute')
  expect(apiVersion).toBe('gateway.networking.k8s.io/v1')
  expect(spec).toEqual({
    parentRefs: [{ name: 'public', namespace: 'gateways' }],
    hostnames: ['events.example.org'],
    rules: [
      {
        matches: [{ path: { type: 'PathPrefix', value: '/channels/' } }],
        timeouts: { request: '0s', backendRequest: '0s' },
        backendRefs: [{ name: 'hub-piazza', port: 80 }],
      },
    ],
  })
})

test('the sidecar of Istio stays until the drain is over', async () => {
  const { annotations } = (await render('production')).get('Deployment').spec.template.metadata
  expect(annotations['proxy.istio.io/config']).toBe(
    'holdApplicationUntilProxyStarts: true\nterminationDrainDuration: 50s\n' +
      'proxyMetadata:\n  EXIT_ON_ZERO_ACTIVE_CONNECTIONS: "true"',
  )
})

async function testEnvironmentOf(name: string): Promise<unknown[]> {
  return (await render(name)).get('Pod', 'hub-piazza-test').spec.containers[0].env as unknown[]
}

test('the pod of helm test ends, with a sidecar too', async () => {
  const quit = { name: 'SIDECAR_QUIT_URL', value: 'http://127.0.0.1:15020/quitquitquit' }
  expect(await testEnvironmentOf('production')).toContainEqual(quit)
  expect(await testEnvironmentOf('minimal')).not.toContainEqual(quit)
})

test('Prometheus is sent to the internal Service, by the scheme that it speaks', async () => {
  const rendered = await render('production')
  const monitor = rendered.get('ServiceMonitor')
  expect(monitor.metadata.labels['release']).toBe('prometheus')
  const { labels } = rendered.get('Service', 'hub-piazza-internal').metadata
  const { selector, endpoints } = monitor.spec
  expect(labels).toMatchObject(selector.matchLabels)
  expect(rendered.get('Service').metadata.labels).not.toMatchObject(selector.matchLabels)
  expect(endpoints).toEqual([
    { port: 'internal', path: '/metrics', interval: '15s', scheme: 'http' },
  ])
  const secure = await render('production', 'tls: { enabled: true, existingSecret: piazza-tls }')
  expect(secure.get('ServiceMonitor').spec.endpoints[0]).toMatchObject({
    scheme: 'https',
    tlsConfig: { insecureSkipVerify: true },
  })
})
