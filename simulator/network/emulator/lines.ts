import { NONE, type PacketPool } from './pool.ts'

/** The packets of each device that are inside one direction of the link, in their order: linked lists over the pool. */
export class Lines {
  readonly #pool: PacketPool
  readonly #head: Int32Array
  readonly #tail: Int32Array

  constructor(pool: PacketPool, links: number) {
    this.#pool = pool
    this.#head = new Int32Array(links).fill(NONE)
    this.#tail = new Int32Array(links).fill(NONE)
  }

  /** True when the packet is the only one of its line. */
  append(link: number, slot: number): boolean {
    const tail = this.#tail[link] as number
    this.#tail[link] = slot
    if (tail === NONE) {
      this.#head[link] = slot
      return true
    }
    this.#pool.next[tail] = slot
    return false
  }

  head(link: number): number {
    return this.#head[link] as number
  }

  /** Takes the head away and returns it. */
  shift(link: number): number {
    const slot = this.#head[link] as number
    const next = this.#pool.next[slot] as number
    this.#head[link] = next
    if (next === NONE) this.#tail[link] = NONE
    return slot
  }

  /** Packets of all lines, counted one by one: for checks, not for the path of a packet. */
  count(): number {
    let count = 0
    for (let slot of this.#head)
      for (; slot !== NONE; slot = this.#pool.next[slot] as number) count++
    return count
  }
}
