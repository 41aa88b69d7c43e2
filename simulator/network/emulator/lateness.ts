import { MILLISECOND, type Nanoseconds } from '../../core/clock.ts'

/** Sixteen buckets per power of two: a quantile is exact to 6 %. */
const PER_OCTAVE = 16
const OCTAVES = 40
const LATE: Nanoseconds = MILLISECOND

/** How late packets were handed on: hand-on minus due time; 0 for what went a grain of time early. */
export class Lateness {
  readonly #counts = new Float64Array(PER_OCTAVE * OCTAVES)
  #count = 0
  #max: Nanoseconds = 0
  /** Handed on more than 1 ms late. */
  late = 0

  add(difference: Nanoseconds): void {
    const late = Math.max(0, difference)
    const at = bucket(late)
    this.#counts[at] = (this.#counts[at] as number) + 1
    this.#count++
    if (late > this.#max) this.#max = late
    if (late > LATE) this.late++
  }

  /** How many were judged. */
  get count(): number {
    return this.#count
  }

  get max(): Nanoseconds {
    return this.#max
  }

  /** The middle of the bucket in which the fraction `q` of all packets is reached; 0 without packets. */
  quantile(q: number): Nanoseconds {
    let left = Math.ceil(q * this.#count)
    for (let at = 0; at < this.#counts.length; at++) {
      left -= this.#counts[at] as number
      if (left <= 0) return Math.min(this.#max, middle(at))
    }
    return this.#max
  }
}

/** Values below 16 ns have a bucket each; above, the octave and the four bits behind its leading one. */
const bucket = (value: Nanoseconds): number => {
  if (value < PER_OCTAVE) return Math.floor(value)
  const octave = Math.floor(Math.log2(value)) - 3
  const within = Math.floor((value / 2 ** (octave + 3) - 1) * PER_OCTAVE)
  return Math.min(octave, OCTAVES - 1) * PER_OCTAVE + within
}

const middle = (at: number): Nanoseconds => {
  if (at < PER_OCTAVE) return at
  const octave = Math.floor(at / PER_OCTAVE)
  return 2 ** (octave + 3) * (1 + ((at % PER_OCTAVE) + 0.5) / PER_OCTAVE)
}
