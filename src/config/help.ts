import { type Setting } from './setting.ts'
import { SETTINGS } from './settings.ts'

/** What `--help` prints. */
export function describeUsage(): string {
  const rows = Object.entries<Setting<unknown>>(SETTINGS).map(
    ([name, { defaultText, type, description }]) => ({ name, defaultText, type, description }),
  )
  const nameWidth = Math.max(...rows.map(({ name }) => name.length))
  const defaultWidth = Math.max(...rows.map(({ defaultText }) => defaultText.length))
  const table = rows.map(
    ({ name, defaultText, type, description }) =>
      `  ${name.padEnd(nameWidth)}  ${defaultText.padEnd(defaultWidth)}  ${plain(description)} (${plain(type)})`,
  )
  return [
    'piazza: a pub/sub broadcast hub for server-sent events',
    '',
    'Usage: piazza [--help | --version | --check-config]',
    '       piazza token [--subscribe PATTERN] [--publish PATTERN] [--inspect PATTERN] [--ttl 1h] [--subject NAME]',
    '',
    '  --help          print this',
    '  --version       print the version',
    '  --check-config  read the settings, print what is wrong with them, and exit with 0 or 1',
    '  token           print a token for development, signed by PIAZZA_JWT_SECRET; patterns such as orders.*, several with commas',
    '',
    'Settings are environment variables:',
    '',
    `  ${'variable'.padEnd(nameWidth)}  ${'default'.padEnd(defaultWidth)}  meaning (type)`,
    ...table,
    '',
  ].join('\n')
}

/** The descriptions are Markdown, for the README. */
function plain(text: string): string {
  return text.replaceAll('`', '').replaceAll('\\|', '|')
}
