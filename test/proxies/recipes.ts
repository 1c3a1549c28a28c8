import { expect } from 'vitest'
import { readDocument } from '../docs/markdown.ts'
import { freePort } from '../support/free-port.ts'
import { startHaproxy, startNginx } from './proxy.ts'

/** Starts a proxy as docs/proxies.md has it, before the hubs at these ports; gives its own. */
export type StartRight = (hubs: Hubs, changes?: Changes) => Promise<number>

/** Ports of the two hubs that a recipe has. */
type Hubs = readonly [number, number]

export interface Changes {
  /** In place of the hour in which nothing passes. */
  readonly idleSeconds?: number
  /** It compresses what it may. */
  readonly compresses?: true
}

/** As many have it for the whole server: the recipe turns it off where streams are. */
const GZIP = 'gzip on; gzip_types *; gzip_min_length 0; gzip_proxied any;\n'
/** Of HAProxy, which leaves alone what has `no-transform`. */
export const COMPRESSION =
  '  compression algo gzip\n  compression type text/event-stream application/json\n'

export const startRightNginx: StartRight = async (hubs, { idleSeconds, compresses } = {}) => {
  const port = await freePort()
  let recipe = withHubs(readRecipe('nginx'), hubs)
  recipe = change(recipe, 'listen 80;', `listen 127.0.0.1:${port};`)
  if (idleSeconds !== undefined) {
    recipe = change(recipe, 'proxy_read_timeout 1h', `proxy_read_timeout ${idleSeconds}s`)
  }
  await startNginx((compresses ? GZIP : '') + recipe, port)
  return port
}

export const startRightHaproxy: StartRight = async (hubs, { idleSeconds, compresses } = {}) => {
  const port = await freePort()
  let recipe = withHubs(readRecipe('haproxy'), hubs)
  recipe = change(recipe, 'bind :80', `bind 127.0.0.1:${port}`)
  recipe = change(recipe, 'maxconn 20000', 'maxconn 100') // as many files as any machine gives
  if (idleSeconds !== undefined) {
    recipe = change(recipe, 'timeout client 1h', `timeout client ${idleSeconds}s`)
    recipe = change(recipe, 'timeout server 1h', `timeout server ${idleSeconds}s`)
  }
  if (compresses) recipe += COMPRESSION // of the backend, which stands last
  await startHaproxy(recipe, port)
  return port
}

/** What docs/proxies.md tells people to write. */
function readRecipe(language: 'nginx' | 'haproxy'): string {
  const fence = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'm')
  return fence.exec(readDocument('docs/proxies.md'))?.[1] ?? ''
}

function withHubs(recipe: string, hubs: Hubs): string {
  return hubs.reduce(
    (text, port, i) => change(text, `10.0.0.${i + 1}:8080`, `127.0.0.1:${port}`),
    recipe,
  )
}

/** What is changed must be there. */
function change(recipe: string, from: string, to: string): string {
  expect(recipe).toContain(from)
  return recipe.replaceAll(from, to)
}
