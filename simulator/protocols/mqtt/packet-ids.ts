/**
 * Packet identifiers in flight and the message numbers they stand for. Identifiers run through 1..65535 and one that is
 * in flight is not given again (MQTT 3.1.1 section 2.3.1, [MQTT-2.2.1-3]). The table is a ring of typed cells that grows with
 * what is in flight: an identifier lives in the cell of its low bits.
 */
const LARGEST_ID = 65_535
const SMALLEST_RING = 4
const LARGEST_RING = 65_536

export class PacketIds {
  /** Identifier and message number of each cell; identifier 0 is a free cell. */
  #cells = new Uint32Array(0)
  #next = 1
  #size = 0

  /** How many are in flight. */
  get size(): number {
    return this.#size
  }

  /** Takes an identifier for message `sequence` (0..2^32-1). Throws RangeError when all are in flight. */
  take(sequence: number): number {
    if (this.#size === LARGEST_ID) throw new RangeError('all packet identifiers are in flight')
    // At most half full, so that a free cell is near; a ring of all identifiers needs no room to spare.
    if (4 * this.#size >= this.#cells.length && this.#cells.length < 2 * LARGEST_RING) this.#grow()
    const cells = this.#cells
    const mask = (cells.length >> 1) - 1
    let id = this.#next
    while (cells[(id & mask) << 1] !== 0) id = following(id)
    cells[(id & mask) << 1] = id
    cells[((id & mask) << 1) + 1] = sequence
    this.#next = following(id)
    this.#size++
    return id
  }

  /** Ends the flight of `id` and returns its message number, or -1 when it is not in flight. */
  release(id: number): number {
    const cell = (id & ((this.#cells.length >> 1) - 1)) << 1
    if (id === 0 || this.#cells[cell] !== id) return -1
    this.#cells[cell] = 0
    this.#size--
    return this.#cells[cell + 1] as number
  }

  /** Two identifiers that differ in their low bits still differ in one bit more: nothing collides. */
  #grow(): void {
    const ring = Math.max(SMALLEST_RING, this.#cells.length)
    const grown = new Uint32Array(2 * ring)
    for (let i = 0; i < this.#cells.length; i += 2) {
      const id = this.#cells[i] as number
      if (id === 0) continue
      const cell = (id & (ring - 1)) << 1
      grown[cell] = id
      grown[cell + 1] = this.#cells[i + 1] as number
    }
    this.#cells = grown
  }
}

const following = (id: number): number => (id === LARGEST_ID ? 1 : id + 1)
