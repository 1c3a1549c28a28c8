import { expect, test } from 'vitest'
import { type CutPlace } from '../../support/cutting-proxy.ts'
import { type Client } from './client.ts'
import { waitFor } from '../../support/wait.ts'
import { setStage, STEP_MS, TEST_MS } from './stage.ts'

const BEFORE_BLANK_LINE = 'before the blank line'
const BEHIND = 'behind the block'

/** Firefox takes 500 ms at the least, and all take 1 s or more if no `retry:` tells them when to come back. */
const LONGEST_RETURN_MS = 900

/** Bytes of a block (latin1) that the client gets before the cut. */
const PLACES: Readonly<Record<string, (block: string) => number>> = {
  'in the event type': (block) => block.indexOf('event: ') + 'event: sc'.length,
  'before the data': (block) => block.indexOf('data: '),
  'inside a character': (block) => block.indexOf('\u00C3') + 1, // the first byte of ü
  'between two lines of data': (block) => block.lastIndexOf('data: '),
  'before the id': (block) => block.indexOf('id: '),
  'inside the id': (block) => block.indexOf('id: ') + 'id: 0h'.length,
  'before the line end of the id': (block) => block.length - 2,
  [BEFORE_BLANK_LINE]: (block) => block.length - 1,
  [BEHIND]: (block) => block.length,
}

/** Where the block of this message is cut. */
function inBlockOf(number: number, bytesOf: (block: string) => number): CutPlace {
  return (sent) => {
    const at = sent.indexOf(`data: message ${number} `)
    const end = sent.indexOf('\n\n', at)
    if (at < 0 || end < 0) return undefined
    const start = sent.lastIndexOf('event: ', at)
    return start + bytesOf(sent.slice(start, end + 2))
  }
}

/** `dropsIds`: with a block that isn't whole; else the one byte where `id:` is whole and its block isn't loses a message. */
export function playCuts(client: () => Client, dropsIds: boolean): void {
  test('misses nothing when it is cut before its first message', { timeout: TEST_MS }, async () => {
    const stage = await setStage(client())
    await waitFor('the opening event', () => stage.follower.heard.length === 1, STEP_MS)
    stage.proxy.cut()
    await stage.send('message')
    await stage.send('score')
    expect(stage.messages()).toEqual([])
    stage.proxy.release()
    await stage.waitForMessages('that it missed')
    expect(stage.messages()).toEqual(stage.sent)
    const [, opening] = /event: piazza\.open\ndata: .*\nid: (\S+)\n\n/.exec(stage.proxy.sent)!
    expect(stage.proxy.requests[1]?.lastEventId).toBe(opening)
  })

  test('hears every message once, wherever its blocks are cut', { timeout: TEST_MS }, async () => {
    const stage = await setStage(client())
    await stage.send('message')
    await stage.waitForMessages('before the first cut')
    let fastestReturnMs = Number.POSITIVE_INFINITY
    for (const [place, bytesOf] of Object.entries(PLACES)) {
      if (place === BEFORE_BLANK_LINE && !dropsIds) continue
      const before = stage.sent.at(-1)!.id
      const { asked } = stage.proxy
      stage.proxy.cutAt(inBlockOf(stage.sent.length + 1, bytesOf))
      const { id } = await stage.send('score')
      await stage.proxy.waitForCut(place, STEP_MS)
      const cutMs = performance.now()
      await stage.send('message') // while it is away
      await waitFor(
        `the client to come back after a cut ${place}`,
        () => stage.proxy.asked > asked,
        STEP_MS,
      )
      fastestReturnMs = Math.min(fastestReturnMs, performance.now() - cutMs)
      stage.proxy.release()
      await stage.waitForMessages(`after a cut ${place}`)
      expect(stage.messages(), place).toEqual(stage.sent)
      // a block whose chunk isn't whole, or that came together with the cut, is dropped by some: that is exact as well
      const known = place === BEHIND ? [before, id] : [before]
      expect(known, place).toContain(stage.proxy.requests.at(-1)?.lastEventId)
    }
    expect(fastestReturnMs).toBeLessThan(LONGEST_RETURN_MS)
  })
}
