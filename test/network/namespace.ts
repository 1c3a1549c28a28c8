import { spawnSync } from 'node:child_process'
import { onTestFinished } from 'vitest'

/** Runs a command that changes this network namespace: its own, see script/test. */
export function change(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
}

/** Sets a kernel parameter until the test is over. */
export function setKernel(name: string, value: string): void {
  const { stdout } = spawnSync('sysctl', ['-n', name], { encoding: 'utf8' })
  onTestFinished(() => {
    change('sysctl', '-qw', `${name}=${stdout.trim().replaceAll('\t', ' ')}`)
  })
  change('sysctl', '-qw', `${name}=${value}`)
}

/** From now on no packet gets from or to this port: whoever is there has vanished. Until the test is over. */
export function unplug(port: number): void {
  for (const side of ['--dport', '--sport']) {
    const rule = ['INPUT', '-p', 'tcp', side, `${port}`, '-j', 'DROP']
    change('iptables', '-A', ...rule)
    onTestFinished(() => {
      change('iptables', '-D', ...rule)
    })
  }
}
