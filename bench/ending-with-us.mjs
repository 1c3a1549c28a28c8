import { spawnSync } from 'node:child_process'

const TOGETHER = ['setpriv', '--pdeathsig', 'KILL']
const canEndTogether = spawnSync(TOGETHER[0], [...TOGETHER.slice(1), 'true']).status === 0

/** A command that the kernel ends with this process, however that ends; without `setpriv` it is left to whoever starts it. */
export function endingWithUs(command) {
  return canEndTogether ? [...TOGETHER, ...command] : command
}
