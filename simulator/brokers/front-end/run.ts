/** Packets that lie one behind the other and go the same way are handed on as one piece: one call of the kernel, one QUIC packet. */
import type { Nanoseconds } from '../../core/clock.ts'

export interface Sink {
  /** Takes all of `bytes`, which are valid only during the call. */
  send(bytes: Uint8Array, now: Nanoseconds): void
}

export class Run {
  #sink: Sink | null = null
  #bytes: Uint8Array | null = null
  #start = 0
  #end = 0

  /** The packet in `bytes` from `start` to `end` goes to `sink`. */
  add(sink: Sink, bytes: Uint8Array, start: number, end: number, now: Nanoseconds): void {
    if (this.#sink !== sink || this.#bytes !== bytes || this.#end !== start) {
      this.flush(now)
      this.#sink = sink
      this.#bytes = bytes
      this.#start = start
    }
    this.#end = end
  }

  /** Before the bytes of the packets that were added become invalid. */
  flush(now: Nanoseconds): void {
    const [sink, bytes] = [this.#sink, this.#bytes]
    this.#sink = null
    this.#bytes = null
    if (sink !== null && bytes !== null) sink.send(bytes.subarray(this.#start, this.#end), now)
  }
}
