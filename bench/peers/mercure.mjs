import { withCommand, withFolder, writeConfig } from '../command.mjs'
import { freePort } from '../free-port.mjs'
import { Publisher, request } from '../load/publisher.mjs'
import { onPath } from '../on-path.mjs'
import { signToken } from './sign-token.mjs'

const SECRET = 'a-secret-of-the-bench-of-more-than-32-bytes'
const HEADERS = `Content-Type: application/x-www-form-urlencoded\r\nAuthorization: Bearer ${signToken(
  { mercure: { publish: ['*'] } },
  SECRET,
)}\r\n`

/** With its local transport, its fastest, it has no history, so nothing is resumed. */
export const mercure = {
  name: 'mercure',
  missing: () =>
    onPath('mercure') === undefined
      ? 'not on PATH (a binary is on the releases page of github.com/dunglas/mercure): left out'
      : undefined,
  run: (use) =>
    withFolder(async (folder) => {
      const port = await freePort()
      const values = { PORT: port, SECRET }
      const config = await writeConfig(folder, 'mercure.caddyfile', values)
      const command = [onPath('mercure'), 'run', '--adapter', 'caddyfile', '--config', config]
      return withCommand(command, [port], use)
    }),
  pathOf: (channel) => `/.well-known/mercure?topic=${channel}`,
  publisher: ({ url }) =>
    new Publisher(url, ({ channel, data }) =>
      request('/.well-known/mercure', `topic=${channel}&data=${data}`, HEADERS),
    ),
}
