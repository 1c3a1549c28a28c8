const UNKNOWN_HOST = 'that host name is not known: set PIAZZA_HOST to an address of this machine'

/** What a person who can't listen there can do about it. */
const ADVICE: ReadonlyMap<string | undefined, string> = new Map([
  [
    'EADDRINUSE',
    'the port is in use: stop what uses it, or set PIAZZA_PORT to another (0: any free one)',
  ],
  ['EACCES', 'no permission: set PIAZZA_PORT to 1024 or above, or allow the process to bind it'],
  [
    'EADDRNOTAVAIL',
    'this machine does not have that address: set PIAZZA_HOST to one it has, or 0.0.0.0',
  ],
  ['ENOTFOUND', UNKNOWN_HOST],
  ['EAI_AGAIN', UNKNOWN_HOST], // the name server can't be reached
])

/** One line on why the hub can't listen, and what to do. */
export function describeListenError(
  error: NodeJS.ErrnoException,
  { host, port }: { readonly host: string; readonly port: number },
): string {
  return `can't listen on ${host}:${port}: ${ADVICE.get(error.code) ?? error.message}`
}
