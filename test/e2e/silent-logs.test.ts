import { expect, test } from 'vitest'
import { createLogger } from '../../src/logger.ts'
import { startHubProcess } from '../support/hub-process.ts'
import { startJwksServer } from '../support/jwks-server.ts'
import { request } from '../support/request.ts'
import { createKeyPair, SECRET, signByKey, signHmac } from '../support/tokens.ts'

const KEY = 'a-publish-key-of-24-char'
const DATUM = 'a-datum-that-nobody-else-sends'
const piazza = { subscribe: ['a'], publish: ['a'] }
const pair = createKeyPair()
const TOKENS = [
  KEY,
  `${KEY}-wrong`,
  signHmac({ piazza }),
  signHmac({ exp: 1, piazza }),
  signHmac({ piazza: { publish: [DATUM, '..'] } }),
  signByKey({ piazza }, pair, { kid: 'one' }),
  signByKey({ piazza }, pair, { kid: 'unknown' }),
  `${signHmac({ piazza })}x`,
  'x'.repeat(8192),
]

test('the most talkative log has no token, no key, no claim and no datum', async () => {
  const server = await startJwksServer({ one: pair })
  for (const key of [{ PIAZZA_JWT_SECRET: SECRET }, { PIAZZA_JWT_JWKS_URL: server.url.href }]) {
    const settings = {
      PIAZZA_PUBLISH_KEYS: KEY,
      PIAZZA_LOG_LEVEL: 'debug',
      PIAZZA_DRAIN_TIME: '0s',
    }
    const hub = await startHubProcess({ ...settings, ...key })
    for (const token of TOKENS) {
      const ways = [{ authorization: `Bearer ${token}` }, { cookie: `piazza_token=${token}` }]
      for (const headers of ways) {
        await request(hub.port, 'POST', '/channels/a', headers, DATUM)
        await request(hub.port, 'GET', '/channels/a/history', headers)
        await request(hub.port, 'GET', `/none?token=${token}`, headers)
      }
      await request(hub.port, 'HEAD', `/channels/a?token=${token}&since=all`)
      await request(hub.port, 'GET', `/channels/a%?token=${token}`)
      await request(hub.port, 'POST', `/publish?token=${token}`, {}, `{"data":"${DATUM}`)
    }
    await server.leave()
    hub.signal('SIGTERM')
    await hub.waitForExit()
    const log = hub.log.join('\n')
    expect(log).toContain('stopped')
    for (const secret of [...TOKENS, SECRET, DATUM]) expect(log).not.toContain(secret)
    expect(log).not.toContain('eyJ') // no part of a JWT either
  }
})

test('if a request were logged, its query would not be', () => {
  const req = { method: 'GET', url: '/channels/a?token=s3cret' }
  const bindings = JSON.stringify(createLogger('info').child({ req }).bindings())
  expect(bindings).toContain('/channels/a')
  expect(bindings).not.toContain('s3cret')
})
