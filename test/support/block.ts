import { onTestFinished } from 'vitest'

/** Keeps the event loop of this process busy. */
export function block(ms: number): void {
  const untilMs = performance.now() + ms
  while (performance.now() < untilMs);
}

/** Does so in every turn, until it is told to stop. */
export function keepBlocking(ms: number): () => void {
  const timer = setInterval(block, 1, ms)
  const stop = () => {
    clearInterval(timer)
  }
  onTestFinished(stop)
  return stop
}
