import { findAccessContradictions } from './access-contradictions.ts'
import { findListenContradictions } from './listen-contradictions.ts'
import { type Config, type SettingName, SETTINGS } from './settings.ts'

const TLS_SETTINGS = [
  'PIAZZA_REDIS_CA_FILE',
  'PIAZZA_REDIS_CERT_FILE',
  'PIAZZA_REDIS_KEY_FILE',
] as const satisfies readonly SettingName[]
const REDIS_SETTINGS: readonly SettingName[] = ['PIAZZA_REDIS_SENTINELS', ...TLS_SETTINGS]

/** The first of each may not be above the second: a wait has a range, a body carries a message, a head an address. */
const IN_ORDER = [
  ['PIAZZA_RETRY_MIN', 'PIAZZA_RETRY_MAX'],
  ['PIAZZA_MAX_MESSAGE_BYTES', 'PIAZZA_MAX_BODY_BYTES'],
  ['PIAZZA_MAX_URL_BYTES', 'PIAZZA_MAX_HEADER_BYTES'],
  ['PIAZZA_HEADER_TIMEOUT', 'PIAZZA_REQUEST_TIMEOUT'],
] as const

/** Between settings that are valid by themselves; what `invalid` ones would have said is not known. */
export function findContradictions(
  config: Config,
  texts: ReadonlyMap<SettingName, string>,
  invalid: ReadonlySet<SettingName>,
): string[] {
  const areValid = (...names: SettingName[]) => names.every((name) => !invalid.has(name))
  const found: string[] = []
  for (const [lower, upper] of IN_ORDER) {
    if (!areValid(lower, upper) || config[lower] <= config[upper]) continue
    found.push(describeDisorder(lower, upper, texts))
  }
  found.push(...findListenContradictions(config, areValid))
  found.push(...findAccessContradictions(config, texts, areValid))
  if (areValid('PIAZZA_REDIS_URL', ...REDIS_SETTINGS))
    found.push(...findRedisContradictions(config))
  return found
}

function findRedisContradictions(config: Config): string[] {
  const found: string[] = []
  const { PIAZZA_REDIS_URL: url } = config
  const isTls = url?.isTls === true
  if (config.PIAZZA_REDIS_SENTINELS.length > 0 && url === undefined) {
    found.push(
      'PIAZZA_REDIS_SENTINELS: credentials and database come from PIAZZA_REDIS_URL; set it too, for example to redis://:password@redis/0.',
    )
  }
  for (const name of TLS_SETTINGS) {
    if (config[name] !== undefined && !isTls) {
      found.push(`${name}: it is for TLS; begin PIAZZA_REDIS_URL with rediss://, or leave it out.`)
    }
  }
  if (
    (config.PIAZZA_REDIS_CERT_FILE === undefined) !==
    (config.PIAZZA_REDIS_KEY_FILE === undefined)
  ) {
    found.push(
      'PIAZZA_REDIS_CERT_FILE: a client certificate needs PIAZZA_REDIS_KEY_FILE, and the key the certificate.',
    )
  }
  return found
}

/** Names first what a person has set. */
function describeDisorder(
  lower: SettingName,
  upper: SettingName,
  texts: ReadonlyMap<SettingName, string>,
): string {
  const shown = (name: SettingName) => `${name} (${texts.get(name) ?? SETTINGS[name].defaultText})`
  return texts.has(lower)
    ? `${lower}: it is above ${shown(upper)}; lower it to that or less, or raise ${upper}.`
    : `${upper}: it is below ${shown(lower)}; raise it to that or more, or lower ${lower}.`
}
