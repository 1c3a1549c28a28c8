import { createMessage, type Message } from '../../src/log/message.ts'
import { type Position } from '../../src/position.ts'
import { toUtf8 } from '../../src/sse/utf8.ts'

interface MessageFields {
  readonly channels?: readonly string[]
  readonly data?: string
  readonly event?: string
  readonly isEnd?: boolean
  readonly isEphemeral?: boolean
}

/** A message at a position of the test's choice; the rest is what a publisher leaves out. */
export function messageAt(position: Position, fields: MessageFields = {}): Message {
  const { channels = ['a'], data = '', event = '', isEnd = false, isEphemeral = false } = fields
  const publication = {
    channels,
    event: toUtf8(event),
    retry: undefined,
    data: toUtf8(data),
    isEnd,
    isEphemeral,
  }
  return createMessage(publication, position)
}
