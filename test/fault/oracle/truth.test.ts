import { expect, test } from 'vitest'
import { type Acknowledged, type Heard, judge, type Losses } from './truth.ts'

const MESSAGES: readonly (readonly [string, ...string[]])[] = [
  ['1', 'a'],
  ['2', 'b'],
  ['3', 'a'],
  ['4', 'b'],
]
const acknowledged = new Map<string, Acknowledged>(
  MESSAGES.map(([id, ...channels]) => [id, { id, channels, data: `data ${id}` }]),
)

const opened = (position: string): Heard => ({ kind: 'opened', position })
const message = (id: string, data = `data ${id}`): Heard => ({ kind: 'message', id, data })
const late = (id: string): Heard => message('', `data ${id}`)
const gap = (reason: string, channels: string[] | null = null): Heard => {
  return { kind: 'gap', reason, channels }
}

const HOLE_OF_A = { unannounced: new Set(['1']) }
const BORN = { births: ['25'] }
const LOST = { lost: new Set(['3']) }

interface Case {
  readonly name: string
  readonly heard: readonly Heard[]
  readonly channels?: readonly string[]
  readonly losses?: Losses
  readonly wrong?: RegExp
}

const all = ['1', '2', '3', '4'].map((id) => message(id))

const CASES: readonly Case[] = [
  { name: 'everything, in order', heard: [opened('0'), ...all] },
  { name: 'never opened', heard: [], wrong: /never heard a position/ },
  { name: 'a message twice', heard: [opened('0'), ...all, message('4')], wrong: /4 twice/ },
  {
    name: 'an order of its own',
    heard: [opened('0'), message('2'), message('1'), message('3'), message('4')],
    wrong: /1 after 2/,
  },
  { name: 'a silent hole', heard: [opened('0'), ...all.slice(1)], wrong: /missed 1 of a/ },
  { name: 'a hole at the end', heard: [opened('0'), ...all.slice(0, 3)], wrong: /missed 4 of b/ },
  {
    name: 'a hole that is told',
    heard: [opened('0'), gap('evicted', ['a']), ...all.slice(1)],
  },
  {
    name: 'a hole of another channel that is told',
    heard: [opened('0'), gap('evicted', ['b']), ...all.slice(1)],
    wrong: /missed 1 of a/,
  },
  {
    name: 'a needless gap',
    heard: [opened('0'), message('1'), gap('evicted', ['a']), ...all.slice(1)],
    wrong: /needless gap of a/,
  },
  { name: 'a late message', heard: [opened('0'), message('2'), late('1'), ...all.slice(2)] },
  {
    name: 'a late message again',
    heard: [opened('0'), ...all, late('1')],
    wrong: /1 again, and late/,
  },
  { name: 'other data', heard: [opened('0'), message('1', 'x')], wrong: /other data under 1/ },
  { name: 'what nobody published', heard: [opened('0'), message('9')], wrong: /9, which nobody/ },
  {
    name: 'unannounced, and cut when another channel had passed it',
    heard: [opened('0'), message('2'), opened('2'), ...all.slice(2)],
    losses: HOLE_OF_A,
  },
  {
    name: 'unannounced, and never cut',
    heard: [opened('0'), ...all.slice(1)],
    losses: HOLE_OF_A,
    wrong: /missed 1 of a/,
  },
  {
    name: 'unannounced, and cut only when the next of its channel had come',
    heard: [opened('0'), message('2'), message('3'), opened('3'), message('4')],
    losses: HOLE_OF_A,
    wrong: /missed 1 of a/,
  },
  {
    name: 'unannounced, without another channel',
    channels: ['a'],
    heard: [opened('0'), message('3'), opened('3')],
    losses: HOLE_OF_A,
    wrong: /missed 1 of a/,
  },
  {
    name: 'emptied, and told',
    heard: [opened('0'), message('1'), gap('reset'), message('3'), message('4')],
    losses: BORN,
  },
  { name: 'emptied, and not told', heard: [opened('0'), ...all], losses: BORN, wrong: /not told/ },
  {
    name: 'opened later than it was emptied',
    heard: [opened('25'), ...all.slice(2)],
    losses: BORN,
  },
  {
    name: 'emptied once, and told twice',
    heard: [opened('0'), message('1'), message('2'), gap('reset'), gap('reset'), ...all.slice(2)],
    losses: BORN,
    wrong: /2 times of 1/,
  },
  {
    name: 'emptied, and told only when all was over',
    heard: [opened('0'), ...all, gap('reset')],
    losses: BORN,
    wrong: /a reset after 4/,
  },
  { name: 'lost by Redis', heard: [opened('0'), ...all.filter((_, i) => i !== 2)], losses: LOST },
  {
    name: 'lost by Redis, and another by us',
    heard: [opened('0'), message('1'), message('4')],
    losses: LOST,
    wrong: /missed 2 of b/,
  },
  {
    name: 'stored twice, since Redis had lost the first',
    heard: [opened('0'), message('1'), message('15', 'data 2'), ...all.slice(1)],
    losses: LOST,
  },
  {
    name: 'stored twice, though Redis had lost nothing',
    heard: [opened('0'), message('1'), message('15', 'data 2'), ...all.slice(1)],
    wrong: /15, which nobody/,
  },
]

test.each(CASES)('the verdict on $name', ({ heard, channels = ['a', 'b'], losses, wrong }) => {
  const faults = judge({ name: 'reader', channels, heard }, acknowledged, losses)
  if (wrong === undefined) expect(faults).toEqual([])
  else expect(faults.join('\n')).toMatch(wrong)
})

test('the next message of a channel tells of a hole only where it came through that channel alone', () => {
  const both = new Map(acknowledged).set('2', { id: '2', channels: ['b', 'a'], data: 'data 2' })
  const heard = [opened('0'), message('2'), opened('2'), ...all.slice(2)]
  const ofBoth = judge({ name: 'reader', channels: ['a', 'b'], heard }, both, HOLE_OF_A)
  expect(ofBoth).toEqual([])
  const ofOne = judge({ name: 'reader', channels: ['a'], heard }, both, HOLE_OF_A)
  expect(ofOne.join('\n')).toMatch(/missed 1 of a/)
})
