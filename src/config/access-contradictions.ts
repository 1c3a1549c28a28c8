import {
  algorithmsOfKeySet,
  algorithmsOfPublicKey,
  algorithmsOfSecret,
} from '../auth/algorithms.ts'
import { isLoopback } from '../auth/loopback.ts'
import { type Config, type SettingName } from './settings.ts'

/** With one of these the hub is not open any more (`isOpenMode`). */
const OPENING = [
  'PIAZZA_PUBLISH_KEYS',
  'PIAZZA_PUBLISH_KEYS_FILE',
  'PIAZZA_JWT_SECRET',
  'PIAZZA_JWT_PUBLIC_KEY_FILE',
  'PIAZZA_JWT_JWKS_URL',
  'PIAZZA_PUBLIC_CHANNELS',
  'PIAZZA_ANONYMOUS',
] as const satisfies readonly SettingName[]

/** Where the hub listens. */
const HOSTS = ['PIAZZA_HOST', 'PIAZZA_INTERNAL_HOST'] as const satisfies readonly SettingName[]

/** Each is a kind of key, and there is one. */
const TOKEN_KEYS = [
  'PIAZZA_JWT_SECRET',
  'PIAZZA_JWT_PUBLIC_KEY_FILE',
  'PIAZZA_JWT_JWKS_URL',
] as const satisfies readonly SettingName[]

/** They say something about JWTs, and nothing without a key. */
const TOKEN_RULES = [
  'PIAZZA_JWT_ALGORITHMS',
  'PIAZZA_JWT_ISSUER',
  'PIAZZA_JWT_AUDIENCE',
] as const satisfies readonly SettingName[]

/** The hub is open to the machine it runs on: no access setting was made (protocol §7). */
export function isOpenMode(config: Config): boolean {
  return (
    !canKeysPublish(config) &&
    config.PIAZZA_PUBLIC_CHANNELS.length === 0 &&
    !config.PIAZZA_ANONYMOUS.subscribe &&
    !config.PIAZZA_ANONYMOUS.publish
  )
}

/** Somebody may publish. */
export function canPublish(config: Config): boolean {
  return canKeysPublish(config) || config.PIAZZA_ANONYMOUS.publish || isOpenMode(config)
}

function canKeysPublish(config: Config): boolean {
  const { PIAZZA_PUBLISH_KEYS: keys, PIAZZA_PUBLISH_KEYS_FILE: file } = config
  return keys.length > 0 || file !== undefined || tokenKeysOf(config).length > 0
}

function tokenKeysOf(config: Config) {
  return TOKEN_KEYS.filter((name) => config[name] !== undefined)
}

export function findAccessContradictions(
  config: Config,
  texts: ReadonlyMap<SettingName, string>,
  areValid: (...names: SettingName[]) => boolean,
): string[] {
  const found: string[] = []
  for (const name of HOSTS) {
    const host = config[name]
    if (!areValid(name, ...OPENING) || !isOpenMode(config)) continue
    if (host === undefined || isLoopback(host)) continue
    found.push(
      `${name}: without access configured the hub serves this machine only, not ${host}. ` +
        'Set PIAZZA_PUBLISH_KEYS (for example from: openssl rand -hex 24) and who may subscribe: ' +
        `PIAZZA_ANONYMOUS=subscribe, PIAZZA_PUBLIC_CHANNELS, or tokens by PIAZZA_JWT_SECRET; or leave ${name} at 127.0.0.1.`,
    )
  }
  if (areValid(...TOKEN_KEYS)) found.push(...findKeyContradictions(config, texts))
  if (areValid(...TOKEN_KEYS, 'PIAZZA_JWT_ALGORITHMS')) found.push(...findUnfit(config))
  return found
}

function findKeyContradictions(config: Config, texts: ReadonlyMap<SettingName, string>): string[] {
  const keys = tokenKeysOf(config)
  if (keys.length > 1) {
    return [
      `${keys[0]}: tokens are verified by one kind of key; leave out ${keys.slice(1).join(' and ')}, or it.`,
    ]
  }
  if (keys.length === 1) return []
  return TOKEN_RULES.filter((name) => texts.has(name)).map(
    (name) => `${name}: it says nothing without a key; set one of ${TOKEN_KEYS.join(', ')}.`,
  )
}

function findUnfit(config: Config): string[] {
  const keys = tokenKeysOf(config)
  if (keys.length !== 1) return []
  const { PIAZZA_JWT_SECRET: secret, PIAZZA_JWT_PUBLIC_KEY_FILE: publicKey } = config
  const fitting =
    secret !== undefined
      ? algorithmsOfSecret(Buffer.byteLength(secret))
      : publicKey !== undefined
        ? algorithmsOfPublicKey(publicKey)
        : algorithmsOfKeySet()
  const unfit = config.PIAZZA_JWT_ALGORITHMS.filter((name) => !fitting.includes(name))
  if (unfit.length === 0) return []
  return [
    `PIAZZA_JWT_ALGORITHMS: ${unfit.join(', ')} can't be with ${keys[0]} as it is; it takes ${fitting.join(', ')}.`,
  ]
}
