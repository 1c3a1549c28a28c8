import http from 'node:http'

/** What a plain request was answered; header names in lower case. */
export interface PlainAnswer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
}

/** One request on a connection of its own, with exactly these headers: `fetch` adds some and forbids others. */
export function request(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<PlainAnswer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, headers, agent: false }
    const asked = http.request(options, (answer) => {
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
    asked.setTimeout(5000, () => {
      asked.destroy(new Error(`${method} ${path}: no answer in 5 s`))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}
