import { type Log } from '../../log/log.ts'
import { type Position } from '../../position.ts'

/** A channel this replica hears: its log here, and how far that can be trusted. */
export interface LocalChannel {
  readonly name: string
  readonly log: Log
  /**
   * `asked`: its SUBSCRIBE is not acknowledged; what comes is not counted on. `acknowledged`: it is heard, and its
   * baseline is being read. `ready`: everything later than the log's base is in the log, up to `through` (rule 4).
   */
  state: 'asked' | 'acknowledged' | 'ready'
  /** Rises with each SUBSCRIBE: only the last one's acknowledgement counts. */
  generation: number
  /** Nothing up to here is missing: the end of the log, or the clock of the last comparison or baseline if later. */
  through: Position
  /** A stream has it. */
  isHeld: boolean
  /** When the last stream left, ms. */
  releasedAtMs: number
}
