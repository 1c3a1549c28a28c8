import { type KeyObject } from 'node:crypto'
import {
  type Anonymous,
  type KeysFile,
  parseAlgorithm,
  parseAnonymous,
  parseCookieName,
  parseKeysFile,
  parseKeysUrl,
  parseOrigin,
  parsePublicKeyFile,
  parsePublicPattern,
  parsePublishKey,
  parseSecret,
} from './access-values.ts'
import { choice, duration, HOUR_MS, list, optional, type Setting } from './setting.ts'

/** Who may do what (protocol §7). */
export const ACCESS_SETTINGS = {
  PIAZZA_PUBLISH_KEYS: list(
    'Keys that may do everything, with commas between; several for rotation.',
    'list of secrets',
    parsePublishKey,
  ),
  PIAZZA_PUBLISH_KEYS_FILE: optional(
    'path of a file',
    'More such keys, one per line; read again when the file changes.',
    parseKeysFile,
  ) satisfies Setting<KeysFile | undefined>,
  PIAZZA_JWT_SECRET: optional(
    'secret',
    'Tokens are JWTs signed by this secret: HS256, from 48 bytes also HS384, from 64 also HS512.',
    parseSecret,
  ),
  PIAZZA_JWT_PUBLIC_KEY_FILE: optional(
    'path of a PEM file',
    'Or: signed by the private half of this key (RSA, EC, Ed25519).',
    parsePublicKeyFile,
  ) satisfies Setting<KeyObject | undefined>,
  PIAZZA_JWT_JWKS_URL: optional(
    'address',
    'Or: signed by a key of the set at this address.',
    parseKeysUrl,
  ),
  PIAZZA_JWT_ALGORITHMS: list(
    'Only these algorithms; without it all that fit the key.',
    'list of algorithms',
    parseAlgorithm,
  ),
  PIAZZA_JWT_ISSUER: optional('text', 'What `iss` of a JWT must be.', (text) => text),
  PIAZZA_JWT_AUDIENCE: optional(
    'text',
    'What `aud` of a JWT must be, or have among others.',
    (text) => text,
  ),
  PIAZZA_JWT_EXP: choice(
    'required',
    ['required', 'optional'],
    'Whether a JWT must say when it expires (`exp`).',
  ),
  PIAZZA_JWT_CLOCK_TOLERANCE: duration(
    '5s',
    'So much may the clock of whoever signs differ from ours, for `exp` and `nbf`.',
    { min: 0, max: HOUR_MS },
  ),
  PIAZZA_QUERY_TOKEN: choice(
    'on',
    ['on', 'off'],
    'Whether a subscribe may have its token in the query, where proxies log it.',
  ),
  PIAZZA_COOKIE_NAME: {
    type: 'text',
    defaultText: 'piazza_token',
    default: 'piazza_token',
    description: 'The cookie that a token is taken from.',
    parse: parseCookieName,
  } satisfies Setting<string>,
  PIAZZA_ANONYMOUS: {
    type: 'subscribe \\| publish,subscribe',
    defaultText: '—',
    default: { subscribe: false, publish: false },
    description: 'What anyone may do on every channel without a token.',
    parse: parseAnonymous,
  } satisfies Setting<Anonymous>,
  PIAZZA_PUBLIC_CHANNELS: list(
    'Channels that anyone may subscribe to without a token.',
    'list of patterns',
    parsePublicPattern,
  ),
  PIAZZA_CORS_ORIGINS: list(
    'Origins whose pages may subscribe and publish across origins; `*`: any may subscribe, without cookies.',
    'list of origins',
    parseOrigin,
  ),
} as const
