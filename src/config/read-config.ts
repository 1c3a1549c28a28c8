import { closest, distance } from 'fastest-levenshtein'
import { findContradictions } from './contradictions.ts'
import { Invalid, type Setting } from './setting.ts'
import { type Config, SETTINGS, type SettingName } from './settings.ts'

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
const SECRETS: ReadonlySet<string> = new Set<SettingName>([
  'PIAZZA_PUBLISH_KEYS',
  'PIAZZA_JWT_SECRET',
  'PIAZZA_REDIS_URL',
  'PIAZZA_REDIS_SENTINEL_PASSWORD',
])
/** A key hardly begins like this, and what is PEM has lines. */
const PATH = /^\.{0,2}\/.*$/

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
      problems.push(`${name}: ${show(name, text)} is not valid; it takes ${error.message}.`)
    }
  }
  const warnings = links.length === 0 ? [] : [describeLinks(links)]
  const config = values as Config
  problems.push(...findContradictions(config, texts, invalid))
  return { config: problems.length > 0 ? undefined : config, problems, warnings }
}

/** Some give the secret itself for the file that has it, or put a password into an address. */
function show(name: SettingName, text = ''): string {
  const mayBeSecret = name.endsWith('_FILE') ? !PATH.test(text) : text.includes('@')
  return SECRETS.has(name) || mayBeSecret ? 'the value given' : JSON.stringify(text)
}

function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name)
}

function isServiceLink(name: string, text: string): boolean {
  if (SERVICE_LINK.test(name)) return true
  return name.endsWith('_PORT') && SERVICE_LINK_PORT_VALUE.test(text)
}

function describeUnknown(name: string): string {
  const inCapitals = name.toUpperCase()
  const nearest = closest(inCapitals, NAMES)
  const isTypo = distance(inCapitals, nearest) <= MAX_TYPO_DISTANCE
  return `${name}: there is no such setting${isTypo ? `; did you mean ${nearest}?` : '; --help lists them.'}`
}

function describeLinks(links: readonly string[]): string {
  const [first] = links
  return `ignored ${links.length} variables that Kubernetes injects for a Service called piazza (${first} …): set enableServiceLinks: false on the pod`
}
