import { describe, expect, test } from 'vitest'
import { describeListenError } from '../src/listen-error.ts'

const LISTENING = {
  host: '127.0.0.1',
  port: 80,
  hostSetting: 'PIAZZA_HOST',
  portSetting: 'PIAZZA_PORT',
}

/** Tests of the command line provoke those that any machine can; a low port needs one that forbids it. */
describe('a port that can not be listened on is told in one line, with what to do', () => {
  test.each([
    ['EADDRINUSE', /^can't listen on 127\.0\.0\.1:80: the port is in use.*PIAZZA_PORT/],
    ['EACCES', /^can't listen on 127\.0\.0\.1:80: no permission.*PIAZZA_PORT to 1024/],
    ['EADDRNOTAVAIL', /^can't listen on 127\.0\.0\.1:80: this machine.*PIAZZA_HOST/],
    ['ENOTFOUND', /^can't listen on 127\.0\.0\.1:80: that host name.*PIAZZA_HOST/],
    ['EAI_AGAIN', /^can't listen on 127\.0\.0\.1:80: that host name.*PIAZZA_HOST/],
    ['EMFILE', /^can't listen on 127\.0\.0\.1:80: what the system says$/],
  ])('%s', (code, line) => {
    const error = Object.assign(new Error('what the system says'), { code })
    expect(describeListenError(error, LISTENING)).toMatch(line)
  })
})
