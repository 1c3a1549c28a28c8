import { type RedisOptions } from 'ioredis'

/** Where Redis is, and as whom it is asked. Checked by the settings. */
export interface RedisAddress {
  /** Undefined: `path` is a unix socket, or sentinels tell. */
  readonly host: string | undefined
  readonly port: number | undefined
  readonly path: string | undefined
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
}

export interface RedisTarget extends RedisAddress {
  /** Undefined: no TLS. */
  readonly tls: RedisTls | undefined
  readonly sentinel: RedisSentinel | undefined
}

/** PEM texts; undefined: the system's certificates, no client certificate. */
export interface RedisTls {
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
}

export interface RedisSentinel {
  readonly addresses: readonly { readonly host: string; readonly port: number }[]
  readonly master: string
  readonly password: string | undefined
}

const CONNECT_TIMEOUT_MS = 2000
/** A connection that has something to answer, and says nothing for so long, is replaced. */
const SILENCE_TIMEOUT_MS = 1500
const MIN_RETRY_MS = 50
const MAX_RETRY_MS = 2000

/** Both connections never repeat what Redis may have executed: whoever asked is told, and decides. */
export function connectionOptions(target: RedisTarget, name: string): RedisOptions {
  const { host, port, path, username, password, database, tls, sentinel } = target
  const tlsOptions = tls === undefined ? undefined : withoutUndefined(tls)
  return {
    ...withoutUndefined({ host, port, path, username, password }),
    db: database,
    ...(tlsOptions === undefined ? {} : { tls: tlsOptions }),
    ...(sentinel === undefined
      ? {}
      : {
          sentinels: sentinel.addresses.map((address) => ({ ...address })),
          name: sentinel.master,
          ...withoutUndefined({ sentinelPassword: sentinel.password }),
          ...(tlsOptions === undefined
            ? {}
            : { sentinelTLS: tlsOptions, enableTLSForSentinelMode: true }),
        }),
    connectionName: name,
    disableClientInfo: true, // a restricted user may not
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_TIMEOUT_MS,
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => {
      const longestMs = Math.min(MAX_RETRY_MS, MIN_RETRY_MS * 2 ** (attempt - 1))
      return longestMs * (0.5 + Math.random() / 2)
    },
  }
}

function withoutUndefined<T extends object>(
  values: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const defined = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(defined) as { [K in keyof T]?: Exclude<T[K], undefined> }
}
