/** A TCP connection in memory: two ends, each the lowest Lower of a pile. */
import type { Cause, Traffic, Upper } from '../core/layer.ts'
import { PEER_CLOSED } from './causes.ts'
import { STALE, type VirtualTime } from './memory-network.ts'
import type { Port, Timer } from './reactor.ts'

/** Bytes on the way in one direction at most, as a socket's buffers would hold. */
const WINDOW = 256 * 1024
export const RESET: Cause = { code: 'reset', detail: 'the peer reset the connection' }

export class MemoryStream implements Port {
  readonly traffic: Traffic
  readonly #time: VirtualTime
  readonly #above: Upper
  readonly #owner: Timer
  /** The other end, once the connection stands. */
  #peer: MemoryStream | null = null
  #open = false
  #over = false
  #gone = false
  #onTheWay = 0
  #refused = false
  #paused = false
  /** What has arrived since it was paused. */
  readonly #held: (() => void)[] = []

  constructor(time: VirtualTime, above: Upper, owner: Timer, traffic: Traffic) {
    this.#time = time
    this.#above = above
    this.#owner = owner
    this.traffic = traffic
    above.below = this
  }

  get over(): boolean {
    return this.#over
  }

  /** The handshake is done, as seen from this end. */
  establish(): void {
    if (this.#over) return
    this.#open = true
    this.#above.open(this.#time.now())
    this.#time.deadlines.touch(this.#owner)
  }

  join(peer: MemoryStream): void {
    this.#peer = peer
    peer.#peer = this
  }

  fromAbove(bytes: Uint8Array): boolean {
    if (!this.#open || this.#over) return false
    if (this.#onTheWay > 0 && this.#onTheWay + bytes.length > WINDOW) {
      this.#refused = true
      return false
    }
    // Not `bytes.slice()`, which does not copy when the bytes are a Buffer.
    const copy = new Uint8Array(bytes)
    this.#onTheWay += copy.length
    this.traffic.sentBytes += copy.length
    this.traffic.sentCalls++
    const arrived = (): void => {
      // The acknowledgement goes back whether or not the other end still cares.
      if (this.#peer !== null) this.#peer.#deliver(copy)
      this.#time.across(() => this.#acknowledged(copy.length))
    }
    this.#time.across(() => this.#toPeer(arrived))
    return true
  }

  close(): void {
    if (this.#over) return
    this.#over = true
    this.resume()
    this.#time.across(() => this.#toPeer(() => this.#peer?.end(PEER_CLOSED)))
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    if (this.#held.length > 0) this.#time.soon(() => this.#catchUp())
  }

  #catchUp(): void {
    while (!this.#paused && this.#held.length > 0) this.#held.shift()?.()
  }

  /** This end is gone; the other end learns it when it sends. */
  vanish(): void {
    this.#over = true
    this.#gone = true
  }

  /** RST: the other end is told one delay later, this end at once by nobody. */
  reset(): void {
    if (this.#over) return
    this.#over = true
    this.#time.across(() => this.#peer?.end(RESET))
  }

  /** The connection is gone, and who uses this end is told. */
  end(cause: Cause): void {
    if (this.#over) return
    this.#over = true
    this.#above.closed(cause, this.#time.now())
    this.#time.deadlines.touch(this.#owner)
  }

  /** What happens there waits while the other end is paused. */
  #toPeer(event: () => void): void {
    const peer = this.#peer
    if (peer !== null && peer.#paused && !peer.#over) peer.#held.push(event)
    else event()
  }

  #deliver(bytes: Uint8Array): void {
    if (this.#gone) this.#time.across(() => this.#peer?.end(RESET))
    if (this.#over) return
    this.traffic.receivedBytes += bytes.length
    this.traffic.receivedCalls++
    this.#above.fromBelow(bytes, this.#time.now())
    bytes.fill(STALE)
    this.#time.deadlines.touch(this.#owner)
  }

  #acknowledged(length: number): void {
    this.#onTheWay -= length
    if (!this.#refused || this.#over) return
    this.#refused = false
    this.#above.ready(this.#time.now())
    this.#time.deadlines.touch(this.#owner)
  }
}
