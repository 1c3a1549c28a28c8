import { expect, test } from 'vitest'
import { startHub } from './support/hub.ts'

/** A module of the load tool, which is JavaScript. */
const load = (name: string) => import(new URL(`../bench/load/${name}.mjs`, import.meta.url).href)

interface LagModule {
  readonly datedData: () => string
  readonly lagMeter: (lags: number[]) => (bytes: Buffer) => void
}

interface SaturateModule {
  readonly saturate: (options: {
    readonly publishUrl: string
    readonly streamUrls: readonly string[]
    readonly count: number
    readonly seconds: number
  }) => Promise<number>
}

interface GrowthModule {
  readonly growthOf: (costs: readonly number[]) => number
}

test('the lag of a message is seen wherever TCP splits it', async () => {
  const { datedData, lagMeter } = (await load('lag')) as LagModule
  const frame = Buffer.from(`data: ${datedData()}\nid: 00000000000\n\n`)
  const bytes = Buffer.concat([Buffer.from('data: {"heartbeat":15}\nid: 1\n\n'), frame, frame])
  for (let at = 0; at <= bytes.length; at += 1) {
    const lags: number[] = []
    const meter = lagMeter(lags)
    meter(bytes.subarray(0, at))
    meter(bytes.subarray(at))
    expect(lags, `split at ${at}`).toHaveLength(2)
    for (const lag of lags) expect(Math.abs(lag)).toBeLessThan(60_000)
  }
  const lags: number[] = []
  const meter = lagMeter(lags)
  for (const byte of bytes) meter(Buffer.from([byte]))
  expect(lags).toHaveLength(2)
})

test('a message that no stream gets is noticed at saturation', async () => {
  const { saturate } = (await load('saturate')) as SaturateModule
  const { app, url } = await startHub()
  const options = { publishUrl: url, streamUrls: [url], count: 12, seconds: 0.1 }
  expect(await saturate(options)).toBeGreaterThan(0)
  const { broker } = app
  const publish = broker.publish.bind(broker)
  let count = 0
  broker.publish = async (requests) => {
    count += 1
    return count === 50 ? [{ position: 1, isDuplicate: false }] : publish(requests)
  }
  await expect(saturate(options)).rejects.toThrow(/messages were published, and/)
}, 60_000)

test('growth is what costs more than with any smaller number, not than with the smallest alone', async () => {
  const { growthOf } = (await load('growth')) as GrowthModule
  expect(growthOf([80, 30, 20, 19])).toBe(1)
  expect(growthOf([80, 30, 20, 40])).toBe(2)
  expect(growthOf([10, 12, 9, 13.5])).toBe(1.5)
})
