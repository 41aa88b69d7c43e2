/** Metrics of connections: making them, keeping them, and coming back to them. */
import { SECOND } from '../core/clock.ts'
import type { Stack } from '../core/types.ts'
import { formatQuantity } from '../core/units.ts'
import { Histogram } from '../measure/histogram.ts'
import { adapterOf } from '../protocols/index.ts'
import type { CellReports } from './cell-reports.ts'
import { reading, SESSIONS, seriesReadings, type Reading } from './reading.ts'

const DIRECTIONS = ['up', 'down'] as const

/** The connections that the workload asks for: intended = completed + failed + not started. */
export const connects = ({ fleet, window }: CellReports): Reading[] => {
  if (fleet.planned === null) return []
  const { intended: n, started, completed } = fleet.planned
  const rate = (count: number): number => (count * SECOND) / window
  return [
    reading('connects.offered', rate(n), n),
    reading('connects.completed', rate(completed), n),
    reading('connects.failed', started - completed, n),
    reading('connects.not_started', n - started, n),
  ]
}

/** Per connection that the workload asks for and that was completed; where devices stay, per device. */
export const connectWire = ({ cell, fleet, link }: CellReports): Reading[] => {
  const counts = fleet.planned === null ? link.wire.connect : link.spans.connects
  const n = fleet.planned?.completed ?? cell.devices
  return DIRECTIONS.flatMap((direction) => [
    reading(`wire.connect_bytes.${direction}`, counts[direction].bytes / n, n),
    reading(`wire.connect_packets.${direction}`, counts[direction].packets / n, n),
  ])
}

/** Over the ramp; where nothing but connections is made in the window, over the window. */
export const connectCosts = ({ cell, fleet, costs }: CellReports): Reading[] => {
  const alone = cell.workload.kind === 'connect' ? fleet.planned : null
  const n = alone?.completed ?? fleet.connected
  return (['broker', 'front_end', 'fleet'] as const).flatMap((process) => {
    const time = (alone === null ? costs.connectCpu : costs.cpu)[process]
    return time === null ? [] : [reading(`cpu.${process}_us_per_connect`, time / 1e3 / n, n)]
  })
}

/** After wake-ups: a first delivery that never came is later than all others. */
export const wakes = ({ fleet, consumer, link }: CellReports): Reading[] => {
  const found = (fleet.receipts ?? consumer)?.wakes
  if (!found) return []
  const { awaited, firstDelivery } = found
  const series = Histogram.fromJSON(firstDelivery)
  const n = series.count
  return [
    ...seriesReadings('wake.first_delivery', ['mean', 'p50', 'p99'], series, awaited - n),
    ...DIRECTIONS.map((direction) =>
      reading(`wire.wake_bytes.${direction}`, link.spans.wakes[direction].bytes / n, n),
    ),
  ]
}

const PERIODS = 3
const HOUR = 3600 * SECOND

/** The longest time after which a silent connection says something; 0: it never does. */
const keepAliveOf = ({ protocol, options, tcp }: Stack): number =>
  Math.max(adapterOf(protocol).keepAlive?.(options) ?? 0, tcp.keepalive ?? 0)

export const idle = ({ cell, window, fleet, link, costs }: CellReports): Reading[] => {
  if (cell.workload.kind !== 'idle') return []
  const n = fleet.connected
  const { up, down } = link.wire.steady
  const needed = PERIODS * keepAliveOf(cell.stack)
  const bytes = ((up.bytes + down.bytes) / n) * (HOUR / window)
  const short = `the window must hold ${PERIODS} keep-alive periods: ${formatQuantity(needed, 'duration')}`
  return [
    window < needed
      ? reading('wire.idle_bytes_per_hour', null, n, short)
      : reading('wire.idle_bytes_per_hour', bytes, n),
    ...Object.entries(costs.cpu).flatMap(([process, time]) =>
      time === null || n < SESSIONS
        ? []
        : [
            reading(
              `cpu.${process}_us_per_session_second`,
              (time / 1e3 / n) * (SECOND / window),
              n,
            ),
          ],
    ),
  ]
}
