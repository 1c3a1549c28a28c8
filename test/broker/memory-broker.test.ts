import { MemoryBroker } from '../../src/broker/memory/memory-broker.ts'
import { describeBroker } from './broker-contract.ts'

const TOTAL_BYTES = 256 * 1024 * 1024

describeBroker('the memory broker', (options) => {
  return new MemoryBroker({ ...options, totalBytes: TOTAL_BYTES })
})
