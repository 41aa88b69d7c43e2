import { NEVER, type Nanoseconds } from '../../core/clock.ts'

/**
 * Who is due next: a binary min-heap of small integers (each at most once) by time, and among those that are due at once by
 * their `order`: packets that come in one burst, and are delayed alike, go on as they came. The link keeps one entry for
 * each line of packets, namely for its first packet.
 */
export class Calendar {
  readonly #who: Int32Array
  readonly #due: Float64Array
  /** By who, because it is seldom asked for. */
  readonly #order: Float64Array
  #size = 0

  constructor(capacity: number) {
    this.#who = new Int32Array(capacity)
    this.#due = new Float64Array(capacity)
    this.#order = new Float64Array(capacity)
  }

  /** The earliest due time, or NEVER. */
  next(): Nanoseconds {
    return this.#size === 0 ? NEVER : (this.#due[0] as number)
  }

  /** Who is due at `next()`. */
  first(): number {
    return this.#who[0] as number
  }

  /** Somebody who has no entry. */
  add(who: number, due: Nanoseconds, order: number): void {
    this.#order[who] = order
    this.#rise(this.#size++, who, due)
  }

  /** Somebody who has an entry is due earlier. Looks for it from the earliest on: only who is overtaken comes to this. */
  advance(who: number, due: Nanoseconds, order: number): void {
    this.#order[who] = order
    this.#rise(this.#who.indexOf(who), who, due)
  }

  /** The first is due again, later. */
  postpone(due: Nanoseconds, order: number): void {
    const who = this.#who[0] as number
    this.#order[who] = order
    this.#sink(who, due)
  }

  removeFirst(): void {
    const last = --this.#size
    if (last > 0) this.#sink(this.#who[last] as number, this.#due[last] as number)
  }

  #rise(from: number, who: number, due: Nanoseconds): void {
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      const before = this.#due[parent] as number
      if (before < due || (before === due && !this.#precedes(who, parent))) break
      this.#move(parent, at)
      at = parent
    }
    this.#set(at, who, due)
  }

  /** Puts the entry where the first was, and lets it sink. */
  #sink(who: number, due: Nanoseconds): void {
    const dues = this.#due
    const size = this.#size
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      let first = dues[child] as number
      if (child + 1 < size) {
        const other = dues[child + 1] as number
        if (
          other < first ||
          (other === first && this.#precedes(this.#who[child + 1] as number, child))
        ) {
          child++
          first = other
        }
      }
      if (first > due || (first === due && this.#precedes(who, child))) break
      this.#move(child, at)
      at = child
    }
    this.#set(at, who, due)
  }

  /** Whether `who` goes before the entry, of two that are due at once. */
  #precedes(who: number, at: number): boolean {
    return (this.#order[who] as number) < (this.#order[this.#who[at] as number] as number)
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#who[from] as number, this.#due[from] as number)
  }

  #set(at: number, who: number, due: Nanoseconds): void {
    this.#who[at] = who
    this.#due[at] = due
  }
}
