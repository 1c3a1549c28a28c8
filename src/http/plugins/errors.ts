import { STATUS_CODES } from 'node:http'
import { type Socket } from 'node:net'
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import plugin from 'fastify-plugin'
import { type CodedError, errors } from '../../errors.ts'
import { type Metrics } from '../../metrics.ts'
import { answerInTurn } from './pipelining.ts'

/** Body of every error answer (protocol §9). */
interface ErrorBody {
  readonly statusCode: number
  readonly code: string
  readonly error: string
  readonly message: string
}

export interface ErrorsOptions {
  readonly metrics: Metrics
}

/** When a publish that the broker could not take may be tried again. */
export const BROKER_RETRY_SECONDS = 1
/** The same where what stands in the way passes by itself. */
const RETRY_SECONDS: Readonly<Record<string, number>> = {
  PIAZZA_ERR_BROKER_UNAVAILABLE: BROKER_RETRY_SECONDS,
  PIAZZA_ERR_KEYS_UNAVAILABLE: 2,
}

/** Our words for what Fastify finds wrong with a request before a route sees it. */
const FRAMEWORK_ERRORS: Readonly<Record<string, (request: FastifyRequest) => CodedError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ({ routeOptions }) =>
    new errors.BODY_TOO_LARGE(
      `the body is larger than ${routeOptions.bodyLimit} bytes (PIAZZA_MAX_BODY_BYTES): send it in parts`,
    ),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    new errors.MEDIA_TYPE(
      'send Content-Type: application/json, or use POST /channels/:name for raw data',
    ),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new errors.REQUEST_INVALID('the body has another length than Content-Length says'),
}

function toBody(error: CodedError): ErrorBody {
  const statusCode = error.statusCode ?? 500
  return {
    statusCode,
    code: error.code,
    error: STATUS_CODES[statusCode] ?? 'Error',
    message: error.message,
  }
}

/** The coded error that answers whatever was thrown. */
function toCoded(thrown: FastifyError | CodedError, request: FastifyRequest): CodedError {
  if (thrown.code?.startsWith('PIAZZA_ERR_')) return thrown as CodedError
  const translate = FRAMEWORK_ERRORS[thrown.code]
  if (translate !== undefined) return translate(request)
  const status = thrown.statusCode ?? 500
  if (status >= 400 && status < 500) return new errors.REQUEST_INVALID(thrown.message)
  return new errors.INTERNAL('the hub failed to answer; its log says why')
}

/** Answers with `{statusCode, code, error, message}`, and counts. */
export function answerError(
  metrics: Metrics,
  thrown: FastifyError | CodedError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const coded = toCoded(thrown, request)
  if (coded.code === 'PIAZZA_ERR_INTERNAL') request.log.error({ err: thrown }, 'request failed')
  metrics.countHttpError(coded.code)
  const body = toBody(coded)
  const retrySeconds = RETRY_SECONDS[coded.code]
  if (retrySeconds !== undefined) reply.header('retry-after', retrySeconds)
  const challenge = challengeOf(coded, request)
  if (challenge !== undefined) reply.header('www-authenticate', challenge)
  reply.header('cache-control', 'no-store').code(body.statusCode).send(body)
}

/** RFC 6750 §3: the error is told only to those who sent a token. */
function challengeOf(
  { code, statusCode }: CodedError,
  request: FastifyRequest,
): string | undefined {
  const challenge = 'Bearer realm="piazza"'
  if (code === 'PIAZZA_ERR_FORBIDDEN') return `${challenge}, error="insufficient_scope"`
  if (statusCode !== 401) return undefined
  return request.hasToken ? `${challenge}, error="invalid_token"` : challenge
}

/** Answers bytes that node:http could not take for a request. */
export function answerClientError(
  { metrics, maxHeaderBytes }: { readonly metrics: Metrics; readonly maxHeaderBytes: number },
  error: NodeJS.ErrnoException,
  socket: Socket,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  answerOnSocket(metrics, describeClientError(error, maxHeaderBytes), socket)
}

/** So long may a client take to close when it was answered so. */
const CLOSE_TIMEOUT_MS = 5000

const ignore = () => {}
const destroy = (socket: Socket) => socket.destroy()

/**
 * Answers where there is no response to write to, and closes. node:http has let go of the socket of a CONNECT, and of
 * one that it can't read: an error would end the process, and who never closes would be kept for ever.
 */
export function answerOnSocket(metrics: Metrics, error: CodedError, socket: Socket): void {
  socket.on('error', ignore)
  answerInTurn(socket, () => endWithError(metrics, error, socket))
}

function endWithError(metrics: Metrics, error: CodedError, socket: Socket): void {
  const body = toBody(error)
  metrics.countHttpError(body.code)
  const json = JSON.stringify(body)
  const head = [
    `HTTP/1.1 ${body.statusCode} ${body.error}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(json)}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    'Referrer-Policy: no-referrer',
    'Connection: close',
    // RFC 9110 §15.5.6: it stands in every 405. What a CONNECT asks for is nothing of ours, and has no method at all.
    ...(body.statusCode === 405 ? ['Allow: '] : []),
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${json}`)
  setTimeout(destroy, CLOSE_TIMEOUT_MS, socket).unref()
}

function describeClientError(error: NodeJS.ErrnoException, maxHeaderBytes: number): CodedError {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new errors.HEADERS_TOO_LARGE(
        `the request line and headers are longer than ${maxHeaderBytes} bytes (PIAZZA_MAX_HEADER_BYTES)`,
      )
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new errors.REQUEST_TIMEOUT('the request did not arrive whole in time')
    default:
      return new errors.REQUEST_INVALID(`this is not an HTTP/1.1 request: ${error.message}`)
  }
}

/** One form for all errors. */
export const errorAnswers = plugin(
  async (app: FastifyInstance, { metrics }: ErrorsOptions) => {
    app.setErrorHandler<FastifyError>((error, request, reply) =>
      answerError(metrics, error, request, reply),
    )
    // In a hook, so that it comes before the body is read.
    app.addHook('onRequest', (request, _reply, done) => {
      // `*` is the OPTIONS of all addresses that @fastify/cors adds: it would answer those that are none.
      const isOfAll = request.method === 'OPTIONS' && request.routeOptions.url === '*'
      if (!request.is404 && !isOfAll) {
        done()
        return
      }
      const [path = ''] = request.url.split('?')
      throw new errors.NOT_FOUND(
        `there is no ${request.method} ${path.slice(0, 200)}: see the API in docs/protocol.md`,
      )
    })
    app.setNotFoundHandler(async () => {})
  },
  { name: 'piazza-errors' },
)
