/**
 * Seeded randomness. Every random choice of a run comes from here, so that a seed fixes it.
 *
 * `hash` is a counter-based generator: the value at an index needs no state, so that two runs that ask in another
 * order, or skip values, still agree. Mixing: MurmurHash3's 32-bit body and finaliser (Appleby, public domain), one
 * round per word.
 */
const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by))

const finalise = (h: number): number => {
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

const absorb = (h: number, word: number): number => {
  const k = Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593)
  return (Math.imul(rotate(h ^ k, 13), 5) + 0xe6546b64) | 0
}

/** A 32-bit key made from any number of words (integers, taken modulo 2^32). */
export const key = (...words: readonly number[]): number => {
  let h = 0x9747b28c
  for (const word of words) h = absorb(h, word | 0)
  return finalise(h ^ (words.length << 2))
}

/** A 32-bit key from a name. */
export const keyOf = (name: string): number => {
  let h = 0x9747b28c
  for (let i = 0; i < name.length; i++) h = absorb(h, name.charCodeAt(i))
  return finalise(h ^ name.length)
}

/** The uniform value in [0, 1) with 53 bits that belongs to (key, a, b). No state, no allocation. */
export const uniformAt = (k: number, a: number, b = 0): number => {
  const h = absorb(absorb(k, a), b)
  const high = finalise(h ^ 8)
  const low = finalise(absorb(h, 0x5bd1e995) ^ 12)
  return ((high >>> 5) * 67108864 + (low >>> 6)) / 9007199254740992
}

/** The standard normal value that belongs to (key, a, b) (Box and Muller 1958). */
export const normalAt = (k: number, a: number, b = 0): number => {
  const u = 1 - uniformAt(k, a, b)
  const v = uniformAt(k ^ 0x3c6ef372, a, b)
  return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v)
}

/** A sequence of uniform values: for choices that are made in a fixed order. */
export class Random {
  #key: number
  #index = 0
  constructor(...words: readonly number[]) {
    this.#key = key(...words)
  }
  /** In [0, 1). */
  uniform(): number {
    return uniformAt(this.#key, this.#index++)
  }
  /** An integer in [0, below). */
  integer(below: number): number {
    return Math.floor(this.uniform() * below)
  }
  /** A copy in random order (Fisher and Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const out = items.slice()
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.integer(i + 1)
      const a = out[i] as T
      out[i] = out[j] as T
      out[j] = a
    }
    return out
  }
}
