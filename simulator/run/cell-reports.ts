/** What the processes of a cell reported, put together. */
import type { Nanoseconds } from '../core/clock.ts'
import type { Cell } from '../core/types.ts'
import type { ConsumerReport, FleetReport } from '../fleet/fleet-protocol.ts'
import type { Accounts } from '../fleet/ledger.ts'
import type { LinkAccount } from '../network/link-protocol.ts'

/** CPU time of each process over the measured window, and over the ramp, ns; memory in bytes. */
export interface Costs {
  readonly cpu: Readonly<
    Record<'broker' | 'front_end' | 'consumer' | 'fleet' | 'link' | 'total', number | null>
  >
  readonly connectCpu: Readonly<Record<'broker' | 'front_end' | 'fleet', number | null>>
  readonly memory: Readonly<Record<'broker' | 'front_end' | 'fleet' | 'kernel', number | null>>
}

export interface CellReports {
  readonly cell: Cell
  /** Length of the measured window. */
  readonly window: Nanoseconds
  readonly fleet: FleetReport
  /** Null where no consumer stands behind the server. */
  readonly consumer: ConsumerReport | null
  readonly link: LinkAccount
  readonly accounts: Accounts
  readonly costs: Costs
  /** Share of each processor that was busy in the window. */
  readonly busy: readonly number[]
}
