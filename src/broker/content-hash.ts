import { createHash } from 'node:crypto'
import { type PublishRequest } from './broker.ts'

/** Tells a repeated publication from another one under the same key. */
export function hashContent(request: PublishRequest): string {
  const { channels, event, retry, isEnd, data } = request
  return createHash('sha256')
    .update(JSON.stringify([channels.toSorted(), event, retry ?? null, isEnd]))
    .update(data, 'latin1')
    .digest('base64')
}
