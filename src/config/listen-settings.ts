import { isIP } from 'node:net'
import { type PemFile, readPemFile } from '../tls/certificate.ts'
import { choice, integer, Invalid, optional, type Setting, withoutPath } from './setting.ts'

const PORTS = { min: 0, max: 65_535 }

function parseHost(text: string): string {
  if (isIP(text) !== 0 || /^[^\s/:[\]]+$/.test(text)) return text
  const right = 'a host name or IP address such as 127.0.0.1, 0.0.0.0 or ::1'
  throw new Invalid(`${right}, without brackets or port`)
}

function parseTlsFile(path: string): PemFile {
  try {
    return readPemFile(path)
  } catch (error) {
    throw new Invalid(`the path of a PEM file that can be read (${withoutPath(error as Error)})`)
  }
}

/** Where it is reached, and how. */
export const LISTEN_SETTINGS = {
  PIAZZA_HOST: {
    type: 'address',
    defaultText: '127.0.0.1',
    default: '127.0.0.1',
    description: 'Address to listen on. Anything but loopback needs an access setting.',
    parse: parseHost,
  } satisfies Setting<string>,
  PIAZZA_PORT: integer('8080', 'Port to listen on; 0 takes a free one.', PORTS),
  PIAZZA_INTERNAL_PORT: optional(
    'number',
    'A second port that serves everything; the first then keeps subscribe and `/livez` only.',
    integer('0', '', PORTS).parse,
  ),
  PIAZZA_INTERNAL_HOST: optional(
    'address',
    'Address of the second port, where it is not that of the first.',
    parseHost,
  ),
  PIAZZA_INTERNAL_TLS: choice(
    'on',
    ['on', 'off'],
    'Whether the second port speaks TLS where the first does.',
  ),
  PIAZZA_TLS_CERT_FILE: optional(
    'path of a PEM file',
    'Serves HTTPS by this certificate and its chain; read again when the file changes.',
    parseTlsFile,
  ) satisfies Setting<PemFile | undefined>,
  PIAZZA_TLS_KEY_FILE: optional(
    'path of a PEM file',
    'Its private key, without a passphrase; read again too.',
    parseTlsFile,
  ) satisfies Setting<PemFile | undefined>,
} as const
