/** Of what the fleet and the consumer of a cell tell every two seconds, one event. */
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND, SECOND } from '../core/clock.ts'
import type { ConsumerProgress, FleetProgress, ReceiptProgress } from '../fleet/fleet-protocol.ts'
import type { Parties } from './parties.ts'
import type { CellProgress } from './progress.ts'

/** A count as a rate: how fast it grew between the last two times that it was told. */
class Rate {
  #at: Nanoseconds = NaN
  #count = 0
  /** Per second; null before the second time. */
  value: number | null = null

  count(count: number, at: Nanoseconds): void {
    if (at > this.#at) this.value = digits(((count - this.#count) * SECOND) / (at - this.#at))
    this.#at = at
    this.#count = count
  }
}

/** As many as anybody reads. */
const digits = (value: number): number => Math.round(value * 1000) / 1000

const milliseconds = (time: Nanoseconds | null): number | null =>
  time === null ? null : digits(time / MILLISECOND)

export class CellWatch {
  readonly #devices: number
  readonly #backend: boolean
  readonly #delivering = new Rate()
  readonly #acknowledging = new Rate()
  #consumer: ConsumerProgress | null = null
  #heard: ReceiptProgress | null = null

  /** @param backend whether anybody stands behind the server: otherwise nothing is known of deliveries */
  constructor(devices: number, backend: boolean) {
    this.#devices = devices
    this.#backend = backend
  }

  consumer(progress: ConsumerProgress): void {
    if (!this.#backend) return
    this.#consumer = progress
    this.#received(progress.heard, progress.at)
  }

  #received(heard: ReceiptProgress | null, at: Nanoseconds): void {
    if (heard === null) return
    this.#heard = heard
    this.#delivering.count(heard.received, at)
  }

  /** The fleet speaks after the consumer, so this is when the event is made. */
  fleet(progress: FleetProgress): CellProgress {
    this.#received(progress.heard, progress.at)
    // Either of them sends.
    const acknowledged = progress.acknowledged + (this.#consumer?.acknowledged ?? 0)
    this.#acknowledging.count(acknowledged, progress.at)
    return {
      event: 'progress',
      devices: this.#devices,
      connected: progress.connected,
      failed: progress.failed,
      connections_ended: progress.ended,
      messages_given_up: progress.givenUp + (this.#consumer?.givenUp ?? 0),
      delivered: this.#backend ? (this.#heard?.delivered ?? 0) : null,
      delivered_per_s: this.#delivering.value,
      latency_p99_ms: milliseconds(this.#heard?.latencyP99 ?? null),
      acknowledged,
      acknowledged_per_s: this.#acknowledging.value,
      ack_p99_ms: milliseconds(progress.ackP99),
    }
  }
}

/** Tells of the cell's progress from now on, for as long as its parties do. */
export const watchCell = (
  { fleet, consumer, product }: Parties,
  devices: number,
  tell: (progress: CellProgress) => void,
): void => {
  const watch = new CellWatch(devices, product.consumer !== 'none')
  consumer.listen('progress', (progress) => watch.consumer(progress))
  fleet.listen('progress', (progress) => tell(watch.fleet(progress)))
}
