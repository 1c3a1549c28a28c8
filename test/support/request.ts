import http from 'node:http'
import https from 'node:https'

/** What a plain request was answered; header names in lower case. */
export interface PlainAnswer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
}

/** Whoever does not answer by then is not busy: it hangs. */
const ANSWER_DEADLINE_MS = 15_000

/**
 * One request on a connection of its own, with exactly these headers: `fetch` adds some and forbids others. Over TLS
 * if an authority is given (PEM), whose word on the hub must be good.
 */
export function request(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = '',
  authority?: string,
): Promise<PlainAnswer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, headers, agent: false }
    const send = authority === undefined ? http.request : https.request
    const asked = send({ ...options, ca: authority, servername: 'localhost' }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => {
        text += part
      })
      answer.on('error', reject)
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text })
      })
    })
    asked.setTimeout(ANSWER_DEADLINE_MS, () => {
      asked.destroy(new Error(`${method} ${path}: no answer in ${ANSWER_DEADLINE_MS} ms`))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}
