import { withCommand, withFolder, writeConfig } from '../command.mjs'
import { freePort } from '../free-port.mjs'
import { jsonRequest, Publisher } from '../load/publisher.mjs'
import { onPath } from '../on-path.mjs'
import { signToken } from './sign-token.mjs'

const SECRET = 'a-secret-of-the-bench-of-more-than-32-bytes'

/**
 * Batches are its API's `batch`. A stream says by its token which channel it is on. It takes no `Last-Event-ID`; its own
 * recovery is not measured.
 */
export const centrifugo = {
  name: 'centrifugo',
  hasBatches: true,
  missing: () =>
    onPath('centrifugo') === undefined
      ? 'not on PATH (go install github.com/centrifugal/centrifugo/v6@v6.9.1): left out'
      : undefined,
  run: (use) =>
    withFolder(async (folder) => {
      const port = await freePort()
      const config = await writeConfig(folder, 'centrifugo.json', { SECRET })
      const setPort = ['env', `CENTRIFUGO_HTTP_SERVER_PORT=${port}`]
      const command = [...setPort, onPath('centrifugo'), `--config=${config}`]
      return withCommand(command, [port], use)
    }),
  pathOf(channel) {
    const connect = { token: signToken({ sub: 'bench', channels: [channel] }, SECRET) }
    return `/connection/uni_sse?cf_connect=${encodeURIComponent(JSON.stringify(connect))}`
  },
  publisher: ({ url }) => new Publisher(url, encode, (body) => !body.includes('"error"')),
}

function encode(body) {
  if (!Array.isArray(body)) return jsonRequest('/api/publish', body)
  const commands = body.map((publish) => ({ publish }))
  return jsonRequest('/api/batch', { commands })
}
