import { type FastifyInstance } from 'fastify'
import { requireAnyRight, requireRight, requireRightSomewhere } from '../../auth/access.ts'
import { matches, parsePattern } from '../../auth/channel-pattern.ts'
import { allows, type Grant } from '../../auth/grant.ts'
import { type Broker, type ListPlace, type Start } from '../../broker/broker.ts'
import { errors, quote } from '../../errors.ts'
import { type Hub } from '../../hub/hub.ts'
import { type Message } from '../../log/message.ts'
import { formatId, ID_LENGTH, millisecondsOf, parseId, type Position } from '../../position.ts'
import { decodeFrame } from '../../sse/frame.ts'
import { readChannelName } from '../channel-names.ts'
import {
  type ChannelList,
  DEFAULT_PAGE_ENTRIES,
  type History,
  HISTORY_SCHEMA,
  LIST_SCHEMA,
  MAX_PAGE_ENTRIES,
  type Stats,
  STATS_SCHEMA,
} from '../inspect-schema.ts'
import { type Query, readInteger, readSince, refuseUnknown, single } from '../query.ts'

export interface InspectRouteOptions {
  readonly broker: Broker
  readonly hub: Hub
}

/** Looking into the store (protocol §8). Nothing here creates a channel. */
export async function inspectRoutes(
  app: FastifyInstance,
  { broker, hub }: InspectRouteOptions,
): Promise<void> {
  app.route({
    method: 'GET',
    url: '/channels',
    config: { access: 'header' },
    schema: LIST_SCHEMA,
    handler: async ({ grant, query }): Promise<ChannelList> => {
      requireRightSomewhere(grant, 'inspect')
      const page = await broker.list(readListQuery(query as Query, grant))
      const channels = page.channels.map(({ name, newest, messages }) => {
        return { name, lastId: toId(newest), messages, streams: hub.streamsOf(name) }
      })
      return { channels, next: page.next === undefined ? null : formatPlace(page.next) }
    },
  })

  app.route({
    method: 'GET',
    url: '/channels/:name/history',
    config: { access: 'header' },
    schema: HISTORY_SCHEMA,
    handler: async ({ grant, params, query }): Promise<History> => {
      const channel = readChannelName((params as { name: string }).name)
      requireAnyRight(grant, ['subscribe', 'inspect'], channel)
      const { start, limit } = readHistoryQuery(query as Query)
      const page = await broker.history(channel, start, limit)
      return {
        messages: page.messages.map(toEntry),
        complete: page.isComplete,
        more: page.hasMore,
        lastId: toId(page.newest),
      }
    },
  })

  app.route({
    method: 'GET',
    url: '/channels/:name/stats',
    config: { access: 'header' },
    schema: STATS_SCHEMA,
    handler: async ({ grant, params, query }): Promise<Stats> => {
      const channel = readChannelName((params as { name: string }).name)
      requireRight(grant, 'inspect', channel)
      refuseUnknown(query as Query, [])
      const { name, newest, messages, bytes, isEnded } = await broker.inspect(channel)
      const streams = hub.streamsOf(channel)
      return { name, lastId: toId(newest), messages, bytes, streams, ended: isEnded }
    },
  })
}

function readListQuery(query: Query, grant: Grant) {
  refuseUnknown(query, Object.keys(LIST_SCHEMA.querystring.properties))
  const text = single(query, 'match') ?? '**'
  const pattern = parsePattern(text)
  if (pattern === undefined) {
    const right = 'it takes a channel name or a pattern such as orders.* or orders.**'
    throw new errors.QUERY_INVALID(`match=${quote(text)} is not valid: ${right}`)
  }
  return {
    matches: (channel: string) => matches(pattern, channel) && allows(grant, 'inspect', channel),
    limit: readLimit(query),
    after: readPlace(single(query, 'after')),
  }
}

/** Without a place the history begins with the oldest message. */
function readHistoryQuery(query: Query): { readonly start: Start; readonly limit: number } {
  refuseUnknown(query, Object.keys(HISTORY_SCHEMA.querystring.properties))
  const id = single(query, 'after')
  const since = single(query, 'since')
  const time = readSince(since === '' ? undefined : since) ?? 0
  const limit = readLimit(query)
  if (id !== undefined && id !== '') return { start: { kind: 'after', id }, limit }
  return { start: { kind: 'since', time }, limit }
}

function readLimit(query: Query): number {
  const text = single(query, 'limit')
  if (text === undefined) return DEFAULT_PAGE_ENTRIES
  return readInteger('limit', text, 1, MAX_PAGE_ENTRIES)
}

/** Clients take it as it is: what it is made of may change. */
function formatPlace({ newest, channel }: ListPlace): string {
  return Buffer.from(formatId(newest) + channel).toString('base64url')
}

function readPlace(text: string | undefined): ListPlace | undefined {
  if (text === undefined || text === '') return undefined
  const place = Buffer.from(text, 'base64url').toString('latin1')
  const newest = parseId(place.slice(0, ID_LENGTH))
  if (newest !== undefined) return { newest, channel: place.slice(ID_LENGTH) }
  throw new errors.QUERY_INVALID(`after=${quote(text)} is not valid: it takes "next" of a page`)
}

function toId(position: Position | undefined): string | null {
  return position === undefined ? null : formatId(position)
}

function toEntry({ position, frame }: Message) {
  const { event, data } = decodeFrame(frame)
  const time = new Date(millisecondsOf(position)).toISOString()
  return { id: formatId(position), time, event, data }
}
