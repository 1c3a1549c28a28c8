import { type Logger, pino } from 'pino'
import { PinoPretty } from 'pino-pretty'

/** Nothing logs a request; should a library, the query stays out of it: it may hold a token. */
const serializers = {
  req: ({ method, url }: { readonly method?: string; readonly url?: string }) => ({
    method,
    path: url?.split('?', 1)[0],
  }),
}

/** JSON lines on stdout; on a terminal, lines for people. */
export function createLogger(level: string): Logger {
  const options = {
    level,
    base: null,
    serializers,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
  }
  if (!process.stdout.isTTY) return pino(options)
  return pino(options, PinoPretty({ translateTime: 'HH:MM:ss.l', sync: true }))
}
