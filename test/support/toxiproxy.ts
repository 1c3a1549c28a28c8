import { GenericContainer, Wait } from 'testcontainers'
import { type Line } from './lines.ts'

const IMAGE = 'ghcr.io/shopify/toxiproxy:2.12.0'
const API_PORT = 8474
const FIRST_PORT = 8666

/** A slice, and the pause after it in microseconds. */
const SLICES = { average_size: 5, size_variation: 2, delay: 50 }

/** A proxy of toxiproxy, in its container. */
export interface ToxicLine extends Line {
  readonly port: number
}

/** Toxiproxy in a container, with so many lines to one address. */
export async function startToxiproxy(
  upstream: string,
  count: number,
): Promise<{ readonly lines: readonly ToxicLine[]; stop(): Promise<void> }> {
  const ports = Array.from({ length: count }, (_, i) => FIRST_PORT + i)
  const container = await new GenericContainer(IMAGE)
    .withExposedPorts(API_PORT, ...ports)
    .withWaitStrategy(Wait.forHttp('/version', API_PORT))
    .start()
  const api = `http://127.0.0.1:${container.getMappedPort(API_PORT)}/proxies`
  const call = async (method: string, path: string, body?: unknown) => {
    const init = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(api + path, { method, ...init })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`toxiproxy: ${method} ${path}: ${answer.status} ${text}`)
    return text
  }
  const openLine = async (port: number): Promise<ToxicLine> => {
    const name = `line-${port}`
    await call('POST', '', { name, listen: `0.0.0.0:${port}`, upstream, enabled: true })
    const poison = async (type: string, attributes: Record<string, number>) => {
      for (const stream of ['upstream', 'downstream']) {
        await call('POST', `/${name}/toxics`, { type, stream, attributes, toxicity: 1 })
      }
    }
    return {
      port: container.getMappedPort(port),
      cut: async () => {
        await call('POST', `/${name}`, { enabled: false })
      },
      freeze: () => poison('timeout', { timeout: 0 }),
      delay: (ms) => poison('latency', { latency: ms, jitter: 0 }),
      limit: (bytesPerSecond) => poison('bandwidth', { rate: bytesPerSecond / 1000 }),
      slice: () => poison('slicer', SLICES),
      mend: async () => {
        const toxics = JSON.parse(await call('GET', `/${name}/toxics`)) as { name: string }[]
        for (const toxic of toxics) await call('DELETE', `/${name}/toxics/${toxic.name}`)
        await call('POST', `/${name}`, { enabled: true })
      },
    }
  }
  const lines = await Promise.all(ports.map(openLine))
  return {
    lines,
    stop: async () => {
      await container.stop()
    },
  }
}
