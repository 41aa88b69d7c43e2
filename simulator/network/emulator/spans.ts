/** Packets of certain times of certain devices: of connections that are being made, and of wake-ups. */
import type { Nanoseconds } from '../../core/clock.ts'
import { decodeDoubles } from '../../core/doubles.ts'
import type { Spans, SpanCounts } from '../link-protocol.ts'
import { UP } from './channel.ts'
import type { Connections } from './connections.ts'
import type { WireLog } from './log.ts'

interface Span {
  readonly from: Nanoseconds
  readonly to: Nanoseconds
}

/** Device -> its spans in order of time, from triples of device, from and to. */
const byDevice = (base64: string): Map<number, Span[]> => {
  const numbers = decodeDoubles(base64)
  const found = new Map<number, Span[]>()
  for (let i = 0; i + 2 < numbers.length; i += 3) {
    const device = numbers[i] as number
    const list = found.get(device) ?? []
    found.set(device, list)
    list.push({ from: numbers[i + 1] as number, to: numbers[i + 2] as number })
  }
  for (const list of found.values()) list.sort((a, b) => a.from - b.from)
  return found
}

const none = () => ({ up: { packets: 0, bytes: 0 }, down: { packets: 0, bytes: 0 } })

/**
 * Of connections: the packets of those that began in a span, until `roundTrip` after it, so that what closes the one before is not
 * among them. Of wake-ups: all packets of the device from the wake-up until its first delivery.
 */
export const countSpans = (
  log: WireLog,
  connections: Connections,
  spans: Spans,
  roundTrip: Nanoseconds,
  closing: Nanoseconds,
): SpanCounts => {
  const counts = { connects: none(), wakes: none() }
  if (spans.connects === '' && spans.wakes === '') return counts
  const ends = endsOf(connections, byDevice(spans.connects))
  const wakes = byDevice(spans.wakes)
  for (const row of log.rows()) {
    // Connections made last are closed within the round trip.
    if (row.time >= closing) break
    const direction = row.direction === UP ? 'up' : 'down'
    if (row.time < (ends[row.connection] ?? -Infinity) + roundTrip)
      add(counts.connects[direction], row.length)
    const own = wakes.get(row.device) ?? []
    while ((own[0]?.to ?? Infinity) < row.time) own.shift()
    if (row.time >= (own[0]?.from ?? Infinity)) add(counts.wakes[direction], row.length)
  }
  return counts
}

const add = (to: { packets: number; bytes: number }, length: number): void => {
  to.packets++
  to.bytes += length
}

/** For each connection when the span ends in which it began; -Infinity: in none. */
const endsOf = ({ devices, bornAt }: Connections, spans: Map<number, Span[]>): Float64Array =>
  Float64Array.from(bornAt, (born, i) => {
    const own = spans.get(devices[i] as number)
    return own?.findLast(({ from }) => from <= born)?.to ?? -Infinity
  })
