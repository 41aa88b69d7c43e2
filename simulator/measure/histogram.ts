/**
 * Nanoseconds from 0 to an hour in log-linear buckets, exact below 2 048 ns and within 1/1024 above (3 significant digits).
 *
 * The layout is HdrHistogram's for lowestDiscernibleValue 1, highestTrackableValue 3.6e12 and 3 significant digits, so that
 * `counts` of the JSON form can be given to any HdrHistogram at the same index:
 *
 *     value            bucket width   index
 *     0 .. 2047        1              value
 *     2^e .. 2^(e+1)   2^(e-10)       (e - 10) * 1024 + floor(value / 2^(e-10))      for e = 11 .. 41
 */
const SUB_BUCKETS = 2048
const HALF = 1024
const BUCKETS = 32
const LENGTH = (BUCKETS + 1) * HALF
/** A block is 2^6 neighbouring buckets. A quantile steps over blocks first: it would visit thousands of buckets otherwise. */
const BLOCK_BITS = 6
const BLOCKS = LENGTH >> BLOCK_BITS
const HIGHEST = 3.6e12

/** 2^-b: a multiplication instead of a division in the hot path, and exact. */
const INVERSE_WIDTH = Float64Array.from({ length: BUCKETS }, (_, bucket) => 2 ** -bucket)

/** The sparse form in histograms.json. `counts` holds index, count, index, count, ... for the buckets that are not empty. */
export interface HistogramJson {
  readonly schema: 1
  readonly unit: 'ns'
  readonly lowestDiscernibleValue: 1
  readonly highestTrackableValue: number
  readonly numberOfSignificantValueDigits: 3
  readonly count: number
  readonly sum: number
  readonly min: number | null
  readonly max: number | null
  readonly counts: readonly number[]
}

/** One step of an empirical distribution: `fraction` of all is at or below `value` ns. */
export interface EcdfPoint {
  readonly value: number
  readonly fraction: number
}

const indexOf = (value: number): number => {
  if (value < SUB_BUCKETS) return Math.floor(value)
  const high = Math.floor(value / 4294967296)
  const exponent = high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(value)
  const bucket = exponent - 10
  if (bucket >= BUCKETS) return LENGTH - 1
  return bucket * HALF + Math.floor(value * (INVERSE_WIDTH[bucket] as number))
}

/** The largest whole number of nanoseconds that falls into the bucket at `index`. */
const upperEquivalent = (index: number): number => {
  if (index < SUB_BUCKETS) return index
  const bucket = Math.floor(index / HALF) - 1
  return (index - bucket * HALF + 1) * 2 ** bucket - 1
}

/** The rank, from 1, of the observation at or below which at least `q` of `total` lie; the slack undoes 0.1 * 30 = 3.0000000000000004. */
const rankOf = (q: number, total: number): number =>
  Math.min(total, Math.max(1, Math.ceil(q * total * (1 - 1e-12))))

export class Histogram {
  readonly #counts = new Float64Array(LENGTH)
  /** Sums of `#counts` over each block. */
  readonly #blocks = new Float64Array(BLOCKS)
  #count = 0
  #sum = 0
  #min = Infinity
  #max = -Infinity

  /**
   * Counts one value in nanoseconds. Values beyond 73 minutes go to the last bucket; `max` and `mean` stay exact.
   * @throws RangeError for a negative value or NaN: one monotonic clock cannot give one.
   */
  record(value: number): void {
    if (!(value >= 0)) throw new RangeError(`a histogram takes nanoseconds from 0 up, not ${value}`)
    this.#add(indexOf(value), 1)
    this.#count++
    this.#sum += value
    if (value < this.#min) this.#min = value
    if (value > this.#max) this.#max = value
  }

  get count(): number {
    return this.#count
  }

  /** Forgets everything, in less time than a new histogram takes. */
  clear(): void {
    if (this.#count === 0) return
    const first = indexOf(this.#min)
    const last = indexOf(this.#max)
    this.#counts.fill(0, first, last + 1)
    this.#blocks.fill(0, first >> BLOCK_BITS, (last >> BLOCK_BITS) + 1)
    this.#count = 0
    this.#sum = 0
    this.#min = Infinity
    this.#max = -Infinity
  }

  /** The smallest value, exact; null when empty. */
  get min(): number | null {
    return this.#count === 0 ? null : this.#min
  }

  /** The largest value, exact; null when empty. */
  get max(): number | null {
    return this.#count === 0 ? null : this.#max
  }

  /** From the sum of the values as they were, not of the buckets; null when empty. */
  get mean(): number | null {
    return this.#count === 0 ? null : this.#sum / this.#count
  }

  /** Adds everything that `other` has counted. */
  merge(other: Histogram): this {
    for (let i = 0; i < LENGTH; i++) {
      const count = other.#counts[i] as number
      if (count > 0) this.#add(i, count)
    }
    this.#count += other.#count
    this.#sum += other.#sum
    this.#min = Math.min(this.#min, other.#min)
    this.#max = Math.max(this.#max, other.#max)
    return this
  }

  /**
   * The value at or below which at least `q` (0 to 1) of the counts lie: the upper end of the bucket that holds the
   * ceil(q * count)-th smallest value, never above the exact maximum; `quantile(0)` is the exact minimum. Null when empty.
   */
  quantile(q: number): number | null {
    return this.quantileWithLost(q, 0)
  }

  /** The quantile over the counts and `lost` more that are later than all of them; null when it falls among the lost. */
  quantileWithLost(q: number, lost: number): number | null {
    const total = this.#count + lost
    if (total === 0) return null
    const rank = rankOf(q, total)
    if (rank > this.#count) return null
    if (q <= 0) return this.#min
    if (rank === this.#count) return this.#max
    const blocks = this.#blocks
    const counts = this.#counts
    let left = rank
    let block = indexOf(this.#min) >> BLOCK_BITS
    for (let n; left > (n = blocks[block] as number); block++) left -= n
    let index = block << BLOCK_BITS
    for (let n; left > (n = counts[index] as number); index++) left -= n
    return this.#upper(index)
  }

  /** One point per bucket that is not empty, in order of value; with `lost` the last fraction stays below 1. */
  ecdf(lost = 0): EcdfPoint[] {
    const total = this.#count + lost
    const points: EcdfPoint[] = []
    let seen = 0
    for (let index = 0; seen < this.#count; index++) {
      const count = this.#counts[index] as number
      if (count === 0) continue
      seen += count
      points.push({ value: this.#upper(index), fraction: seen / total })
    }
    return points
  }

  toJSON(): HistogramJson {
    const counts: number[] = []
    for (let index = 0; index < LENGTH; index++) {
      const count = this.#counts[index] as number
      if (count > 0) counts.push(index, count)
    }
    return {
      schema: 1,
      unit: 'ns',
      lowestDiscernibleValue: 1,
      highestTrackableValue: HIGHEST,
      numberOfSignificantValueDigits: 3,
      count: this.#count,
      sum: this.#sum,
      min: this.min,
      max: this.max,
      counts,
    }
  }

  /** @throws RangeError when the JSON has another layout or its counts do not add up. */
  static fromJSON(json: HistogramJson): Histogram {
    if (json.schema !== 1 || json.highestTrackableValue !== HIGHEST)
      throw new RangeError('this histogram has another layout than schema 1')
    const histogram = new Histogram()
    for (let i = 0; i + 1 < json.counts.length; i += 2) {
      const index = json.counts[i] as number
      const count = json.counts[i + 1] as number
      if (!(Number.isInteger(index) && index >= 0 && index < LENGTH && count > 0))
        throw new RangeError(`a histogram has no bucket ${index} with ${count}`)
      histogram.#add(index, count)
      histogram.#count += count
    }
    if (histogram.#count !== json.count)
      throw new RangeError(`a histogram of ${json.count} holds ${histogram.#count}`)
    histogram.#sum = json.sum
    histogram.#min = json.min ?? Infinity
    histogram.#max = json.max ?? -Infinity
    return histogram
  }

  #add(index: number, count: number): void {
    this.#counts[index] = (this.#counts[index] as number) + count
    const block = index >> BLOCK_BITS
    this.#blocks[block] = (this.#blocks[block] as number) + count
  }

  #upper(index: number): number {
    return index === LENGTH - 1 ? this.#max : Math.min(upperEquivalent(index), this.#max)
  }
}
