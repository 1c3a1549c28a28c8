import { describe, expect, test } from 'vitest'
import { isChannelName } from '../../src/log/channel-name.ts'
import { createDeletion, isDeletion } from '../../src/log/message.ts'
import { formatId } from '../../src/position.ts'
import { messageAt } from '../support/messages.ts'
import { bytesOf, parseStream } from '../support/parse-stream.ts'

describe('a message', () => {
  test('carries its position as id', () => {
    const { events } = parseStream([bytesOf(messageAt(123, { data: 'x' }).frame)])
    expect(events).toEqual([{ event: undefined, data: 'x', id: formatId(123) }])
  })

  test('has no id when it is ephemeral', () => {
    const message = messageAt(123, { data: 'x', isEphemeral: true })
    expect(message.isEphemeral).toBe(true)
    expect(parseStream([bytesOf(message.frame)]).events[0]?.id).toBeUndefined()
  })

  test('is never taken for a deletion, even if it is empty', () => {
    expect(isDeletion(messageAt(1))).toBe(false)
    expect(isDeletion(messageAt(1, { isEphemeral: true }))).toBe(false)
  })
})

test('a deletion ends its channel and sends nothing', () => {
  const deletion = createDeletion(['a'], 5)
  expect(isDeletion(deletion)).toBe(true)
  expect(deletion).toMatchObject({ isEnd: true, position: 5, channels: ['a'], frame: '' })
})

describe('names of channels', () => {
  test.each([
    'a',
    'A.b-c_d:e@f=g+h~i',
    '0',
    '-',
    'a.b.c',
    'x'.repeat(200),
    Array.from({ length: 100 }, () => 'x').join('.'),
    '__proto__',
  ])('%s', (name) => {
    expect(isChannelName(name)).toBe(true)
  })

  test.each([
    '',
    '.',
    'a..b',
    '.a',
    'a.',
    'a/b',
    'a b',
    'a,b',
    'a*',
    '*',
    '**',
    'a.*',
    'é',
    'a\n',
    'a\0',
    'a%2e',
    'x'.repeat(201),
  ])('%j is none', (name) => {
    expect(isChannelName(name)).toBe(false)
  })

  test('a long bad one is refused as fast as any', () => {
    const startedMs = performance.now()
    for (let i = 0; i < 1000; i += 1) {
      isChannelName(`${'a.'.repeat(99)}a!`)
      isChannelName(`${'a'.repeat(199)}!`)
      isChannelName('a.'.repeat(1_000_000))
    }
    expect(performance.now() - startedMs).toBeLessThan(1000)
  })
})
