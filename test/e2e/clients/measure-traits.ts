import { onTestFinished } from 'vitest'
import { waitFor } from '../../support/wait.ts'
import { type Client, type Follower, type Heard, type Traits } from './client.ts'
import { ended, noAnswer, open, startStubHub, status, type StubAnswer } from './stub-hub.ts'

const DEADLINE_MS = 30_000
/** What a hub says first. */
export const OPENING = ':\nretry: 20\nevent: piazza.open\ndata: {}\nid: 10\n\n'

/** What a client does with a stub that plays what no hub of ours does. Who reconnects it can't tell. */
export async function measureTraits(client: Client): Promise<Omit<Traits, 'reconnects'>> {
  const stub = await startStubHub(
    ended(`${OPENING}:\n\nid: 20\n\n`),
    open(`${OPENING}data: first\nid: 30\n\n`, 'id: 40\ndata: torn\n'),
    open(':\ndata: second\nid: 50\n\n', 'data: torn\nid: 60\n'),
    open(':\ndata: third\nid: 70\n\n'),
  )
  const follower = await follow(client, stub.url)
  for (const text of ['first', 'second', 'third']) {
    await waitFor(
      `the ${text} message`,
      () => follower.heard.some(({ data }) => data.endsWith(text)),
      DEADLINE_MS,
    )
    if (text !== 'third') stub.tear()
  }
  const { heard } = follower
  const asked = stub.asked.map(Number)
  const empty = new Set(heard.filter(({ data }) => data === '').map(({ id }) => id))
  return {
    controlEvents: heard.some(({ event }) => event === 'piazza.open')
      ? 'to the one handler'
      : 'to their listeners',
    idOnlyBlock: empty.has('20') ? 'an event' : asked[1] === 20 ? 'id kept' : 'ignored',
    tornBlock: tornBlock(heard, asked),
    blankComment: empty.has('10') ? 'an event' : 'ignored',
    cleanEnd: await measureReturn(client, ended(OPENING)),
    noAnswer: await measureReturn(client, noAnswer),
    after503: await measureReturn(client, status(503)),
    after204: await measureReturn(client, status(204)),
  }
}

function tornBlock(heard: readonly Heard[], asked: readonly number[]): Traits['tornBlock'] {
  const [, , idFirst, idLast] = asked
  const texts = heard.filter(({ event }) => event === 'message').map(({ data }) => data)
  const isMixed = texts.some((text) => text.startsWith('torn\n'))
  if (texts.includes('torn')) throw new Error('half a block was taken for a message')
  if (idFirst === 40 && idLast === 60 && !isMixed) return 'dropped, id kept'
  if (idFirst === 30 && idLast === 50) return isMixed ? 'put before the next' : 'dropped'
  throw new Error(`came back with ${idFirst} and ${idLast}, heard ${texts.join()}`)
}

async function measureReturn(client: Client, answer: StubAnswer): Promise<'comes back' | 'stops'> {
  const stub = await startStubHub(ended(OPENING), answer, open(OPENING))
  const follower = await follow(client, stub.url)
  await waitFor(
    'a third request, or the end',
    () => stub.asked.length >= 3 || follower.isOver,
    DEADLINE_MS,
  )
  return stub.asked.length >= 3 ? 'comes back' : 'stops'
}

/** Follows until the test is over. */
export async function follow(client: Client, url: string): Promise<Follower> {
  const follower = await client.follow(url, ['message'])
  onTestFinished(() => follower.close())
  return follower
}
