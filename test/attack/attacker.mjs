// Run by attack.ts: `node attacker.mjs NAME URL SECONDS`. Attacks for so long, and sends its parent what it saw.
import os from 'node:os'
import { attacks } from './attacks.mjs'

// It comes from elsewhere, and takes no processor from the hub.
os.setPriority(os.constants.priority.PRIORITY_LOW)
const [name, url, seconds] = process.argv.slice(2)
const seen = await attacks[name](new URL(url), performance.now() + Number(seconds) * 1000)
process.send(seen, () => process.exit())
