import { type App, buildApp } from './app.ts'
import { describeUsage } from './config/help.ts'
import { doctorCommand } from './cli/doctor.ts'
import { tokenCommand } from './cli/token.ts'
import { WrongUsage } from './cli/wrong-usage.ts'
import { canPublish, isOpenMode } from './config/access-contradictions.ts'
import { readConfig } from './config/read-config.ts'
import { type Config } from './config/settings.ts'
import { describeTrustProxy } from './config/trust-proxy.ts'
import { describeListenError, type Listening } from './listen-error.ts'
import { createLogger } from './logger.ts'
import { VERSION } from './version.ts'

/** Connects that may wait while the event loop is busy: a deploy sends thousands at once. */
const LISTEN_BACKLOG = 4096

function fail(lines: readonly string[]): never {
  for (const line of lines) process.stderr.write(`piazza: ${line}\n`)
  process.exit(1)
}

function readSettings(): Config {
  const { config, problems, warnings } = readConfig(process.env)
  for (const warning of warnings) process.stderr.write(`piazza: warning: ${warning}\n`)
  return config ?? fail(problems)
}

async function serve(config: Config): Promise<void> {
  const logger = createLogger(config.PIAZZA_LOG_LEVEL)
  const nodeOptions = [process.env['NODE_OPTIONS'] ?? '', ...process.execArgv].join(' ')
  const app = await buildApp(config, logger, nodeOptions)
  // First, so that clients get in only where probes do.
  if (app.internalHttp !== undefined) {
    const { PIAZZA_INTERNAL_HOST: host, PIAZZA_INTERNAL_PORT: port = 0 } = config
    await listen(app.internalHttp, {
      host: host ?? config.PIAZZA_HOST,
      port,
      hostSetting: host === undefined ? 'PIAZZA_HOST' : 'PIAZZA_INTERNAL_HOST',
      portSetting: 'PIAZZA_INTERNAL_PORT',
    })
  }
  await listen(app.http, {
    host: config.PIAZZA_HOST,
    port: config.PIAZZA_PORT,
    hostSetting: 'PIAZZA_HOST',
    portSetting: 'PIAZZA_PORT',
  })
  stopOnSignals(app, config, logger)
  if (isOpenMode(config)) {
    logger.warn('no access configured: everything on this machine may publish and subscribe')
  } else if (!canPublish(config)) {
    logger.warn('nobody can publish: set PIAZZA_PUBLISH_KEYS')
  }
  logger.info(
    {
      version: VERSION,
      url: app.http.listeningOrigin,
      internalUrl: app.internalHttp?.listeningOrigin,
      maxStreams: app.maxStreams,
      broker: app.broker.name,
      clientAddress: describeTrustProxy(config.PIAZZA_TRUST_PROXY),
    },
    'started',
  )
}

async function listen(http: App['http'], listening: Listening): Promise<void> {
  const { host, port } = listening
  try {
    await http.listen({
      // Fastify would serve ::1 by a second server, which has neither our answers to bad bytes nor new certificates.
      host: host === 'localhost' ? '127.0.0.1' : host,
      port,
      backlog: LISTEN_BACKLOG,
      listenTextResolver: (address) => `listening at ${address}`,
    })
  } catch (error) {
    fail([describeListenError(error as NodeJS.ErrnoException, listening)])
  }
}

/** The first signal drains and exits 0; a second one ends at once with 1. */
function stopOnSignals(app: App, config: Config, logger: ReturnType<typeof createLogger>): void {
  let isStopping = false
  const stop = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(1)
    isStopping = true
    logger.info({ signal, streams: app.hub.streamCount }, 'draining')
    app.close(config.PIAZZA_DRAIN_TIME).then(
      () => {
        logger.info('stopped')
        process.exit(0)
      },
      (error: unknown) => {
        logger.error({ err: error }, 'could not stop cleanly')
        process.exit(1)
      },
    )
  }
  // In the place of what main.ts has. Never without a listener: a signal that came while everything was loaded in one
  // turn is still on its way (Node 22 and newer), and would be lost with the last one.
  for (const signal of ['SIGTERM', 'SIGINT']) {
    const former = process.listeners(signal as NodeJS.Signals)
    process.on(signal, stop)
    for (const listener of former) process.off(signal, listener)
  }
}

const print = (line: string) => {
  process.stdout.write(`${line}\n`)
}

async function runCommand(command: () => Promise<void>): Promise<void> {
  try {
    await command()
  } catch (error) {
    if (!(error instanceof WrongUsage)) throw error
    fail([error.message])
  }
}

const [option, ...others] = process.argv.slice(2)
if (option === '--help') process.stdout.write(describeUsage())
else if (option === '--version') process.stdout.write(`${VERSION}\n`)
else if (option === 'token') {
  await runCommand(async () => print(await tokenCommand(others, readSettings())))
} else if (option === 'doctor') {
  await runCommand(async () => {
    process.exitCode = await doctorCommand(others, process.env, print)
  })
} else if (option === '--check-config') {
  readSettings()
  process.stdout.write('piazza: the settings are valid\n')
} else if (option === undefined) await serve(readSettings())
else fail([`there is no option ${[option, ...others].join(' ')}: --help lists them`])
