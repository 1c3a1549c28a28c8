import http from 'node:http'
import { type AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { type KeyPair } from './tokens.ts'

/** A host of a JWKS, and what is the matter with it. */
export interface JwksServer {
  readonly url: URL
  /** Requests so far. */
  readonly fetches: number
  /** It lists these keys, by their `kid`. */
  list(keys: Readonly<Record<string, KeyPair>>): void
  /** It answers with this instead. */
  say(status: number, body: string): void
  /** It takes requests and does not answer, until it lists or says something. */
  hang(): void
  /** Nobody listens there. */
  leave(): Promise<void>
  comeBack(): Promise<void>
}

export async function startJwksServer(
  keys: Readonly<Record<string, KeyPair>> = {},
): Promise<JwksServer> {
  let answer: { status: number; body: string } | undefined
  let fetches = 0
  const waiting: http.ServerResponse[] = []
  const flush = () => {
    if (answer === undefined) return
    for (const response of waiting.splice(0)) response.writeHead(answer.status).end(answer.body)
  }
  const server = http.createServer((_request, response) => {
    fetches += 1
    waiting.push(response)
    flush()
  })
  const listen = (port: number) =>
    new Promise<void>((resolve) => {
      server.listen(port, '127.0.0.1', resolve)
    })
  const leave = () =>
    new Promise<void>((resolve) => {
      server.close(() => {
        resolve()
      })
      server.closeAllConnections()
    })
  await listen(0)
  onTestFinished(leave)
  const { port } = server.address() as AddressInfo
  const say = (status: number, body: string) => {
    answer = { status, body }
    flush()
  }
  const list = (listed: Readonly<Record<string, KeyPair>>) => {
    const set = Object.entries(listed).map(([kid, { publicKey }]) =>
      Object.assign(publicKey.export({ format: 'jwk' }), { kid, use: 'sig' }),
    )
    say(200, JSON.stringify({ keys: set }))
  }
  list(keys)
  return {
    url: new URL(`http://127.0.0.1:${port}/.well-known/jwks.json`),
    get fetches() {
      return fetches
    },
    list,
    say,
    hang: () => {
      answer = undefined
    },
    leave,
    comeBack: () => listen(port),
  }
}
