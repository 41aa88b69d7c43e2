/**
 * One byte stream on which packets leave: the connection's own, or a lane of it. A large packet leaves in pieces, as the layer
 * below takes them, so that nobody holds all of it a second time; nothing else goes on its stream meanwhile.
 */
import type { Nanoseconds } from '../../core/clock.ts'
import type { Lower } from '../../core/layer.ts'

/** What of a payload goes down at a time: one TLS record (RFC 8446 section 5.1). */
export const PIECE = 16_384

export class Outlet {
  below!: Lower
  /** The layer below refused bytes; `ready` has not come yet. */
  #stopped = false
  /** The payload of a packet that is under way, and how much of it went down. */
  #payload: Uint8Array | null = null
  #at = 0
  /** Packets that must not be lost and that the layer below has not taken yet. */
  #owed: Uint8Array | null = null

  /** A packet can begin now. */
  get free(): boolean {
    return !this.#stopped && this.#payload === null
  }

  /** Bytes that wait. */
  get owes(): number {
    return this.#owed?.length ?? 0
  }

  /** Hands down a packet, or the beginning of one that `follow` ends. False: not now; `ready` of the layer above follows. */
  write(packet: Uint8Array, now: Nanoseconds): boolean {
    if (this.#payload !== null) return false
    if (this.below.fromAbove(packet, now)) return true
    this.#stopped = true
    return false
  }

  /** The rest of a packet: `payload` from `at` on, which must not change before it is through. */
  follow(payload: Uint8Array, at: number, now: Nanoseconds): void {
    this.#payload = payload
    this.#at = at
    this.#continue(now)
  }

  /** Sends a packet that must not be lost: one that cannot go now is kept, and goes with `ready`. True: sent. */
  control(packet: Uint8Array, now: Nanoseconds): boolean {
    if (this.free && this.write(packet, now)) return true
    const owed = new Uint8Array(this.owes + packet.length)
    if (this.#owed !== null) owed.set(this.#owed)
    owed.set(packet, this.owes)
    this.#owed = owed
    return false
  }

  /** The layer below takes bytes again. True: a packet can begin now. */
  ready(now: Nanoseconds): boolean {
    this.#stopped = false
    if (this.#payload !== null && !this.#continue(now)) return false
    const owed = this.#owed
    this.#owed = null
    return owed === null || this.control(owed, now)
  }

  /** True: the packet is through. */
  #continue(now: Nanoseconds): boolean {
    const payload = this.#payload as Uint8Array
    while (this.#at < payload.length) {
      const end = Math.min(payload.length, this.#at + PIECE)
      if (!this.below.fromAbove(payload.subarray(this.#at, end), now)) {
        this.#stopped = true
        return false
      }
      this.#at = end
    }
    this.#payload = null
    return true
  }
}
