import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { GenericContainer, type StartedTestContainer } from 'testcontainers'
import { freePort } from './free-port.ts'
import { waitForRedis } from './redis-answers.ts'
import { type RedisServer } from './redis.ts'

const run = promisify(execFile)

/** In the container. */
const PORT = 6379

/** `redis-server` in a container, at a port of its own that outlives its restarts. */
export async function startRedisContainer(
  image: string,
  settings: readonly string[],
): Promise<RedisServer> {
  const port = await freePort()
  const container: StartedTestContainer = await new GenericContainer(image)
    .withCommand(['redis-server', '--save', '', ...settings])
    .withExposedPorts({ container: PORT, host: port })
    .start()
  const docker = (...args: readonly string[]) => run('docker', [...args, container.getId()])
  await waitForRedis(port)
  return {
    port,
    addressInDocker: `${container.getIpAddress('bridge')}:${PORT}`,
    kill: async () => {
      await docker('kill')
    },
    start: async () => {
      await docker('start')
      await waitForRedis(port)
    },
    removeData: async () => {
      await container.exec(['rm', '-rf', '/data/appendonlydir'])
    },
    hang: async () => {
      await docker('pause')
    },
    goOn: async () => {
      await docker('unpause')
    },
    remove: async () => {
      await container.stop()
    },
  }
}
