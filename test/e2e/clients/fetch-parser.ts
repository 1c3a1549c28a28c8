import { setTimeout as sleep } from 'node:timers/promises'
import { createParser } from 'eventsource-parser'
import { type Client, type Heard } from './client.ts'

/** `fetch` and eventsource-parser, with the loop that its users write. */
export const fetchParser: Client = {
  origin: undefined,
  follow: async (url) => {
    const heard: Heard[] = []
    const stopped = new AbortController()
    let isOver = false
    const following = followLoop(url, heard, stopped.signal).finally(() => {
      isOver = true
    })
    return {
      heard,
      get isOver() {
        return isOver
      },
      close: async () => {
        stopped.abort()
        await following
      },
    }
  },
}

async function followLoop(url: string, heard: Heard[], signal: AbortSignal): Promise<void> {
  let lastId = ''
  let retryMs = 2000
  const onRetry = (ms: number) => {
    retryMs = ms
  }
  while (!signal.aborted) {
    try {
      const headers: Record<string, string> = lastId === '' ? {} : { 'Last-Event-ID': lastId }
      const response = await fetch(url, { headers, signal })
      if (response.status === 204) return
      const parser = createParser({
        onRetry,
        onEvent: ({ event = 'message', data, id = lastId }) => {
          lastId = id
          heard.push({ event, data, id })
        },
      })
      if (response.ok) {
        const text = response.body!.pipeThrough(new TextDecoderStream())
        for await (const part of text) parser.feed(part)
      }
    } catch {
      // cut: what was unfinished is dropped, and asked for again
    }
    await sleep(retryMs, undefined, { signal }).catch(() => {})
  }
}
