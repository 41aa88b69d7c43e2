/** The slot that is none. */
export const NONE = -1

/** Where packets lie: native memory in a link, any bytes in a test. */
export interface Slab {
  readonly address: number
  readonly bytes: Uint8Array
}

/**
 * Packets in flight: each has a slot in the slab and a row in these arrays. Slots are given out last in, first out, so
 * that a lightly loaded link stays in the processor's cache.
 */
export class PacketPool {
  readonly slab: Slab
  readonly slots: number
  /** Bytes per slot. */
  readonly size: number
  readonly length: Uint16Array
  /** When the packet came to the queue (where that is asked for), when its last bit leaves the rate limiter, and when it is to go on. */
  readonly entered: Float64Array
  readonly departed: Float64Array
  readonly due: Float64Array
  /** The next packet of the line (lines.ts) in which the packet is, and of the queue. */
  readonly next: Int32Array
  readonly behind: Int32Array
  readonly device: Int32Array
  /** The how manieth packet it was that came to the link. */
  readonly order: Float64Array
  /** Its row in the wire log. */
  readonly row: Int32Array
  readonly #free: Int32Array
  #freeCount: number

  constructor(slab: Slab, slots: number, size: number) {
    this.slab = slab
    this.slots = slots
    this.size = size
    this.length = new Uint16Array(slots)
    this.entered = new Float64Array(slots)
    this.departed = new Float64Array(slots)
    this.due = new Float64Array(slots)
    this.next = new Int32Array(slots).fill(NONE)
    this.behind = new Int32Array(slots).fill(NONE)
    this.device = new Int32Array(slots)
    this.order = new Float64Array(slots)
    this.row = new Int32Array(slots)
    this.#free = Int32Array.from({ length: slots }, (_, i) => slots - 1 - i)
    this.#freeCount = slots
  }

  /** A slot, or NONE when all are in flight. */
  take(): number {
    return this.#freeCount === 0 ? NONE : (this.#free[--this.#freeCount] as number)
  }

  /** Another slot with the same packet, or NONE when all are in flight. */
  copy(slot: number): number {
    const copy = this.take()
    if (copy === NONE) return NONE
    const length = this.length[slot] as number
    const from = this.offset(slot)
    this.slab.bytes.copyWithin(this.offset(copy), from, from + length)
    this.length[copy] = length
    this.row[copy] = this.row[slot] as number
    this.order[copy] = this.order[slot] as number
    this.device[copy] = this.device[slot] as number
    return copy
  }

  give(slot: number): void {
    this.next[slot] = NONE
    this.#free[this.#freeCount++] = slot
  }

  get free(): number {
    return this.#freeCount
  }

  offset(slot: number): number {
    return slot * this.size
  }
}
