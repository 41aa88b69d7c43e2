/**
 * The messages of one device that were taken and not yet acknowledged, with the instant of their first transmission.
 * A ring indexed by message number: numbers rise, and acknowledgements come nearly in order.
 */
import type { Nanoseconds } from '../core/clock.ts'

const FREE = -1

export class Window {
  #sequence = new Int32Array(4).fill(FREE)
  #at = new Float64Array(4)
  size = 0

  /** Remembers the message; a second time for the same number changes nothing (the first transmission counts). */
  put(sequence: number, at: Nanoseconds): void {
    let slot = sequence & (this.#sequence.length - 1)
    while (this.#sequence[slot] !== FREE && this.#sequence[slot] !== sequence) {
      this.#grow()
      slot = sequence & (this.#sequence.length - 1)
    }
    if (this.#sequence[slot] === sequence) return
    this.#sequence[slot] = sequence
    this.#at[slot] = at
    this.size++
  }

  has(sequence: number): boolean {
    return this.#sequence[sequence & (this.#sequence.length - 1)] === sequence
  }

  /** Forgets the message and gives its instant; NaN when it is not here. */
  take(sequence: number): Nanoseconds {
    const slot = sequence & (this.#sequence.length - 1)
    if (this.#sequence[slot] !== sequence) return NaN
    this.#sequence[slot] = FREE
    this.size--
    return this.#at[slot] as number
  }

  /** The numbers in rising order. */
  sequences(): number[] {
    return Array.from(this.#sequence.filter((s) => s !== FREE)).sort((a, b) => a - b)
  }

  #grow(): void {
    const sequences = this.#sequence
    const at = this.#at
    this.#sequence = new Int32Array(sequences.length * 2).fill(FREE)
    this.#at = new Float64Array(sequences.length * 2)
    this.size = 0
    sequences.forEach((sequence, i) => {
      if (sequence !== FREE) this.put(sequence, at[i] as number)
    })
  }
}
