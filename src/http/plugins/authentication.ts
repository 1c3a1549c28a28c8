import { parse as parseCookies } from 'cookie'
import { type FastifyInstance, type FastifyRequest } from 'fastify'
import plugin from 'fastify-plugin'
import { type Access } from '../../auth/access.ts'
import { errors } from '../../errors.ts'
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
  readonly cookieName: string
  /** A subscribe may have its token in the query. */
  readonly isQueryTaken: boolean
}

/** Whatever stands behind the word is the token, good or not: one with a space in it is a bad one, and not none. */
const BEARER = /^Bearer\s+(\S.*)$/i

const QUOTED = /^"([^"]*)"$/

/** Finds the token (header, query, cookie, in that order) and what it grants, before the body is read. */
export const authentication = plugin(
  async (app: FastifyInstance, options: AuthenticationOptions) => {
    const { access, cookieName, isQueryTaken } = options
    app.decorateRequest('grant', null as unknown as Grant)
    app.decorateRequest('isAmbient', true)
    app.decorateRequest('hasToken', false)
    app.addHook('onRequest', (request, _reply, done) => {
      const source = request.routeOptions.config.access
      if (source === undefined) {
        done()
        return
      }
      const query = source === 'header' ? undefined : readQuery(request)
      request.hasToken = query !== undefined
      if (query !== undefined && !isQueryTaken) throw queryRefused()
      const explicit = readBearer(request) ?? query
      const cookie = explicit === undefined ? readCookie(request, cookieName) : undefined
      request.hasToken = explicit !== undefined || cookie !== undefined
      const accept = (grant: Grant) => {
        request.grant = grant
        request.isAmbient = explicit === undefined || grant.isAnonymous
        done()
      }
      const grant = explicit === undefined ? access.ambientGrant(cookie) : access.grantFor(explicit)
      if (grant instanceof Promise) grant.then(accept, done)
      else accept(grant)
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

/** It has been on its way through logs already: whoever sends it must hear of it, also where another token is good. */
function queryRefused() {
  const message =
    'a token in the query is not taken here (PIAZZA_QUERY_TOKEN=off): send it as Authorization: Bearer, or as a cookie'
  return new errors.UNAUTHORIZED(message)
}

/** It may stand in double quotes, which are no part of it (RFC 6265 §4.1.1). */
function readCookie({ headers }: FastifyRequest, name: string): string | undefined {
  if (headers.cookie === undefined) return undefined
  return parseCookies(headers.cookie)[name]?.replace(QUOTED, '$1')
}
