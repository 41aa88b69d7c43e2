import type { Nanoseconds } from '../../core/clock.ts'
import type { LinkAccount, WireCount, WirePhase } from '../link-protocol.ts'
import { UP } from './channel.ts'
import type { WireLog, WireRow } from './log.ts'

/** What divides a cell's time into phases. */
export interface PhasePlan {
  /** When each device was application ready; NaN: never. */
  readonly ready: Float64Array
  /** Added to `ready`: the server's last packets of connecting, and the device's answer to them, belong to it. */
  readonly roundTrip: Nanoseconds
  readonly t0: Nanoseconds
  readonly t1: Nanoseconds
  readonly closing: Nanoseconds
}

const emptyCount = (): WireCount => ({
  packets: 0,
  bytes: 0,
  deliveredPackets: 0,
  deliveredBytes: 0,
  ipHeader: 0,
  transportHeader: 0,
  transportPayload: 0,
  retransmittedPackets: 0,
  retransmittedBytes: 0,
})

/**
 * The phase of a packet: close from the close order on; else connect until the device is ready and one round trip more
 * (a device that never was ready only ever connects); else steady inside [t0, t1); else other.
 */
export const phaseOf = (time: Nanoseconds, device: number, plan: PhasePlan): WirePhase => {
  if (time >= plan.closing) return 'close'
  const ready = plan.ready[device] ?? NaN
  if (Number.isNaN(ready) || time < ready + plan.roundTrip) return 'connect'
  return time >= plan.t0 && time < plan.t1 ? 'steady' : 'other'
}

const count = (into: WireCount, row: Readonly<WireRow>): void => {
  into.packets++
  into.bytes += row.length
  if (row.delivered) {
    into.deliveredPackets++
    into.deliveredBytes += row.length
  }
  if (row.retransmitted) {
    into.retransmittedPackets++
    into.retransmittedBytes += row.length
    return
  }
  into.ipHeader += row.ipHeader
  into.transportHeader += row.transportHeader
  into.transportPayload += row.length - row.ipHeader - row.transportHeader
}

/** Sums the log by phase and direction. */
export const wireByPhase = (log: WireLog, plan: PhasePlan): LinkAccount['wire'] => {
  const both = (): { up: WireCount; down: WireCount } => ({ up: emptyCount(), down: emptyCount() })
  const wire = { connect: both(), steady: both(), close: both(), other: both() }
  for (const row of log.rows()) {
    const phase = wire[phaseOf(row.time, row.device, plan)]
    count(row.direction === UP ? phase.up : phase.down, row)
  }
  return wire
}
