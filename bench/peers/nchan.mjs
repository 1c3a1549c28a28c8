import { existsSync } from 'node:fs'
import { withCommand, withFolder, writeConfig } from '../command.mjs'
import { freePort } from '../free-port.mjs'
import { Publisher, request } from '../load/publisher.mjs'
import { onPath } from '../on-path.mjs'

const MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so'

/** It keeps the last 100 messages of a channel and drops older ones, also for a stream that has not got them yet. */
export const nchan = {
  name: 'nchan',
  hasResume: true,
  /** Messages of a channel that not all streams have got: more than it keeps would be lost. */
  window: 64,
  missing() {
    if (onPath('nginx') !== undefined && existsSync(MODULE)) return undefined
    return 'no nginx with nchan: apt-get install nginx-light libnginx-mod-nchan (and stop the service: systemctl disable --now nginx)'
  },
  run: (use) =>
    withFolder(async (folder) => {
      const port = await freePort()
      const config = await writeConfig(folder, 'nchan.conf', { PORT: port, FOLDER: folder, MODULE })
      const command = [onPath('nginx'), '-e', 'stderr', '-p', folder, '-c', config]
      return withCommand(command, [port], use)
    }),
  pathOf: (channel) => `/sub/${channel}`,
  publisher: ({ url }) =>
    new Publisher(url, ({ channel, data }) => request(`/pub/${channel}`, data)),
}
