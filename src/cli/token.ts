import { parseArgs } from 'node:util'
import { parsePattern } from '../auth/channel-pattern.ts'
import { type Right } from '../auth/grant.ts'
import { mintToken } from '../auth/mint-token.ts'
import { type Config } from '../config/settings.ts'
import { parseDuration } from '../config/units.ts'
import { WrongUsage } from './wrong-usage.ts'

const DEFAULT_TTL = '1h'
const OPTIONS = {
  subscribe: { type: 'string', multiple: true },
  publish: { type: 'string', multiple: true },
  inspect: { type: 'string', multiple: true },
  subject: { type: 'string' },
  ttl: { type: 'string' },
} as const

/** `piazza token …`: a token for development, signed by the secret of the settings. */
export async function tokenCommand(args: readonly string[], config: Config): Promise<string> {
  const { PIAZZA_JWT_SECRET: secret } = config
  if (secret === undefined) {
    throw new WrongUsage(
      'token: set PIAZZA_JWT_SECRET (for example from: openssl rand -hex 32). With a public key or a JWKS only who holds the private key can make tokens',
    )
  }
  const options = readOptions(args)
  return mintToken({
    secret,
    algorithms: config.PIAZZA_JWT_ALGORITHMS,
    issuer: config.PIAZZA_JWT_ISSUER,
    audience: config.PIAZZA_JWT_AUDIENCE,
    ...options,
  })
}

function readOptions(args: readonly string[]) {
  const values = parse(args)
  const rights = {
    ...readPatterns('subscribe', values.subscribe),
    ...readPatterns('publish', values.publish),
    ...readPatterns('inspect', values.inspect),
  }
  if (Object.keys(rights).length === 0) {
    throw new WrongUsage("token: say what it allows, for example --subscribe 'orders.*'")
  }
  const ttl = values.ttl ?? DEFAULT_TTL
  const lifetimeMs = parseDuration(ttl) ?? 0
  if (lifetimeMs < 1000) {
    throw new WrongUsage(`token: --ttl ${ttl} is not a duration such as 90s, 10m or 1h`)
  }
  return { rights, lifetimeMs, subject: values.subject }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values
  } catch (error) {
    throw new WrongUsage(
      `token: ${(error as Error).message.split('\n')[0]}: --help lists the options`,
    )
  }
}

/** Each option may stand several times, and holds one or several with commas between. */
function readPatterns(right: Right, texts: readonly string[] | undefined) {
  if (texts === undefined) return {}
  const patterns = texts.flatMap((text) => text.split(','))
  const wrong = patterns.find((text) => parsePattern(text) === undefined)
  if (wrong === undefined) return { [right]: patterns }
  throw new WrongUsage(
    `token: --${right} takes channel names, and patterns such as orders.* or orders.**, not ${JSON.stringify(wrong)}`,
  )
}
