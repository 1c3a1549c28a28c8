import { type Logger, pino } from 'pino'
import { PinoPretty } from 'pino-pretty'

/** JSON lines on stdout; on a terminal, lines for people. */
export function createLogger(level: string): Logger {
  const options = { level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"` }
  if (!process.stdout.isTTY) return pino(options)
  return pino(options, PinoPretty({ translateTime: 'HH:MM:ss.l', sync: true }))
}
