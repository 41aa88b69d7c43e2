/**
 * Packet identifiers in flight, the message numbers they stand for, and what each waits for. Identifiers run through
 * 1..65535 and one that is in flight is not given again (MQTT 3.1.1 section 2.3.1, [MQTT-2.2.1-3]). The table is a ring of
 * typed cells that grows with what is in flight: an identifier lives in the cell of its low bits.
 */
const LARGEST_ID = 65_535
const SMALLEST_RING = 4
const LARGEST_RING = 65_536
/** A cell has the identifier in its low 16 bits, and above them what it waits for. */
const ID_BITS = 16

export class PacketIds {
  /** Identifier with what it waits for, and message number, of each cell; 0 is a free cell. */
  #cells = new Uint32Array(0)
  #next = 1
  #size = 0

  /** How many are in flight. */
  get size(): number {
    return this.#size
  }

  /** Takes an identifier for message `sequence` (0..2^32-1) that waits for `awaited` (1..65535). Throws RangeError when all are in flight. */
  take(sequence: number, awaited: number): number {
    if (this.#size === LARGEST_ID) throw new RangeError('all packet identifiers are in flight')
    // At most half full, so that a free cell is near; a ring of all identifiers needs no room to spare.
    if (4 * this.#size >= this.#cells.length && this.#cells.length < 2 * LARGEST_RING) this.#grow()
    const cells = this.#cells
    const mask = (cells.length >> 1) - 1
    let id = this.#next
    while (cells[(id & mask) << 1] !== 0) id = following(id)
    cells[(id & mask) << 1] = id + awaited * (LARGEST_ID + 1)
    cells[((id & mask) << 1) + 1] = sequence
    this.#next = following(id)
    this.#size++
    return id
  }

  /** What `id` waits for; 0 when it is not in flight. */
  awaited(id: number): number {
    const cell = this.#cellOf(id)
    return cell < 0 ? 0 : (this.#cells[cell] as number) >>> ID_BITS
  }

  /** From now on `id`, which is in flight, waits for `awaited`. */
  waitFor(id: number, awaited: number): void {
    this.#cells[this.#cellOf(id)] = id + awaited * (LARGEST_ID + 1)
  }

  /** Ends the flight of `id` and returns its message number, or -1 when it is not in flight. */
  release(id: number): number {
    const cell = this.#cellOf(id)
    if (cell < 0) return -1
    this.#cells[cell] = 0
    this.#size--
    return this.#cells[cell + 1] as number
  }

  /** Message number -> identifier of all that is in flight. */
  bySequence(): Map<number, number> {
    const found = new Map<number, number>()
    const cells = this.#cells
    for (let i = 0; i < cells.length; i += 2)
      if (cells[i] !== 0) found.set(cells[i + 1] as number, (cells[i] as number) & LARGEST_ID)
    return found
  }

  /** Nothing is in flight any more. */
  clear(): void {
    this.#cells.fill(0)
    this.#size = 0
  }

  /** Where `id` lives, or -1 when it is not in flight. */
  #cellOf(id: number): number {
    const cell = (id & ((this.#cells.length >> 1) - 1)) << 1
    return id !== 0 && ((this.#cells[cell] as number) & LARGEST_ID) === id ? cell : -1
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
