import { parseArgs } from 'node:util'
import { parseDuration } from '../config/units.ts'
import { examine, type Examination, Unreachable } from '../doctor/examine.ts'
import { type Finding } from '../doctor/finding.ts'
import { WrongUsage } from './wrong-usage.ts'

const OPTIONS = {
  token: { type: 'string' },
  channel: { type: 'string' },
  'publish-url': { type: 'string' },
  'publish-key': { type: 'string' },
  wait: { type: 'string', default: '65s' },
  quick: { type: 'boolean', default: false },
} as const

type Environment = Readonly<Record<string, string | undefined>>

/**
 * `piazza doctor <url>`: what stands between a client and the hub. Gives the exit code: 0 nothing is wrong, 1 something
 * is, 2 nobody answers.
 */
export async function doctorCommand(
  args: readonly string[],
  env: Environment,
  print: (line: string) => void,
): Promise<number> {
  const examination = readOptions(args, env)
  let isWrong = false
  try {
    await examine(examination, (finding) => {
      isWrong ||= finding.verdict === 'wrong'
      print(lineOf(finding))
    })
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error
    const { origin } = examination.target.url
    print(`wrong  reach        nobody answers at ${origin}: ${error.message}`)
    return 2
  }
  return isWrong ? 1 : 0
}

function lineOf({ check, verdict, text, symptom }: Finding): string {
  const link = symptom === undefined ? '' : ` (docs/proxies.md#${symptom})`
  return `${verdict.padEnd(5)}  ${check.padEnd(11)}  ${text}${link}`
}

function readOptions(args: readonly string[], env: Environment): Examination {
  const { values, positionals } = parse(args)
  const [address, ...others] = positionals
  if (address === undefined || others.length > 0) {
    throw new WrongUsage('doctor: give one address, for example https://events.example.com')
  }
  const url = readUrl(address)
  const channel = values.channel ?? `doctor.${crypto.randomUUID()}`
  const publishKey = values['publish-key'] ?? env['DOCTOR_PUBLISH_KEY']
  const token = values.token ?? env['DOCTOR_TOKEN'] ?? publishKey
  const publishUrl = values['publish-url']
  if (publishUrl !== undefined && publishKey === undefined) {
    throw new WrongUsage('doctor: --publish-url needs a key: --publish-key or DOCTOR_PUBLISH_KEY')
  }
  const publisher = publishKey && {
    url: publishUrl === undefined ? url : readUrl(publishUrl),
    channel,
    token: publishKey,
  }
  return {
    target: { url, channel, token },
    publisher: publisher || undefined,
    idleMs: values.quick ? 0 : readWait(values.wait),
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    const [reason] = (error as Error).message.split('\n')
    throw new WrongUsage(`doctor: ${reason}: --help lists the options`)
  }
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  // a token may stand in the query: it is not said again
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '') {
    throw new WrongUsage(
      'doctor: an address is such as https://events.example.com, without channel and query',
    )
  }
  return url
}

function readWait(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined && ms > 0) return ms
  throw new WrongUsage(`doctor: --wait ${text} is not a duration such as 30s or 2m`)
}
