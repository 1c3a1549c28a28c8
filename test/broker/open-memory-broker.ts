import v8 from 'node:v8'
import vm from 'node:vm'
import { onTestFinished, vi } from 'vitest'
import { MemoryBroker } from '../../src/broker/memory/memory-broker.ts'
import { type BrokerOptions, type BrokerUnderTest, openBroker } from './open-broker.ts'

interface MemoryOptions extends BrokerOptions {
  readonly totalBytes: number
}

const TOTAL_BYTES = 256 * 1024 * 1024

/** Opens a memory broker that is closed with the test. */
export function openMemoryBroker(options: Partial<MemoryOptions> = {}): Promise<BrokerUnderTest> {
  return openBroker((all: MemoryOptions) => new MemoryBroker(all), {
    totalBytes: TOTAL_BYTES,
    ...options,
  })
}

/** Wall clock and intervals stand still, until the test lets them go on with `vi`. Real again after the test. */
export function holdTime(): void {
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
}

/** Heap in use after a full collection, bytes. */
export function measureHeap(): number {
  v8.setFlagsFromString('--expose-gc')
  const collect = vm.runInNewContext('gc') as () => void
  collect()
  collect()
  return process.memoryUsage().heapUsed
}
