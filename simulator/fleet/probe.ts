/**
 * Probes: devices that echo bare UDP datagrams over links that only delay. What they measure beyond the delay is the
 * instrument's own error; no claim of a cell is smaller than it.
 */
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND, NEVER } from '../core/clock.ts'
import type { DatagramEndpoint, DatagramSocket, PeerKey } from '../core/endpoint.ts'
import type { Cause, Lower, Upper } from '../core/layer.ts'
import type { Timer } from '../io/reactor.ts'
import type { Histogram } from '../measure/histogram.ts'

/**
 * All probes of a cell together send so often: enough for a 90th percentile in seconds, and little beside the load. No
 * round number: probes in step with the link's clock would see one of its errors only.
 */
export const PROBE_SPACING = 20.255 * MILLISECOND
const SIZE = 16

export class Probe implements Upper, Timer {
  timerSlot = -1
  below!: Lower
  openedAt: Nanoseconds = NaN
  readonly #errors: Histogram
  readonly #roundTrip: Nanoseconds
  readonly #datagram = new Float64Array(SIZE / 8)
  readonly #bytes = new Uint8Array(this.#datagram.buffer)
  readonly #answer = new Float64Array(SIZE / 8)
  readonly #answerBytes = new Uint8Array(this.#answer.buffer)
  #due: Nanoseconds = NEVER
  #interval: Nanoseconds = NEVER
  #until: Nanoseconds = NEVER

  /** @param roundTrip what a perfect instrument would measure @param errors receives the difference between measured and perfect, either way */
  constructor(roundTrip: Nanoseconds, errors: Histogram) {
    this.#roundTrip = roundTrip
    this.#errors = errors
  }

  /** Sends at `from` and every `interval` after it, until `until`. */
  begin(from: Nanoseconds, interval: Nanoseconds, until: Nanoseconds): void {
    this.#interval = interval
    this.#due = from
    this.#until = until
  }

  open(now: Nanoseconds): void {
    this.openedAt = now
  }

  deadline(): Nanoseconds {
    return this.#due
  }

  expire(now: Nanoseconds): void {
    this.#datagram[0] = now
    this.below.fromAbove(this.#bytes, now)
    const due = this.#due + this.#interval
    this.#due = due < this.#until ? due : NEVER
  }

  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    if (bytes.length !== SIZE) return
    this.#answerBytes.set(bytes)
    this.#errors.record(Math.abs(now - (this.#answer[0] as number) - this.#roundTrip))
  }

  ready(): void {}

  closed(_cause: Cause): void {
    this.#due = NEVER
  }
}

/** Sends every datagram back (RFC 862). */
export class Echo implements DatagramEndpoint, Timer {
  timerSlot = -1
  below!: DatagramSocket
  fromPeer(peer: PeerKey, bytes: Uint8Array, now: Nanoseconds): void {
    this.below.toPeer(peer, bytes, now)
  }
  peerGone(): void {}
  deadline(): Nanoseconds {
    return NEVER
  }
  expire(): void {}
}
