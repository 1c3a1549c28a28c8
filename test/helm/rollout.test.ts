import { expect, test } from 'vitest'
import { CASES, render } from './chart.ts'

const HUB = {
  'app.kubernetes.io/name': 'piazza',
  'app.kubernetes.io/instance': 'hub',
  'app.kubernetes.io/component': 'hub',
}

test('over Redis a new pod is ready before an old one goes; without, the old one goes first', async () => {
  const shared = (await render('production')).get('Deployment').spec
  expect(shared).toMatchObject({
    replicas: 3,
    minReadySeconds: 10,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
  })
  const alone = (await render('minimal')).get('Deployment').spec
  expect(alone).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } })
  expect(alone.strategy.rollingUpdate).toBeUndefined()
})

test.each([
  ['', 40, 10], // 10 s, 20 s of drain, 10 s
  ['config: { PIAZZA_DRAIN_TIME: 2m }', 140, 10],
  ['config: { PIAZZA_DRAIN_TIME: 1.5h }', 5420, 10],
  ['config: { PIAZZA_DRAIN_TIME: 500ms }', 21, 10],
  ['config: { PIAZZA_DRAIN_TIME: 0s }', 20, 10],
  ['termination: { preStopDelay: 1m, slack: 7s }', 87, 60],
])('with %j the pod has %i s to stop, %i of them before SIGTERM', async (values, grace, delay) => {
  const { pod, hub } = await render('minimal', values)
  expect(pod.terminationGracePeriodSeconds).toBe(grace)
  expect(hub.lifecycle).toEqual({ preStop: { sleep: { seconds: delay } } })
})

test('where Kubernetes can not sleep by itself, node does', async () => {
  const { hub } = await render('minimal', '', '1.29')
  expect(hub.lifecycle).toEqual({
    preStop: { exec: { command: ['node', '-e', 'setTimeout(() => {}, 10000)'] } },
  })
})

test('without a delay there is no preStop', async () => {
  const { hub, pod } = await render('minimal', 'termination: { preStopDelay: 0s }')
  expect(hub.lifecycle).toBeUndefined()
  expect(pod.terminationGracePeriodSeconds).toBe(30)
})

test.each([
  ['minimal', '', 'HTTP'],
  ['tls', '', 'HTTP'],
  ['tls', 'tls: { internal: true }', 'HTTPS'],
])('probes of %s %s ask the internal port by %s', async (name, values, scheme) => {
  const { hub } = await render(name, values)
  const at = (path: string) => ({ path, port: 'internal', scheme })
  expect(hub.startupProbe.httpGet).toEqual(at('/livez'))
  expect(hub.livenessProbe.httpGet).toEqual(at('/livez'))
  expect(hub.readinessProbe.httpGet).toEqual(at('/readyz'))
  expect(hub.startupProbe.failureThreshold * hub.startupProbe.periodSeconds).toBe(60)
})

test.each(CASES)('all pods of %s pass the restricted Pod Security Standard', async (name) => {
  const { manifests } = await render(name)
  const pods = manifests.flatMap(({ kind, spec }) => {
    if (kind === 'Pod') return [spec]
    return kind === 'Deployment' || kind === 'StatefulSet' ? [spec.template.spec] : []
  })
  expect(pods.length).toBeGreaterThanOrEqual(2)
  for (const pod of pods) {
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    })
    expect(pod.securityContext.runAsUser).toBeGreaterThan(0)
    for (const container of pod.containers) {
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      expect(container.resources.limits.memory).toBeDefined()
      expect(container.resources.limits.cpu).toBeUndefined() // a throttled loop delays everybody
    }
  }
})

test('the account of the pods has no token', async () => {
  const rendered = await render('minimal')
  expect(rendered.get('ServiceAccount')).toMatchObject({ automountServiceAccountToken: false })
  expect(rendered.pod.serviceAccountName).toBe('hub-piazza')
  const given = await render('minimal', 'serviceAccount: { create: false, name: theirs }')
  expect(given.find('ServiceAccount')).toBeUndefined()
  expect(given.pod.serviceAccountName).toBe('theirs')
})

test('pods spread over zones and nodes, those of one rollout among themselves', async () => {
  const { pod } = await render('production')
  expect(pod.topologySpreadConstraints).toEqual(
    ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
      maxSkew: 1,
      topologyKey,
      whenUnsatisfiable: 'ScheduleAnyway',
      matchLabelKeys: ['pod-template-hash'],
      labelSelector: { matchLabels: HUB },
    })),
  )
})

test('a constraint of the spread may say more of which pods it is about', async () => {
  const { pod } = await render(
    'production',
    `topologySpreadConstraints:
      - { maxSkew: 2, topologyKey: rack, whenUnsatisfiable: DoNotSchedule, matchLabelKeys: [team], labelSelector: { matchLabels: { team: realtime } } }
      - { maxSkew: 1, topologyKey: room, whenUnsatisfiable: DoNotSchedule }`,
  )
  const [first, second] = pod.topologySpreadConstraints
  expect(first).toMatchObject({ maxSkew: 2, topologyKey: 'rack', matchLabelKeys: ['team'] })
  expect(first.labelSelector.matchLabels).toEqual({ ...HUB, team: 'realtime' })
  expect(second.labelSelector.matchLabels).toEqual(HUB)
})

test('a disruption takes one pod at a time, where there can be several', async () => {
  const { spec } = (await render('production')).get('PodDisruptionBudget')
  expect(spec).toMatchObject({ maxUnavailable: 1, selector: { matchLabels: HUB } })
  expect((await render('hpa')).get('PodDisruptionBudget').spec.maxUnavailable).toBe('25%')
  // it would keep a node from being emptied for ever
  expect((await render('minimal')).find('PodDisruptionBudget')).toBeUndefined()
})

test('a digest wins over the tag, which is the version of the hub', async () => {
  expect((await render('production')).hub.image).toMatch(/^ghcr\.io\/piazza\/piazza@sha256:\w{64}$/)
  expect((await render('minimal')).hub.image).toMatch(/^ghcr\.io\/piazza\/piazza:\d+\.\d+\.\d+$/)
})

test('pods are scaled by streams or processor, and down slowly', async () => {
  const rendered = await render('hpa')
  expect(rendered.get('Deployment').spec.replicas).toBeUndefined() // else each upgrade would set it back
  const { spec } = rendered.get('HorizontalPodAutoscaler')
  expect(spec).toMatchObject({ minReplicas: 2, maxReplicas: 20 })
  expect(spec.scaleTargetRef).toMatchObject({ kind: 'Deployment', name: 'hub-piazza' })
  const target = { type: 'AverageValue', averageValue: '1000000' }
  expect(spec.metrics).toEqual([
    { type: 'Pods', pods: { metric: { name: 'piazza_streams' }, target } },
  ])
  expect(spec.behavior.scaleDown).toEqual({
    stabilizationWindowSeconds: 1800,
    policies: [{ type: 'Pods', value: 1, periodSeconds: 600 }],
  })
  const cpu = (await render('hpa', 'autoscaling: { metric: cpu }')).get('HorizontalPodAutoscaler')
  expect(cpu.spec.metrics[0].resource.target).toEqual({
    type: 'Utilization',
    averageUtilization: 60,
  })
})
