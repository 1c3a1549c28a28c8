export type Kind = 'token' | 'key' | 'password' | 'datum'

/** Logs of hubs must not have them. */
export function recordSecrets(kind: Kind, values: Iterable<string>): void

/** What a hub has logged. */
export function recordLog(text: string): void

/** The secrets among `PIAZZA_*` settings. */
export function recordSettings(settings: Readonly<Record<string, string | undefined>>): void
