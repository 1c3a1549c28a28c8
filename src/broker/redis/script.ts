import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** A Lua script, with what stands before all of them. */
export interface Script {
  readonly name: ScriptName
  readonly source: string
  readonly sha: string
}

const NAMES = ['publish', 'delete', 'read', 'newest', 'floor', 'compare', 'inspect'] as const
export type ScriptName = (typeof NAMES)[number]

function readScript(name: string): string {
  return readFileSync(new URL(`scripts/${name}.lua`, import.meta.url), 'utf8')
}

const begin = readScript('begin')

/** By name. */
export const SCRIPTS = Object.fromEntries(
  NAMES.map((name) => {
    const source = `${begin}\n${readScript(name)}`
    return [name, { name, source, sha: createHash('sha1').update(source).digest('hex') }]
  }),
) as Readonly<Record<ScriptName, Script>>
