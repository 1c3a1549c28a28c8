import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { errors } from '../errors.ts'
import { type ExhaustedRate, type PublishLimits, type Quota } from '../limits/publish-limits.ts'
import { type ClientAddresses } from './client-addresses.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What its publisher has left; undefined: there is no limit. */
    quota: Quota | undefined
  }
}

export interface PublishQuotaOptions {
  readonly publishLimits: PublishLimits
  readonly addresses: ClientAddresses
}

/**
 * Limits how much each publisher publishes on these routes, before a body is read: register it behind the hook that
 * asks for the right. Without limits nothing is added to a request.
 */
export function limitPublishing(
  app: FastifyInstance,
  { publishLimits, addresses }: PublishQuotaOptions,
): void {
  app.decorateRequest('quota', undefined)
  if (publishLimits.areOff) return
  const policy = describePolicy(publishLimits)
  app.addHook('onRequest', (request, reply, done) => {
    const publisher = request.grant.holder ?? `ip:${addresses.of(request)}`
    const quota = publishLimits.of(publisher)
    request.quota = quota
    const exhausted = quota.take(announcedBytes(request))
    if (exhausted !== undefined) throw refused(exhausted, publishLimits, quota, reply)
    done()
  })
  // As it comes: also of a body that turns out to be too large, or never ends, what was read counts.
  app.addHook('preParsing', ({ headers, quota }, _reply, body, done) => {
    if (headers['transfer-encoding'] !== undefined) {
      body.on('data', (piece: Buffer) => quota?.owe(0, piece.length))
    }
    done(null, body)
  })
  app.addHook('onSend', ({ quota }, reply, payload, done) => {
    const isTold = reply.statusCode < 300 || reply.statusCode === 429
    if (quota !== undefined && isTold) {
      reply.header('ratelimit-policy', policy).header('ratelimit', describeLeft(quota))
    }
    done(null, payload)
  })
}

/** A body that is too large is not read, so it does not count. */
function announcedBytes({ headers, routeOptions }: FastifyRequest): number {
  const bytes = Number(headers['content-length'] ?? 0)
  return bytes <= routeOptions.bodyLimit ? bytes : 0
}

function refused(
  exhausted: ExhaustedRate,
  { options }: PublishLimits,
  { retrySeconds }: Quota,
  reply: FastifyReply,
) {
  reply.header('retry-after', retrySeconds)
  const when = `go on after ${retrySeconds} s (Retry-After)`
  if (exhausted === 'messages') {
    const message = `more was published than ${options.messages} messages a second (PIAZZA_PUBLISH_RATE): ${when}`
    return new errors.PUBLISH_RATE_EXCEEDED(message)
  }
  const message = `more was published than ${options.bytes} bytes a second (PIAZZA_PUBLISH_BYTE_RATE): ${when}`
  return new errors.PUBLISH_BYTE_RATE_EXCEEDED(message)
}

/** draft-ietf-httpapi-ratelimit-headers-10. */
function describePolicy({ options: { messages, bytes } }: PublishLimits): string {
  const policies = []
  if (messages > 0) policies.push(`"messages";q=${messages};w=1`)
  if (bytes > 0) policies.push(`"bytes";q=${bytes};w=1;qu="content-bytes"`)
  return policies.join(', ')
}

/** `t`: until it is full again. */
function describeLeft(quota: Quota): string {
  return quota.left
    .map(({ kind, remaining, fullSeconds }) => `"${kind}";r=${remaining};t=${fullSeconds}`)
    .join(', ')
}
