import { expect, test } from 'vitest'

interface Meter {
  (bytes: Buffer): void
}

interface Channel {
  readonly streams: readonly { readonly received: number }[]
  next(): { readonly data: string }
  meter(): Meter
  requireAll(): void
}

interface ChannelModule {
  readonly CheckedChannel: new (name: string, lags: object, dataBytes?: number) => Channel
}

interface HistogramModule {
  readonly LagHistogram: new () => {
    readonly count: number
    add(ms: number, count?: number): void
    quantile(share: number): number
  }
}

const load = (name: string) => import(new URL(`../bench/load/${name}.mjs`, import.meta.url).href)
const { CheckedChannel } = (await load('checked-channel')) as ChannelModule
const { LagHistogram } = (await load('lag-histogram')) as HistogramModule

const MESSAGES = 6
const OPENING = ':\nretry: 2345\nevent: piazza.open\ndata: {"heartbeat":15}\nid: 0abc\n\n'

/** A channel with as many published messages, the blocks that its streams must get, and two streams. */
function publish() {
  const lags = new LagHistogram()
  const channel = new CheckedChannel('bench', lags, 20)
  const blocks = Array.from(
    { length: MESSAGES },
    (_, i) => `data: ${channel.next().data}\nid: 0${i}\n\n`,
  )
  return { channel, lags, blocks, first: channel.meter(), second: channel.meter() }
}

/** Byte by byte, in pieces of 7, or whole: TCP splits where it likes. */
function give(meter: Meter, text: string, size = text.length) {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) meter(bytes.subarray(at, at + size))
}

test('streams that get all messages in order are right, wherever their bytes are split', () => {
  for (const size of [1, 7, 1000]) {
    const { channel, lags, blocks, first, second } = publish()
    give(first, OPENING + blocks.join(''), size)
    give(second, OPENING.replace('2345', '3999') + blocks.join(''), 11)
    channel.requireAll()
    expect(lags.count).toBe(2 * MESSAGES)
  }
})

test.each<[string, (blocks: string[]) => string[], RegExp]>([
  ['missing', (blocks) => blocks.toSpliced(2, 1), /in place of message 2 came/],
  ['missing at the end', (blocks) => blocks.slice(0, -1), /5 of 6 messages came to one/],
  ['doubled', (blocks) => blocks.toSpliced(2, 0, blocks[2]!), /in place of message 3 came/],
  ['swapped', ([a, b, c, ...rest]) => [a!, c!, b!, ...rest], /in place of message 1 came/],
  [
    'altered',
    (blocks) => blocks.with(3, blocks[3]!.replace('....', '..!.')),
    /in place of message 3/,
  ],
  ['cut', (blocks) => blocks.with(5, blocks[5]!.slice(0, -1)), /5 of 6 messages came to one/],
  [
    'followed by something else',
    (blocks) => [...blocks, 'event: piazza.gap\ndata: {}\n\n'],
    /in place of message 6 came/,
  ],
])('a message that is %s is found, in both streams', (_, spoil, error) => {
  const { channel, blocks, first, second } = publish()
  const spoilt = spoil(blocks).join('')
  give(first, OPENING + spoilt, 5)
  give(second, OPENING + spoilt)
  expect(() => channel.requireAll()).toThrow(error)
})

test.each<[string, (blocks: string[]) => string[]]>([
  ['missing', (blocks) => blocks.toSpliced(2, 1)],
  ['missing at the end', (blocks) => blocks.slice(0, -1)],
  ['doubled', (blocks) => blocks.toSpliced(2, 0, blocks[2]!)],
  ['swapped', ([a, b, c, ...rest]) => [a!, c!, b!, ...rest]],
  ['altered', (blocks) => blocks.with(3, blocks[3]!.replace('....', '..!.'))],
  ['given another id', (blocks) => blocks.with(3, blocks[3]!.replace('id: 03', 'id: 07'))],
])('a message that is %s is found in one stream of two, behind or ahead', (_, spoil) => {
  for (const isAhead of [true, false]) {
    const { channel, blocks, first, second } = publish()
    const [right, wrong] = [OPENING + blocks.join(''), OPENING + spoil(blocks).join('')]
    if (isAhead) give(second, wrong, 7)
    give(first, right, 7)
    if (!isAhead) give(second, wrong, 7)
    expect(() => channel.requireAll(), `ahead: ${isAhead}`).toThrow(/^bench: /)
  }
})

test('a lag is counted for every message, and its quantiles are right', () => {
  const lags = new LagHistogram()
  for (let ms = 1; ms <= 100; ms += 1) lags.add(ms)
  expect(lags.quantile(0.5)).toBe(50)
  expect(lags.quantile(0.99)).toBe(99)
  lags.add(70_000, 100)
  expect(lags.count).toBe(200)
  expect(lags.quantile(0.99)).toBe(60_000)
})
