// node bench/work/run.mjs WORK VARIANT PEER: one measurement, in a process of its own; tells its parent what came out.
import { pinLoad } from '../hub.mjs'
import { PEERS } from '../peers/all.mjs'
import { WORKS } from './all.mjs'

const [workName, variantName, peerName] = process.argv.slice(2)
const named = (list, wanted) => list.find(({ name }) => name === wanted)
const work = named(WORKS, workName)
const variant = named(work.variants, variantName)
const peer = named([...PEERS, ...(work.beside[variantName] ?? [])], peerName)

pinLoad()
let outcome
try {
  const measure = peer.measure?.bind(peer) ?? ((hub, how) => work.measure(peer, hub, how))
  const values = await peer.run((hub) => measure(hub, variant), work.options)
  outcome = { values }
} catch (error) {
  outcome = { failed: error.message }
}
// sockets of a measurement that failed may be open
process.send(outcome, () => process.exit())
