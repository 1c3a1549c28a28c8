import { expect, onTestFinished, test, vi } from 'vitest'
import { type HubProcess, startHubProcess } from '../support/hub-process.ts'
import { startRedisProcess } from '../support/redis-process.ts'
import { request } from '../support/request.ts'
import { startSentinels } from '../support/sentinels.ts'
import { waitFor } from '../support/wait.ts'

vi.setConfig({ testTimeout: 60_000 }) // sentinels and processes start, and a busy machine takes its time

const RIGHT = 'the-right-one'
const WRONG = 'the-wr0ng-one'

function startTalkative(settings: Record<string, string>): Promise<HubProcess> {
  return startHubProcess({ PIAZZA_LOG_LEVEL: 'debug', ...settings })
}

async function isReady({ port }: HubProcess): Promise<boolean> {
  return (await request(port, 'GET', '/readyz')).status === 200
}

/** It was refused several times over, and neither what it logs nor what it answers has a password. */
async function expectRefusedInSilence(hub: HubProcess, words: RegExp): Promise<void> {
  const told = () => hub.log.filter((line) => line.includes('redis is away'))
  await waitFor('both connections to be refused', () => told().length >= 2)
  expect(told().join('\n')).toMatch(words)
  const answers = [
    await request(hub.port, 'GET', '/readyz'),
    await request(hub.port, 'POST', '/channels/a', {}, 'x'),
    await request(hub.port, 'GET', '/channels/a/history'),
    await request(hub.port, 'GET', '/metrics'),
  ]
  expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 200])
  const texts = [...hub.log, ...answers.map(({ text, headers }) => text + JSON.stringify(headers))]
  expect(texts.filter((text) => text.includes(WRONG) || text.includes(RIGHT))).toEqual([])
}

test.each([
  ['of the default user', `:${WRONG}`],
  ['of another user', `somebody:${WRONG}`],
])('a wrong password %s is refused, and told to nobody', async (_whose, credentials) => {
  const server = await startRedisProcess(['--requirepass', RIGHT])
  onTestFinished(() => server.remove())
  const hub = await startTalkative({
    PIAZZA_REDIS_URL: `redis://${credentials}@127.0.0.1:${server.port}`,
  })
  await expectRefusedInSilence(hub, /WRONGPASS/)
})

// Redis then says what it was sent: `unknown command 'auth', with args beginning with: 'the-wr0ng-one'`
test('a password is told to nobody where Redis repeats the command that it refuses', async () => {
  const refusing = ['--rename-command', 'HELLO', '', '--rename-command', 'AUTH', '']
  const server = await startRedisProcess(['--requirepass', RIGHT, ...refusing])
  onTestFinished(() => server.remove())
  const hub = await startTalkative({
    PIAZZA_REDIS_URL: `redis://:${WRONG}@127.0.0.1:${server.port}`,
  })
  await expectRefusedInSilence(hub, /unknown command/)
})

test('sentinels and Redis have passwords of their own; a wrong one for the sentinels is told to nobody', async () => {
  const setup = await startSentinels({ sentinelPassword: RIGHT, redisPassword: 'of-redis' })
  const settings = {
    PIAZZA_REDIS_URL: 'redis://:of-redis@ignored',
    PIAZZA_REDIS_SENTINELS: setup.sentinels,
  }
  const hub = await startTalkative({ ...settings, PIAZZA_REDIS_SENTINEL_PASSWORD: RIGHT })
  await waitFor('the hub to reach Redis', () => isReady(hub), 20_000)
  await hub.send('a', 'x')
  const stranger = await startTalkative({ ...settings, PIAZZA_REDIS_SENTINEL_PASSWORD: WRONG })
  await expectRefusedInSilence(stranger, /sentinels.*WRONGPASS/)
})
