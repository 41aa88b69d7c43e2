/**
 * Cuts a byte stream into control packets, whatever pieces it comes in. Packets that lie whole in one piece are handed
 * on in place; only a packet that is split over pieces is put together in a buffer of its own, which goes when it is complete.
 */
import type { Nanoseconds } from '../../core/clock.ts'
import { INCOMPLETE, MALFORMED, variableAt, variableSize } from './variable-integer.ts'
import { malformed, Violation } from './violation.ts'

export interface PacketHandler {
  /** No further packet is wanted. */
  readonly over: boolean
  /** One packet: its first byte, and its variable header and payload in `bytes` from `start` to `end`. Valid only during the call. */
  packet(first: number, bytes: Uint8Array, start: number, end: number, now: Nanoseconds): void
}

/** Reason code of MQTT 5: packet too large. */
const TOO_LARGE = 0x95

export class PacketReader {
  readonly #limit: number
  #carry: Uint8Array | null = null
  #held = 0

  /** @param limit largest packet that is taken, bytes: what a peer can make us keep */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** A packet has begun and is not complete. */
  get midPacket(): boolean {
    return this.#held > 0
  }

  /** Hands every packet that `bytes` completes to `to`. Throws a Violation where the length of a packet is malformed or over the limit. */
  read(bytes: Uint8Array, now: Nanoseconds, to: PacketHandler): void {
    let at = this.#held > 0 ? this.#complete(bytes, now, to) : 0
    while (at < bytes.length && !to.over) {
      const size = this.#sizeAt(bytes, at, bytes.length)
      if (size === INCOMPLETE || at + size > bytes.length) {
        this.#append(bytes, at, bytes.length)
        return
      }
      to.packet(bytes[at] as number, bytes, at + headerSize(size), at + size, now)
      at += size
    }
  }

  /** Adds to the packet that was split, and hands it on when that completes it. Returns how much of `bytes` went into it. */
  #complete(bytes: Uint8Array, now: Nanoseconds, to: PacketHandler): number {
    let at = 0
    let size = this.#sizeAt(this.#carry as Uint8Array, 0, this.#held)
    while (size === INCOMPLETE && at < bytes.length) {
      this.#append(bytes, at, at + 1)
      at++
      size = this.#sizeAt(this.#carry as Uint8Array, 0, this.#held)
    }
    if (size === INCOMPLETE) return at
    const end = Math.min(bytes.length, at + size - this.#held)
    this.#append(bytes, at, end)
    if (this.#held < size) return end
    const packet = this.#carry as Uint8Array
    this.#carry = null
    this.#held = 0
    to.packet(packet[0] as number, packet, headerSize(size), size, now)
    return end
  }

  /** The size of the packet that starts at `at`, or INCOMPLETE. */
  #sizeAt(bytes: Uint8Array, at: number, end: number): number {
    const remaining = variableAt(bytes, at + 1, end)
    if (remaining === INCOMPLETE) return INCOMPLETE
    if (remaining === MALFORMED)
      throw malformed(
        'a Remaining Length of more than 4 bytes, or longer than it must be',
        'MQTT 3.1.1 section 2.2.3, in MQTT 5 MQTT-1.5.5-1',
      )
    const size = 1 + variableSize(remaining) + remaining
    if (size > this.#limit)
      throw new Violation(
        `a packet of ${size} bytes; this client takes at most ${this.#limit}`,
        TOO_LARGE,
      )
    return size
  }

  /** Grows with what has come, not with what a length announces. */
  #append(bytes: Uint8Array, from: number, until: number): void {
    const held = this.#held + until - from
    if (this.#carry === null || this.#carry.length < held) {
      const grown = new Uint8Array(Math.max(32, 2 * held))
      if (this.#carry !== null) grown.set(this.#carry.subarray(0, this.#held))
      this.#carry = grown
    }
    for (let i = from, to = this.#held; i < until; i++, to++) this.#carry[to] = bytes[i] as number
    this.#held = held
  }
}

/** First byte and Remaining Length of a packet of `size` bytes. */
const headerSize = (size: number): number => {
  for (let digits = 1; digits < 4; digits++)
    if (variableSize(size - 1 - digits) === digits) return 1 + digits
  return 5
}
