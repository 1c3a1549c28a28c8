import type { TestHub } from '../support/hub.ts'
import { openStream, type RawStream } from '../support/raw-stream.ts'
import { waitFor } from '../support/wait.ts'

/** The data of everything stored in this channel, oldest first. */
export async function readStored(
  hub: TestHub,
  channel: string,
  headers: Record<string, string> = {},
): Promise<string[]> {
  const stream = await openStream(hub.port, `/channels/${channel}?since=all`, { headers })
  const seen = await readUpToMarker(hub, stream, channel, headers)
  stream.close()
  return seen
}

/** What this stream has got until now: a marker is sent after it, and waited for. */
export async function readUpToMarker(
  hub: TestHub,
  stream: RawStream,
  channel: string,
  headers: Record<string, string> = {},
): Promise<string[]> {
  const marker = `marker ${crypto.randomUUID()}`
  const { status, text } = await hub.publish({ channel, data: marker }, headers)
  if (status !== 201) throw new Error(`marker: ${status} ${text}`)
  const data = () => stream.messages.map((message) => message.data)
  await waitFor(`the marker on ${channel}`, () => data().includes(marker))
  return data()
    .slice(0, data().indexOf(marker))
    .filter((sent) => !sent.startsWith('marker '))
}

/** The blocks of a stream as they were written: what stands between blank lines. */
export function splitBlocks(stream: RawStream): string[] {
  return stream.body.split('\n\n').slice(0, -1)
}
