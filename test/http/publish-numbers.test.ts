import { describe, expect, test } from 'vitest'
import { startHub } from '../support/hub.ts'
import { expectCoded } from './expect-coded.ts'
import { readStored } from './read-stored.ts'

const CHANGED = [
  '12345678901234567890',
  '-12345678901234567890',
  '9007199254740993',
  '-9007199254740993',
  '100000000000000000000000001',
  '12345678901234567890.0',
  '-12345678901234567890.00',
  '9007199254740993e0',
  '1234567890123456789e1',
  '900719925474099.3e1',
  '900719925474099300E-2',
  '1e400',
  '-1e400',
]

const PLACES: [string, (number: string) => string][] = [
  ['alone', (n) => n],
  ['in a list', (n) => `[1,[${n}]]`],
  ['in an object', (n) => `{"a":{"b":${n}}}`],
  ['deep inside', (n) => `${'[{"a":'.repeat(40)}${n}${'}]'.repeat(40)}`],
  ['beside a key __proto__', (n) => `{"__proto__":{"a":${n}}}`],
  ['as the last of duplicate keys', (n) => `{"a":1,"a":${n}}`],
  ['as the last of duplicate nested keys', (n) => `{"x":{"a":{"b":1}},"x":{"a":{"b":${n}}}}`],
]

describe('a number that a double would change is refused', () => {
  test('wherever it stands in the data', async () => {
    const hub = await startHub()
    for (const [what, place] of PLACES) {
      for (const number of CHANGED) {
        const answer = await hub.publish(`{"channel":"a","data":${place(number)}}`)
        const { message } = expectCoded(answer, 400, `${number} ${what}`)
        expect.soft(message).toMatch(/string/)
      }
    }
    expect(await readStored(hub, 'a')).toEqual([])
  })

  test('the message names the number', async () => {
    const hub = await startHub()
    const answer = await hub.publish('{"channel":"a","data":{"id":12345678901234567890}}')
    expect(expectCoded(answer, 400).message).toContain('12345678901234567890')
  })

  test('in a batch, and the item is named', async () => {
    const hub = await startHub()
    const answer = await hub.publish(
      '[{"channel":"a","data":1},{"channel":"a","data":[9007199254740993]}]',
    )
    expect(expectCoded(answer, 400).message).toMatch(/\b1\b/)
    expect(await readStored(hub, 'a')).toEqual([])
  })

  test('that has more digits than any double', async () => {
    const hub = await startHub()
    for (const number of ['9'.repeat(309), `-1${'0'.repeat(309)}`, '7'.repeat(100_000)]) {
      const { message } = expectCoded(
        await hub.publish(`{"channel":"a","data":${number}}`),
        400,
        number,
      )
      expect.soft(message.length).toBeLessThan(500)
    }
    expect(await readStored(hub, 'a')).toEqual([])
  })

  test('when data is given twice, and the second one counts', async () => {
    const hub = await startHub()
    expectCoded(await hub.publish('{"channel":"a","data":1,"data":12345678901234567890}'), 400)
  })

  test('a changed number under a key that is given again never arrives changed', async () => {
    const hub = await startHub()
    const answer = await hub.publish('{"channel":"a","data":{"a":12345678901234567890,"a":1}}')
    if (answer.status !== 201) expectCoded(answer, 400)
    expect(await readStored(hub, 'a')).toEqual(answer.status === 201 ? ['{"a":1}'] : [])
  })
})

describe('a number that a double holds is taken', () => {
  test('alone and in a list', async () => {
    const numbers: [string, string][] = [
      ['9007199254740992', '9007199254740992'],
      ['-9007199254740992', '-9007199254740992'],
      ['9007199254740991', '9007199254740991'],
      ['9007199254740994', '9007199254740994'],
      ['0.1', '0.1'],
      ['1e21', '1e+21'],
      ['1E3', '1000'],
      ['1.5e3', '1500'],
      ['9007199254740992.0', '9007199254740992'],
      ['900719925474099200e-2', '9007199254740992'],
      ['9007199254740993.5', '9007199254740994'],
      ['1180591620717411303424.0', '1.1805916207174113e+21'],
      ['1e23', '1e+23'],
      ['12345678901234567890e-40', '1.2345678901234568e-21'],
      ['1000000000000000000000', '1e+21'],
      ['0', '0'],
      ['-0', '0'],
      ['1.0', '1'],
      ['1.50', '1.5'],
      ['3.141592653589793238462643383279', '3.141592653589793'],
      ['0.30000000000000000001', '0.3'],
      ['5e-324', '5e-324'],
      ['1.7976931348623157e308', '1.7976931348623157e+308'],
    ]
    const hub = await startHub()
    for (const [number, received] of numbers) {
      for (const data of [number, `[${number}]`]) {
        const answer = await hub.publish(`{"channel":"a","data":${data}}`)
        expect.soft(answer.status, answer.text).toBe(201)
        const stored = await readStored(hub, 'a')
        expect.soft(stored.at(-1)).toBe(data.replace(number, received))
      }
    }
  })

  test('what JSON.stringify wrote of a double arrives as it was written', async () => {
    const hub = await startHub()
    const doubles = [
      1.714_564_800_123_456e18,
      185_989_490_263_808_220,
      1e22,
      1e23,
      -(2 ** 70),
      1.5e300,
    ]
    for (const double of doubles) {
      const answer = await hub.publish({ channel: 'a', data: [double] })
      expect.soft(answer.status, answer.text).toBe(201)
      const stored = await readStored(hub, 'a')
      expect.soft(stored.at(-1)).toBe(JSON.stringify([double]))
    }
  })

  test('beside every escape that JSON has', async () => {
    const hub = await startHub()
    const text = String.raw`{"\u0041\"\\\/\b\f\n\r\t":["\ud800"," ",-0,1234567890123456]}`
    const answer = await hub.publish(`{"channel":"a","data":${text}}`)
    expect(answer.status, answer.text).toBe(201)
    const [stored] = await readStored(hub, 'a')
    expect(stored).toContain('1234567890123456')
  })

  test('digits in a string are text', async () => {
    const hub = await startHub()
    await hub.send('a', '12345678901234567890')
    await hub.send('a', { id: '12345678901234567890', quoted: String.raw`\"9007199254740993` })
    expect(await readStored(hub, 'a')).toEqual([
      '12345678901234567890',
      String.raw`{"id":"12345678901234567890","quoted":"\\\"9007199254740993"}`,
    ])
  })

  test('the raw route takes any number: it is text there', async () => {
    const hub = await startHub()
    const answer = await fetch(`${hub.url}/channels/a`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '[12345678901234567890, 1e400]',
    })
    expect(answer.status).toBe(201)
    expect(await readStored(hub, 'a')).toEqual(['[12345678901234567890, 1e400]'])
  })
})
