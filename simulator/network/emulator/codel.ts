import type { Nanoseconds } from '../../core/clock.ts'
import type { Codel } from '../../core/link-profile.ts'

/** A device's queue is not being thinned out; it is; it is, and its latest packet was dropped. */
const CALM = 0
const DROPPING = 1
const DROPPED = 2

/** After so many intervals the count of an earlier dropping state says nothing any more. */
const MEMORY = 16

/** CoDel (RFC 8289 section 5): which packets of a device's queue are dropped at its head, so that the others wait less. */
export class CodelLaw {
  readonly #target: Nanoseconds
  readonly #interval: Nanoseconds
  /** maxpacket: with no more bytes than this the queue cannot be shorter. */
  readonly #most: number
  /** When the sojourn time will have been above target for an interval; 0: it is not above. */
  readonly #firstAbove: Float64Array
  readonly #dropNext: Float64Array
  readonly #count: Int32Array
  readonly #lastCount: Int32Array
  readonly #state: Uint8Array

  constructor(codel: Codel, mtu: number, devices: number) {
    this.#target = codel.target
    this.#interval = codel.interval
    this.#most = mtu
    this.#firstAbove = new Float64Array(devices)
    this.#dropNext = new Float64Array(devices)
    this.#count = new Int32Array(devices)
    this.#lastCount = new Int32Array(devices)
    this.#state = new Uint8Array(devices)
  }

  /**
   * Whether the packet that came to the queue at `entered` and would leave it at `now` is dropped; `behind` are the bytes that still
   * wait. To be asked about the next packet at the same instant where this one is dropped.
   */
  drops(device: number, entered: Nanoseconds, now: Nanoseconds, behind: number): boolean {
    if (!this.#above(device, now - entered, now, behind)) {
      this.#state[device] = CALM
      return false
    }
    if (this.#state[device] === CALM) {
      this.#begin(device, now)
      return true
    }
    const count = this.#count[device] as number
    if (this.#state[device] === DROPPED)
      this.#dropNext[device] = this.#law(this.#dropNext[device] as number, count)
    if (now < (this.#dropNext[device] as number)) {
      this.#state[device] = DROPPING
      return false
    }
    this.#count[device] = count + 1
    this.#state[device] = DROPPED
    return true
  }

  /** The queue was found empty. */
  empty(device: number): void {
    this.#firstAbove[device] = 0
    this.#state[device] = CALM
  }

  /** ok_to_drop of the RFC's dodequeue(). */
  #above(device: number, sojourn: Nanoseconds, now: Nanoseconds, behind: number): boolean {
    if (sojourn < this.#target || behind <= this.#most) {
      this.#firstAbove[device] = 0
      return false
    }
    const first = this.#firstAbove[device] as number
    if (first !== 0) return now >= first
    this.#firstAbove[device] = now + this.#interval
    return false
  }

  /** If the queue was too long until recently, the rate of drops that helped then is a good start. */
  #begin(device: number, now: Nanoseconds): void {
    const delta = (this.#count[device] as number) - (this.#lastCount[device] as number)
    const recent = now - (this.#dropNext[device] as number) < MEMORY * this.#interval
    const count = delta > 1 && recent ? delta : 1
    this.#count[device] = count
    this.#lastCount[device] = count
    this.#dropNext[device] = this.#law(now, count)
    this.#state[device] = DROPPING
  }

  /** The more drops, the sooner the next: a TCP sender's rate falls with the square root of its loss. */
  #law(from: Nanoseconds, count: number): Nanoseconds {
    return from + this.#interval / Math.sqrt(count)
  }
}
