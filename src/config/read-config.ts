import { closest, distance } from 'fastest-levenshtein'
import { isLoopback } from '../auth/loopback.ts'
import { type Config, Invalid, type Setting, SETTINGS, type SettingName } from './settings.ts'

export interface ConfigReading {
  /** Undefined if there are problems. */
  readonly config: Config | undefined
  /** One line each: what is wrong, and what would be right. */
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

const PREFIX = 'PIAZZA_'
/** What Kubernetes injects for a Service called piazza or piazza-…; `_PORT` alone only with its value. */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_[A-Z]+)?)$/
const SERVICE_LINK_PORT_VALUE = /^(tcp|udp|sctp):\/\//
/** Names further from every setting than this are not called a typo of one. */
const MAX_TYPO_DISTANCE = 8
/** Values of these never appear in a message. */
const SECRETS: ReadonlySet<string> = new Set<SettingName>(['PIAZZA_PUBLISH_KEYS'])

/** With one of these the hub is not open any more (`isOpenMode`). */
const ACCESS_SETTINGS: readonly SettingName[] = [
  'PIAZZA_PUBLISH_KEYS',
  'PIAZZA_PUBLIC_CHANNELS',
  'PIAZZA_ANONYMOUS',
]

/** The first of each may not be above the second: a wait has a range, and a body carries a message. */
const IN_ORDER = [
  ['PIAZZA_RETRY_MIN', 'PIAZZA_RETRY_MAX'],
  ['PIAZZA_MAX_MESSAGE_BYTES', 'PIAZZA_MAX_BODY_BYTES'],
] as const

const NAMES = Object.keys(SETTINGS) as SettingName[]

/** Reads the whole configuration from the environment, and finds all its problems at once. */
export function readConfig(environment: NodeJS.ProcessEnv): ConfigReading {
  const problems: string[] = []
  const links: string[] = []
  const texts = new Map<SettingName, string>()
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(PREFIX) || text === undefined || text === '') continue // compose: empty is unset
    if (isServiceLink(name, text)) links.push(name)
    else if (isSettingName(name)) texts.set(name, text)
    else problems.push(describeUnknown(name))
  }
  const values: Partial<Record<SettingName, unknown>> = {}
  const invalid = new Set<SettingName>()
  for (const name of NAMES) {
    const setting: Setting<unknown> = SETTINGS[name]
    const text = texts.get(name)
    try {
      values[name] = text === undefined ? setting.default : setting.parse(text)
    } catch (error) {
      if (!(error instanceof Invalid)) throw error
      invalid.add(name)
      const value = SECRETS.has(name) ? 'the value given' : JSON.stringify(text)
      problems.push(`${name}: ${value} is not valid; it takes ${error.message}.`)
    }
  }
  const warnings = links.length === 0 ? [] : [describeLinks(links)]
  const config = values as Config
  problems.push(...findContradictions(config, texts, invalid))
  return { config: problems.length > 0 ? undefined : config, problems, warnings }
}

/** The hub is open to the machine it runs on: no access setting was made (protocol §7). */
export function isOpenMode(config: Config): boolean {
  const { PIAZZA_ANONYMOUS: anonymous } = config
  return (
    config.PIAZZA_PUBLISH_KEYS.length === 0 &&
    config.PIAZZA_PUBLIC_CHANNELS.length === 0 &&
    !anonymous.subscribe &&
    !anonymous.publish
  )
}

function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name)
}

function isServiceLink(name: string, text: string): boolean {
  if (SERVICE_LINK.test(name)) return true
  return name.endsWith('_PORT') && SERVICE_LINK_PORT_VALUE.test(text)
}

function describeUnknown(name: string): string {
  const nearest = closest(name, NAMES)
  const isTypo = distance(name, nearest) <= MAX_TYPO_DISTANCE
  return `${name}: there is no such setting${isTypo ? `; did you mean ${nearest}?` : '; --help lists them.'}`
}

function describeLinks(links: readonly string[]): string {
  const [first] = links
  return `ignored ${links.length} variables that Kubernetes injects for a Service called piazza (${first} …): set enableServiceLinks: false on the pod`
}

/** Between settings that are valid by themselves; what `invalid` ones would have said is not known. */
function findContradictions(
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
  if (
    areValid('PIAZZA_HOST', ...ACCESS_SETTINGS) &&
    isOpenMode(config) &&
    !isLoopback(config.PIAZZA_HOST)
  ) {
    found.push(
      `PIAZZA_HOST: without access configured the hub serves this machine only, not ${config.PIAZZA_HOST}. ` +
        'Set PIAZZA_PUBLISH_KEYS (for example from: openssl rand -hex 24) and who may subscribe: ' +
        'PIAZZA_ANONYMOUS=subscribe or PIAZZA_PUBLIC_CHANNELS; or leave PIAZZA_HOST at 127.0.0.1.',
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
