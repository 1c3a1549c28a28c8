import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { requireRight, requireRightSomewhere } from '../../auth/access.ts'
import { type Broker, type PublishRequest, type PublishResult } from '../../broker/broker.ts'
import { errors } from '../../errors.ts'
import { type Metrics } from '../../metrics.ts'
import { formatId } from '../../position.ts'
import { utf8FromBytes } from '../../sse/utf8.ts'
import { readChannelName } from '../channel-names.ts'
import { parseJsonInTurn, readUtf8 } from '../json.ts'
import { BROKER_RETRY_SECONDS } from '../plugins/errors.ts'
import { requireOwnOrigin } from '../plugins/origin-guard.ts'
import {
  type Checked,
  checkPublication,
  idempotencyOf,
  readPublication,
  reconcileKeys,
  requireFanOut,
} from '../publication.ts'
import {
  JSON_PUBLISH_SCHEMA,
  MAX_BATCH_ITEMS,
  type PublishAnswer,
  RAW_PUBLISH_SCHEMA,
} from '../publish-schema.ts'
import { limitPublishing, type PublishQuotaOptions } from '../publish-quota.ts'
import { readRawFields } from '../raw-fields.ts'
import { type Query } from '../query.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** When the body of a publish had come whole; 0: it has not. */
    readAtMs: number
  }
}

export interface PublishRouteOptions extends PublishQuotaOptions {
  readonly broker: Broker
  readonly metrics: Metrics
  readonly corsOrigins: readonly string[]
  readonly maxMessageBytes: number
}

const ANY_BYTES = 'application/octet-stream'

/** Publishing (protocol §2). */
export async function publishRoutes(
  app: FastifyInstance,
  options: PublishRouteOptions,
): Promise<void> {
  const { metrics, corsOrigins } = options
  // Who may not publish at all does not make the hub read and parse a body.
  app.addHook('onRequest', ({ grant, isAmbient, headers }, _reply, done) => {
    requireRightSomewhere(grant, 'publish')
    if (isAmbient) requireOwnOrigin(headers, corsOrigins)
    done()
  })
  limitPublishing(app, options)
  app.decorateRequest('readAtMs', 0)
  app.addHook('onSend', ({ readAtMs }, _reply, payload, done) => {
    if (readAtMs > 0) metrics.observePublish((performance.now() - readAtMs) / 1000)
    done(null, payload)
  })
  await app.register(jsonPublish, options)
  await app.register(rawPublish, options)
}

async function jsonPublish(app: FastifyInstance, options: PublishRouteOptions): Promise<void> {
  const { metrics, maxMessageBytes } = options
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    (request: FastifyRequest, body: Buffer, give) => {
      request.readAtMs = performance.now()
      const value = parseJsonInTurn(body)
      if (value instanceof Promise) value.then((parsed) => give(null, parsed), give)
      else give(null, value)
    },
  )
  app.route({
    method: 'POST',
    url: '/publish',
    config: { access: 'header' },
    schema: JSON_PUBLISH_SCHEMA,
    handler: async (request, reply) => {
      const { body } = request
      const isBatch = Array.isArray(body)
      const publications = isBatch
        ? readBatch(body, maxMessageBytes)
        : [readPublication(body, maxMessageBytes)]
      const header = readKeyHeader(request)
      if (isBatch && header !== undefined) {
        const message =
          'header Idempotency-Key is for one message: give each item of a batch its "idempotencyKey"'
        throw new errors.IDEMPOTENCY_KEY_INVALID(message)
      }
      const keyed = isBatch ? publications : publications.map((one) => withHeaderKey(one, header))
      const results = await publish(request, options, keyed)
      if (!isBatch) return answerOne(reply, keyed[0]!, results[0]!)
      return answerBatch(reply, keyed, results, metrics)
    },
  })
}

async function rawPublish(app: FastifyInstance, options: PublishRouteOptions): Promise<void> {
  const { maxMessageBytes } = options
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    ANY_BYTES,
    { parseAs: 'buffer' },
    (request: FastifyRequest, body: Buffer, done) => {
      request.readAtMs = performance.now()
      done(null, body)
    },
  )
  // Whatever it calls itself, also what is no content type at all.
  app.addHook('onRequest', ({ raw }, _reply, done) => {
    raw.headers['content-type'] = ANY_BYTES
    done()
  })
  app.route({
    method: 'POST',
    url: '/channels/:name',
    config: { access: 'header' },
    schema: RAW_PUBLISH_SCHEMA,
    handler: async (request, reply) => {
      const { name } = request.params as { name: string }
      const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0)
      const publication = checkPublication(
        {
          channels: [readChannelName(name)],
          ...readRawFields(request.url, request.query as Query),
          data: utf8FromBytes(readUtf8(body)),
          key: reconcileKeys(undefined, readKeyHeader(request)),
        },
        maxMessageBytes,
      )
      const results = await publish(request, options, [publication])
      return answerOne(reply, publication, results[0]!)
    },
  })
}

function readKeyHeader({ headers }: FastifyRequest): string | undefined {
  return headers['idempotency-key'] as string | undefined // node joins a repeated one
}

function withHeaderKey(publication: Checked, header: string | undefined): Checked {
  if (header === undefined) return publication
  const key = reconcileKeys(publication.key, header)
  if (publication.isEphemeral) {
    const message = 'an "ephemeral" message is not stored, so an idempotency key can\'t guard it'
    throw new errors.BODY_INVALID(message)
  }
  return { ...publication, key }
}

/** All are checked before any is stored. */
function readBatch(items: readonly unknown[], maxMessageBytes: number): Checked[] {
  if (items.length < 1 || items.length > MAX_BATCH_ITEMS) {
    throw new errors.BODY_INVALID(`a batch has 1 to ${MAX_BATCH_ITEMS} items, not ${items.length}`)
  }
  return items.map((item, i) => {
    try {
      return readPublication(item, maxMessageBytes)
    } catch (error) {
      if (error instanceof Error) error.message = `item ${i}: ${error.message}`
      throw error
    }
  })
}

function publish(
  { grant, quota }: FastifyRequest,
  { broker }: PublishRouteOptions,
  publications: readonly Checked[],
): Promise<PublishResult[]> {
  quota?.owe(publications.length - 1, 0)
  requireFanOut(publications)
  for (const { channels } of publications) {
    for (const channel of channels) requireRight(grant, 'publish', channel)
  }
  return broker.publish(publications.map((one) => toRequest(one, grant.scope)))
}

function toRequest(publication: Checked, scope: string): PublishRequest {
  const { channels, event, retry, data, isEphemeral, isEnd, key } = publication
  const idempotency = idempotencyOf(scope, key)
  return { channels, event, retry, data, isEphemeral, isEnd, idempotency }
}

/** Sets the status; what is returned is the body: Fastify waits for the end of a reply that is returned itself. */
function answerOne(
  reply: FastifyReply,
  publication: Checked,
  result: PublishResult,
): PublishAnswer {
  if ('error' in result) throw result.error
  const status = publication.isEphemeral ? 202 : result.isDuplicate ? 200 : 201
  reply.code(status)
  return toAnswer(publication, result)
}

function answerBatch(
  reply: FastifyReply,
  publications: readonly Checked[],
  results: readonly PublishResult[],
  metrics: Metrics,
): { readonly results: readonly PublishAnswer[] } {
  const failed = results.find((result) => 'error' in result)
  const error = failed !== undefined && 'error' in failed ? failed.error : undefined
  if (error !== undefined) metrics.countHttpError(error.code)
  if (error?.statusCode === 503) reply.header('retry-after', BROKER_RETRY_SECONDS)
  reply.code(error?.statusCode ?? 201)
  return { results: results.map((result, i) => toAnswer(publications[i]!, result)) }
}

function toAnswer(publication: Checked, result: PublishResult): PublishAnswer {
  if ('error' in result) {
    const { statusCode, code, message } = result.error
    return { error: { statusCode, code, message } }
  }
  const { channels, isEphemeral } = publication
  if (isEphemeral) return { channels: [...channels] }
  const answer = { id: formatId(result.position), channels: [...channels] }
  return result.isDuplicate ? { ...answer, duplicate: true } : answer
}
