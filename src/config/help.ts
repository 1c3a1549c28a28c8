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
    '       piazza doctor URL [--token TOKEN] [--channel NAME] [--wait 65s | --quick] [--publish-key KEY] [--publish-url URL]',
    '',
    '  --help          print this',
    '  --version       print the version',
    '  --check-config  read the settings, print what is wrong with them, and exit with 0 or 1',
    '  token           print a token for development, signed by PIAZZA_JWT_SECRET; patterns such as orders.*, several with commas',
    '  doctor          subscribe through whatever stands before the hub at URL, and print what it does to streams; exit with 0,',
    '                  1 (something is wrong) or 2 (nobody answers). With a key it publishes, too. --wait: how long an idle',
    '                  stream is watched; --quick: not at all. DOCTOR_TOKEN and DOCTOR_PUBLISH_KEY keep secrets out of ps',
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
