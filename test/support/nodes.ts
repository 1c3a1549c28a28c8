import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The versions of Node that the hub supports, each with the path of its binary (script/nodes/install). */
export const NODES = ['20', '22', '24', '26'].map((version) => {
  const node = fileURLToPath(new URL(`../../.cache/nodes/${version}`, import.meta.url))
  if (!existsSync(node)) throw new Error(`there is no Node ${version}: run script/nodes/install`)
  return [version, node] as const
})
