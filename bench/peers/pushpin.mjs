import { withCommand, withFolder, writeConfig } from '../command.mjs'
import { freePort } from '../free-port.mjs'
import { withHub } from '../hub.mjs'
import { ZmtpPublisher } from '../load/zmtp-publisher.mjs'
import { onPath } from '../on-path.mjs'

/** What it is told to push, for its ZeroMQ socket: JSON behind a J. */
function item({ channel, data }) {
  const content = `data: ${data}\n\n`
  return `J${JSON.stringify({ channel, formats: { 'http-stream': { content } } })}`
}

/** A proxy that holds streams for an origin: each stream asks the origin once, then Pushpin pushes into it. */
export const pushpin = {
  name: 'pushpin',
  /** ZeroMQ's PUSH has none: a rate of publishing would be the kernel's. */
  hasAnswers: false,
  window: 64,
  /** A stream is answered before it is subscribed: after 3 s, 14 of 1000 missed the first messages. */
  settleMs: 6000,
  missing() {
    if (['pushpin', 'condure', 'zurl'].every((command) => onPath(command) !== undefined)) {
      return undefined
    }
    return 'no Pushpin: apt-get install pushpin (and stop the services: systemctl disable --now pushpin zurl)'
  },
  run: (use) =>
    withHub(
      (origin) =>
        withFolder(async (folder) => {
          const [port, push, sub, http, command] = await freePorts(5)
          const values = { PORT: port, PUSH: push, SUB: sub, HTTP: http, COMMAND: command }
          const write = (name) =>
            writeConfig(folder, name, {
              ...values,
              FOLDER: folder,
              ORIGIN: new URL(origin.url).host,
            })
          await write('pushpin.routes')
          const [config, zurlConfig] = [await write('pushpin.conf'), await write('zurl.conf')]
          return withCommand([onPath('zurl'), `--config=${zurlConfig}`], [], (zurl) =>
            withCommand([onPath('pushpin'), `--config=${config}`], [port, push], (hub) =>
              use({
                url: hub.url,
                push: `http://127.0.0.1:${push}`,
                cpuSeconds: () => hub.cpuSeconds() + zurl.cpuSeconds(),
                resident: () => hub.resident() + zurl.resident(),
              }),
            ),
          )
        }),
      { file: 'hubs/pushpin-origin.mjs' },
    ),
  pathOf: (channel) => `/channels/${channel}`,
  publisher: ({ push }) => new ZmtpPublisher(push, item),
}

async function freePorts(count) {
  const ports = []
  for (let i = 0; i < count; i += 1) ports.push(await freePort())
  return ports
}
