import { describe, expect, test } from 'vitest'
import { maxLogBytesFromHeap } from '../src/heap-limit.ts'
import { startHubProcess } from './support/hub-process.ts'

const MIB = 1024 ** 2
/** The program, and as many idempotency keys as there may be (measured: 15 and 48 MiB). */
const BESIDE_LOGS_BYTES = 63 * MIB

/** Logs of that size leave the collector a fifth of what old objects may take. */
function leavesRoom(logBytes: number, oldMebibytes: number): boolean {
  return logBytes > 0 && logBytes + BESIDE_LOGS_BYTES < 0.8 * oldMebibytes * MIB
}

describe('logs fit into the heap, with room for everything else', () => {
  test.each([
    ['512 MiB, Node 20 to 24', 259, 256],
    ['768 MiB, Node 20 and 22', 396, 384],
    ['768 MiB, Node 24', 432, 384],
    ['1 GiB, Node 20 and 22', 524, 512],
    ['1 GiB, Node 24', 560, 512],
    ['4 GiB, Node 20 and 22', 2096, 2048],
    ['4 GiB, Node 24', 2240, 2048],
  ])('that Node makes in a container of %s', (_name, limitMebibytes, oldMebibytes) => {
    const bytes = maxLogBytesFromHeap('', limitMebibytes * MIB)
    expect(leavesRoom(bytes, oldMebibytes)).toBe(true)
    expect(bytes).toBeGreaterThan(0.4 * oldMebibytes * MIB)
  })

  test.each([
    ['--max-old-space-size=256', 304, 256],
    ['--max-old-space-size=256', 448, 256],
    ['--enable-source-maps --max_old_space_size=512 --inspect', 704, 512],
    ['--max-old-space-size=4096 --max-old-space-size=256', 448, 256],
    ['--max-semi-space-size=64', 448, 256],
    ['--max-semi-space-size=1 --max-old-space-size=256', 259, 256],
  ])('that %s makes, with a limit of %d MiB', (options, limitMebibytes, oldMebibytes) => {
    const bytes = maxLogBytesFromHeap(options, limitMebibytes * MIB)
    expect(leavesRoom(bytes, oldMebibytes)).toBe(true)
    expect(bytes).toBeGreaterThan(0.4 * oldMebibytes * MIB)
  })

  test('the default of 256 MiB is not cut in a container of 1 GiB', () => {
    for (const limitMebibytes of [524, 560]) {
      expect(maxLogBytesFromHeap('', limitMebibytes * MIB)).toBeGreaterThan(256 * MIB)
    }
  })

  test('a heap too small for anything still has a log', () => {
    expect(maxLogBytesFromHeap('--max-old-space-size=16', 64 * MIB)).toBe(MIB)
  })
})

test.each(['environment', 'command line'])(
  'a hub whose heap was set on its %s cuts its logs to that, and says so',
  async (place) => {
    const option = '--max-old-space-size=256'
    const hub =
      place === 'environment'
        ? await startHubProcess({ NODE_OPTIONS: option })
        : await startHubProcess({}, { nodeOptions: [option] })
    const cut = hub.log.find((line) => line.includes('the logs are cut to what fits into the heap'))
    const { level, fittingBytes } = JSON.parse(cut ?? '{}') as Record<string, number>
    expect(level).toBe(40)
    expect(fittingBytes).toBe(maxLogBytesFromHeap(option))
  },
)
