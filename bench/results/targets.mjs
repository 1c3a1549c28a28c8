import { growthOf } from '../load/growth.mjs'
import { growth } from '../work/growth.mjs'

const PIAZZA = 'piazza'
const NCHAN = 'nchan'
const BARE = 'bare Fastify'
const GO_HUBS = ['mercure', 'centrifugo']
const PACED = '50/s × 1000'
const LAGS = [PACED, '10/s × 5000', '1/s × 15000']
/** By `Last-Event-ID`, which none of the hubs in Go takes as they are configured here. */
const RESUMED = 'each resumes 100 messages'
const STORMS = ['new', RESUMED]
const MAX_GROWTH = 1.5
/** Single publishes, and the same in batches. */
const CHANNELS = [
  ['(c)', '1000 × 1, single', '1000 × 1, batches of 100'],
  ['(c)', '100 × 100, single', '100 × 100, batches of 100'],
]
const ANSWERS = [
  ['(j)', 'single, as fast as answers come', 'batches of 100, as fast as answers come'],
]

const PACED_ANSWERS = 'single, 50 tokens/s each'

const atLeast = (what, value, must, aim) => ({ what, value, must, aim, isLeast: true })
const atMost = (what, value, must, aim) => ({ what, value, must, aim, isLeast: false })
const ratio = (a, b) => (a === undefined || b === undefined ? undefined : a / b)

/** Those that were measured beside. */
const goHubs = (results, peers) =>
  GO_HUBS.filter((peer) => peers.includes(peer) && !results.leftOut.has(peer))

/** A value of a variant, and the same as a ratio to that of a peer, which may be of another variant. */
function reader(results, work) {
  const of = (variant, column, peer = PIAZZA) => results.median(work, variant, peer, column)
  const most = (variant, column) => results.most(work, variant, PIAZZA, column)
  const to = (peer, variant, column, other = variant) =>
    ratio(of(variant, column), of(other, column, peer))
  return { of, to, most }
}

function saturationTargets(results) {
  const { of, to } = reader(results, 'saturation')
  return ['single', 'batches of 100'].flatMap((variant) => [
    atLeast(`(a) ${variant}: × nchan`, to(NCHAN, variant, 'perSecond', 'single'), 50, 100),
    atMost(`(a) ${variant}: p99 ms at that load`, of(variant, 'p99'), 200),
  ])
}

function lagTargets(results, peers) {
  const { to } = reader(results, 'lag')
  const beside = (peer, variant, column, must, aim) =>
    atMost(`(b) ${variant}: ${column}, × ${peer}`, to(peer, variant, column), must, aim)
  const targets = []
  for (const variant of LAGS) {
    targets.push(beside(NCHAN, variant, 'p50', 1.3, 1), beside(NCHAN, variant, 'p99', 2, 1))
    for (const peer of goHubs(results, peers)) {
      targets.push(beside(peer, variant, 'p50', 1), beside(peer, variant, 'p99', 1))
    }
  }
  const paced = to('C loop of send()', PACED, 'microseconds')
  return [...targets, atMost(`(d) ${PACED}: CPU, × a C loop of send()`, paced, 1.3, 1.15)]
}

const manyChannelTargets = (work, variants) => (results) => {
  const { to } = reader(results, work)
  return variants.flatMap(([letter, single, batches]) => [
    atLeast(`${letter} ${single}: × nchan`, to(NCHAN, single, 'perSecond'), 0.7, 1),
    atLeast(`${letter} ${batches}: × nchan's single`, to(NCHAN, batches, 'perSecond', single), 1.5),
  ])
}

/** Paced, batches have no target of their own: nobody can get more tokens than are published. */
function answerTargets(results) {
  const { to } = reader(results, 'answers')
  const paced = to(NCHAN, PACED_ANSWERS, 'perSecond')
  return [
    ...manyChannelTargets('answers', ANSWERS)(results),
    atLeast(`(j) ${PACED_ANSWERS}: × nchan`, paced, 0.7, 1),
  ]
}

function memoryTargets(results, peers) {
  const { of } = reader(results, 'memory')
  // only servers on Node have something to collect
  const each = (peer) => of('idle', 'collected', peer) ?? of('idle', 'asItStands', peer) ?? []
  const others = peers.filter((peer) => peer !== PIAZZA).flatMap(each)
  const lowest = others.length === 0 ? undefined : Math.min(...others)
  return [
    atMost(
      '(e) bytes for each idle stream, after a collection of the last resort',
      of('idle', 'collected'),
      4500,
      3500,
    ),
    atMost('(e) the same, × the lowest of the peers', ratio(of('idle', 'collected'), lowest), 1),
  ]
}

function stormTargets(results, peers) {
  const { to, most } = reader(results, 'storm')
  const targets = []
  for (const variant of STORMS) {
    targets.push(
      atMost(`(f) ${variant}: slowest publish of all rounds ms`, most(variant, 'slowest'), 1000),
      atMost(`(f) ${variant}: time, × nchan`, to(NCHAN, variant, 'seconds'), undefined, 1),
    )
    for (const peer of variant === RESUMED ? [] : goHubs(results, peers)) {
      targets.push(atMost(`(f) ${variant}: time, × ${peer}`, to(peer, variant, 'seconds'), 1))
    }
  }
  return targets
}

function publishTargets(results) {
  const { of, to } = reader(results, 'publish')
  const batches = ratio(of('batches of 100', 'perSecond'), of('single', 'perSecond'))
  const cpu = to(BARE, 'single', 'microseconds')
  return [
    atLeast('(g) single: × bare Fastify', to(BARE, 'single', 'perSecond'), 0.8),
    atLeast('(g) single: the same by CPU time', cpu === undefined ? undefined : 1 / cpu, 0.8),
    atLeast('(g) batches of 100: × single, in messages', batches, 4, 10),
  ]
}

function stalledTargets(results) {
  const { of } = reader(results, 'stalled')
  const p99 = ratio(of('its one reader has stalled', 'p99'), of('nobody reads it', 'p99'))
  return [atMost('(h) p99 of the others, × that with nobody stalled', p99, 1.2)]
}

/** How much more a delivery costs than with the cheapest smaller number. */
function growthTargets(results) {
  const { of } = reader(results, growth.name)
  const measured = (isOneChannel) => {
    const variants = growth.variants.filter((variant) => variant.isOneChannel === isOneChannel)
    const costs = variants.map(({ name }) => of(name, 'microseconds'))
    return costs.includes(undefined) ? undefined : growthOf(costs)
  }
  return [
    atMost('growth: streams of one channel', measured(true), MAX_GROWTH),
    atMost('growth: channels with one stream each', measured(false), MAX_GROWTH),
  ]
}

function verdict({ value, isLeast }, bound) {
  if (bound === undefined) return ''
  const sign = isLeast ? '≥' : '≤'
  if (value === undefined) return `${sign} ${bound}`
  const isMet = isLeast ? value >= bound : value <= bound
  return `${sign} ${bound}: ${isMet ? 'met' : 'NOT met'}`
}

const OF_WORKS = {
  saturation: saturationTargets,
  lag: lagTargets,
  channels: manyChannelTargets('channels', CHANNELS),
  memory: memoryTargets,
  storm: stormTargets,
  publish: publishTargets,
  stalled: stalledTargets,
  answers: answerTargets,
  growth: growthTargets,
}

/** What was missed in them is in no median. */
function failedRounds(results, { name, variants }) {
  const failed = variants.flatMap((variant) => results.failures(name, variant.name, PIAZZA).reasons)
  return failed.length === 0 ? [] : [atMost(`${name}: failed rounds`, failed.length, 0)]
}

/** What Piazza aims at in these works, most of it as ratios of medians of one run, and whether it is met. */
export function targetTable(results, works, peers) {
  const names = peers.map(({ name }) => name)
  const rows = works
    .flatMap((work) => [...OF_WORKS[work.name](results, names), ...failedRounds(results, work)])
    .map((target) => {
      const measured = target.value === undefined ? 'not measured' : target.value.toFixed(2)
      return [target.what, measured, verdict(target, target.must), verdict(target, target.aim)]
    })
  return [['', 'measured', 'must', 'aim'], ['---', '---', '---', '---'], ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}
