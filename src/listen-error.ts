/** Where it should have listened, and the settings that said so. */
export interface Listening {
  readonly host: string
  readonly port: number
  readonly hostSetting: string
  readonly portSetting: string
}

/** What a person who can't listen there can do about it. */
const ADVICE: ReadonlyMap<string | undefined, (settings: Listening) => string> = new Map([
  [
    'EADDRINUSE',
    ({ portSetting }) =>
      `the port is in use: stop what uses it, or set ${portSetting} to another (0: any free one)`,
  ],
  [
    'EACCES',
    ({ portSetting }) =>
      `no permission: set ${portSetting} to 1024 or above, or allow the process to bind it`,
  ],
  [
    'EADDRNOTAVAIL',
    ({ hostSetting }) =>
      `this machine does not have that address: set ${hostSetting} to one it has, or 0.0.0.0`,
  ],
  ['ENOTFOUND', adviseKnownHost],
  ['EAI_AGAIN', adviseKnownHost], // the name server can't be reached
])

function adviseKnownHost({ hostSetting }: Listening): string {
  return `that host name is not known: set ${hostSetting} to an address of this machine`
}

/** One line on why the hub can't listen, and what to do. */
export function describeListenError(error: NodeJS.ErrnoException, listening: Listening): string {
  const { host, port } = listening
  const reason = ADVICE.get(error.code)?.(listening) ?? error.message
  return `can't listen on ${host}:${port}: ${reason}`
}
