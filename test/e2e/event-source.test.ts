import { EventSource } from 'eventsource'
import { expect, onTestFinished, test } from 'vitest'
import { startCuttingProxy } from '../support/cutting-proxy.ts'
import { startHub } from '../support/hub.ts'
import { waitFor } from '../support/wait.ts'

const SETTINGS = { PIAZZA_RETRY_MIN: '20ms', PIAZZA_RETRY_MAX: '40ms' }

/** A plain EventSource, and the data of its messages. */
function follow(url: string): { source: EventSource; heard: string[] } {
  const heard: string[] = []
  const source = new EventSource(url)
  source.addEventListener('message', ({ data }) => heard.push(String(data)))
  onTestFinished(() => source.close())
  return { source, heard }
}

test('a plain EventSource hears every message once, wherever its connections are cut', async () => {
  const hub = await startHub(SETTINGS)
  const proxy = await startCuttingProxy(hub.port)
  const { heard } = follow(`${proxy.url}/channels/news`)
  await waitFor('the stream', async () => (await hub.metric('piazza_streams')) === 1)
  const expected: string[] = []
  // in the head, in the opening block, and at each place of the blocks that follow
  for (let bytes = 100; bytes < 900; bytes += 37) {
    const before = proxy.connections
    proxy.cut(bytes)
    for (let i = 0; i < 6; i += 1) {
      expected.push(`message ${expected.length}\nof two lines`)
      await hub.send('news', expected.at(-1))
    }
    await waitFor(`a connection cut after ${bytes} bytes`, () => proxy.connections > before + 1)
  }
  proxy.cut()
  await waitFor('the last message', () => heard.includes(expected.at(-1)!))
  expect(heard).toEqual(expected)
})

test('the end of a channel ends a plain EventSource, once it has heard all', async () => {
  const hub = await startHub(SETTINGS)
  const proxy = await startCuttingProxy(hub.port)
  await hub.send('answer', 'once')
  const { source, heard } = follow(`${proxy.url}/channels/answer?since=all`)
  await waitFor('the first message', () => heard.length === 1)
  proxy.cut()
  await hub.send('answer', 'upon')
  await hub.send('answer', 'done', { end: true })
  await waitFor('the end', () => source.readyState === EventSource.CLOSED)
  expect(heard).toEqual(['once', 'upon', 'done'])
})
