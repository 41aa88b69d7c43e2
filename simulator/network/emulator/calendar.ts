import { NEVER, type Nanoseconds } from '../../core/clock.ts'

/**
 * Who is due next: a binary min-heap of small integers (each at most once) by time. The link keeps one entry for each
 * line of packets, namely for its first packet, so order inside a line does not hang on ties.
 */
export class Calendar {
  readonly #who: Int32Array
  readonly #due: Float64Array
  #size = 0

  constructor(capacity: number) {
    this.#who = new Int32Array(capacity)
    this.#due = new Float64Array(capacity)
  }

  /** The earliest due time, or NEVER. */
  next(): Nanoseconds {
    return this.#size === 0 ? NEVER : (this.#due[0] as number)
  }

  /** Who is due at `next()`. */
  first(): number {
    return this.#who[0] as number
  }

  add(who: number, due: Nanoseconds): void {
    let at = this.#size++
    while (at > 0) {
      const parent = (at - 1) >> 1
      if ((this.#due[parent] as number) <= due) break
      this.#move(parent, at)
      at = parent
    }
    this.#set(at, who, due)
  }

  /** The first is due again, later. */
  postpone(due: Nanoseconds): void {
    this.#sink(this.#who[0] as number, due)
  }

  removeFirst(): void {
    const last = --this.#size
    if (last > 0) this.#sink(this.#who[last] as number, this.#due[last] as number)
  }

  /** Puts the entry where the first was, and lets it sink. */
  #sink(who: number, due: Nanoseconds): void {
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= this.#size) break
      if (
        child + 1 < this.#size &&
        (this.#due[child + 1] as number) < (this.#due[child] as number)
      ) {
        child++
      }
      if ((this.#due[child] as number) >= due) break
      this.#move(child, at)
      at = child
    }
    this.#set(at, who, due)
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#who[from] as number, this.#due[from] as number)
  }

  #set(at: number, who: number, due: Nanoseconds): void {
    this.#who[at] = who
    this.#due[at] = due
  }
}
