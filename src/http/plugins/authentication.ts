import { parse as parseCookies } from 'cookie'
import { type FastifyInstance, type FastifyRequest } from 'fastify'
import plugin from 'fastify-plugin'
import { type Access } from '../../auth/access.ts'
import { type Grant } from '../../auth/grant.ts'
import { type Query, single } from '../query.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request is allowed; set on routes with `config.access`. */
    grant: Grant
    /** A browser sends it by itself: cookie, or nothing at all. */
    isAmbient: boolean
    /** It came with a token, good or not. */
    hasToken: boolean
  }
  interface FastifyContextConfig {
    /** Where the route takes a token from; undefined: it is open to all. */
    access?: 'header' | 'header-or-query'
  }
}

export interface AuthenticationOptions {
  readonly access: Access
}

const BEARER = /^Bearer +([^ ]+) *$/i
const COOKIE = 'piazza_token'

/** Finds the token (header, query, cookie, in that order) and what it grants, before the body is read. */
export const authentication = plugin(
  async (app: FastifyInstance, { access }: AuthenticationOptions) => {
    app.decorateRequest('grant', null as unknown as Grant)
    app.decorateRequest('isAmbient', true)
    app.decorateRequest('hasToken', false)
    app.addHook('onRequest', async (request) => {
      const source = request.routeOptions.config.access
      if (source === undefined) return
      const explicit = readBearer(request) ?? (source === 'header' ? undefined : readQuery(request))
      const cookie = explicit === undefined ? readCookie(request) : undefined
      request.hasToken = explicit !== undefined || cookie !== undefined
      request.grant =
        explicit === undefined ? access.ambientGrant(cookie) : access.grantFor(explicit)
      request.isAmbient = explicit === undefined || request.grant.isAnonymous
    })
  },
  { name: 'piazza-authentication' },
)

function readBearer({ headers }: FastifyRequest): string | undefined {
  return BEARER.exec(headers.authorization ?? '')?.[1]
}

function readQuery(request: FastifyRequest): string | undefined {
  const token = single(request.query as Query, 'token')
  return token === '' ? undefined : token
}

function readCookie({ headers }: FastifyRequest): string | undefined {
  return headers.cookie === undefined ? undefined : parseCookies(headers.cookie)[COOKIE]
}
