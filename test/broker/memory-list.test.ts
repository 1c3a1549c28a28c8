import { expect, test } from 'vitest'
import { requestOf } from './open-broker.ts'
import { openMemoryBroker } from './open-memory-broker.ts'

const isWanted = (channel: string) => channel === 'wanted'

test('a page of a list looks at a bounded number of channels, and says where it goes on', async () => {
  const { broker } = await openMemoryBroker()
  await broker.publish([requestOf('wanted', {})])
  for (let i = 0; i < 10_500; i += 1) await broker.publish([requestOf(`other-${i}`, {})])
  const first = await broker.list({ matches: isWanted, limit: 10, after: undefined })
  expect(first.channels).toEqual([])
  expect(first.next).toBeDefined()
  const second = await broker.list({ matches: isWanted, limit: 10, after: first.next })
  expect(second.channels.map(({ name }) => name)).toEqual(['wanted'])
  expect(second.next).toBeUndefined()
})
