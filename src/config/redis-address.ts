import { readFileSync } from 'node:fs'
import { Invalid } from './setting.ts'

/** Where Redis is; credentials are part of it. */
export interface RedisUrl {
  /** Undefined: `path` is a unix socket. */
  readonly host: string | undefined
  readonly port: number | undefined
  readonly path: string | undefined
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
  readonly isTls: boolean
}

const REDIS_PROTOCOLS: ReadonlySet<string> = new Set(['redis:', 'rediss:', 'unix:'])
const DEFAULT_REDIS_PORT = 6379

export function parseRedisUrl(text: string): RedisUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isSocket = url?.protocol === 'unix:'
  const database = (isSocket ? url.searchParams.get('db') : url?.pathname.slice(1)) ?? ''
  const isGood =
    url !== undefined &&
    REDIS_PROTOCOLS.has(url.protocol) &&
    (isSocket ? url.pathname.length > 1 : url.hostname !== '') &&
    /^\d{0,5}$/.test(database)
  if (!isGood) {
    throw new Invalid(
      'redis://user:password@host:6379/0, rediss:// for TLS, or unix:///path/to/redis.sock?db=0&user=…&password=…',
    )
  }
  const { searchParams: query } = url
  return {
    host: isSocket ? undefined : url.hostname.replace(/^\[|\]$/g, ''),
    port: isSocket ? undefined : Number(url.port || DEFAULT_REDIS_PORT),
    path: isSocket ? decodeURIComponent(url.pathname) : undefined,
    // an address without a host can have no user in it
    username: isSocket ? (query.get('user') ?? undefined) : given(url.username),
    password: isSocket ? (query.get('password') ?? undefined) : given(url.password),
    database: Number(database),
    isTls: url.protocol === 'rediss:',
  }
}

function given(part: string): string | undefined {
  try {
    return part === '' ? undefined : decodeURIComponent(part)
  } catch {
    throw new Invalid('a user and password in which %, @, : and / are percent-encoded (% is %25)')
  }
}

export interface Address {
  readonly host: string
  readonly port: number
}

export function parseSentinel(text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text)
  if (match !== null && Number(match[3]) <= 65_535) {
    return { host: match[1] ?? match[2] ?? '', port: Number(match[3]) }
  }
  throw new Invalid('host:port of each sentinel, such as sentinel-1:26379,sentinel-2:26379')
}

export function parseRedisPrefix(text: string): string {
  if (/^[A-Za-z0-9_.:-]{1,64}$/.test(text)) return text
  throw new Invalid('1 to 64 of A-Z a-z 0-9 _ . : -')
}

/** The content of a file, read at start. */
export function parsePemFile(text: string): string {
  try {
    const pem = readFileSync(text, 'utf8')
    if (pem.includes('-----BEGIN ')) return pem
  } catch {
    // told below
  }
  throw new Invalid('the path of a PEM file that can be read')
}
