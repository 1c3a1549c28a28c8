import { errors } from '../errors.ts'

/** Why a publication could not be stored, in the same words whatever the broker. */

export function channelEnded(channel: string) {
  const message = `channel "${channel}" has ended: publish to another name, or DELETE it first`
  return new errors.CHANNEL_ENDED(message)
}

export function channelDeleted(channel: string) {
  const message = `channel "${channel}" was deleted: its name is free again within a minute`
  return new errors.CHANNEL_DELETED(message)
}

export function keyReused() {
  const message =
    'this idempotency key was used for other content: take a new key for a new message'
  return new errors.IDEMPOTENCY_KEY_REUSED(message)
}
