import { expect, test } from 'vitest'
import { type Client } from './client.ts'
import { playCuts } from './cuts.ts'
import { playDrains } from './drains.ts'
import { playEnds } from './ends.ts'
import { measureTraits } from './measure-traits.ts'
import { playReplicaDrains } from './replica-drains.ts'
import { TEST_MS } from './stage.ts'
import { type ClientName, TRAITS } from './traits.ts'

/** What every client must be: exact, wherever its connections end. `client` is asked for when a test begins. */
export function playScenario(name: ClientName, client: () => Client): void {
  playCuts(client, TRAITS[name].tornBlock !== 'dropped, id kept')
  playEnds(client)
  playDrains(client)
  playReplicaDrains(client)

  test('does the rest as docs/clients.md says', { timeout: TEST_MS }, async () => {
    const { reconnects } = TRAITS[name] // what a test can't tell
    expect({ reconnects, ...(await measureTraits(client())) }).toEqual(TRAITS[name])
  })
}
