// The health check of the image: exits with 0 if /livez answers 200. It asks the internal port where there is one: that
// one answers until the end of a stop, while the public port is closed before.
import http from 'node:http'
import https from 'node:https'

const { env } = process
const isInternal = Boolean(env.PIAZZA_INTERNAL_PORT)
const isTls =
  Boolean(env.PIAZZA_TLS_CERT_FILE) && !(isInternal && env.PIAZZA_INTERNAL_TLS === 'off')
const host = (isInternal && env.PIAZZA_INTERNAL_HOST) || env.PIAZZA_HOST || '127.0.0.1'
const LOOPBACK = { '0.0.0.0': '127.0.0.1', '::': '::1' }

const request = (isTls ? https : http).get({
  host: LOOPBACK[host] ?? host,
  port: (isInternal ? env.PIAZZA_INTERNAL_PORT : env.PIAZZA_PORT) || 8080,
  path: '/livez',
  // whose certificate it is, is the business of those who come from outside
  rejectUnauthorized: false,
  signal: AbortSignal.timeout(4000),
})
request.on('response', ({ statusCode }) => finish(statusCode === 200 ? 0 : 1, `HTTP ${statusCode}`))
request.on('error', ({ message }) => finish(1, message))

/** What is said is kept: `docker inspect` shows it. */
function finish(code, said) {
  process.stdout.write(`${said}\n`)
  process.exit(code)
}
