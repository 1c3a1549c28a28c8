import { type TokenOptions } from '../auth/tokens.ts'
import { type Config } from './settings.ts'

/** Undefined: there are no tokens but publish keys. */
export function tokenOptionsOf(config: Config): TokenOptions | undefined {
  const key = tokenKeyOf(config)
  return (
    key && {
      key,
      algorithms: config.PIAZZA_JWT_ALGORITHMS,
      issuer: config.PIAZZA_JWT_ISSUER,
      audience: config.PIAZZA_JWT_AUDIENCE,
      toleranceMs: config.PIAZZA_JWT_CLOCK_TOLERANCE,
      isExpRequired: config.PIAZZA_JWT_EXP === 'required',
    }
  )
}

function tokenKeyOf(config: Config): TokenOptions['key'] | undefined {
  const { PIAZZA_JWT_SECRET: secret, PIAZZA_JWT_PUBLIC_KEY_FILE: publicKey } = config
  const { PIAZZA_JWT_JWKS_URL: jwksUrl } = config
  if (secret !== undefined) return { secret }
  if (publicKey !== undefined) return { publicKey }
  return jwksUrl && { jwksUrl }
}
