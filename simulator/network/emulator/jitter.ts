import type { Nanoseconds } from '../../core/clock.ts'
import type { JitterDistribution } from '../../core/link-profile.ts'
import { normalAt } from '../../core/random.ts'
import { EXTRA_DELAY } from './channel.ts'
import { fromNormal } from './distribution.ts'
import { SLOT } from './slots.ts'

/**
 * Knots are at least so many deviations apart. Packets that keep their order cannot meet a delay that falls faster than
 * time passes: were it to do so often, the delay of dense traffic would be another than asked for, and longer. Normal and
 * uniform values then fall so in under 0.03 % of time, the longer ones of pareto in 0.2 %.
 */
const APART: Readonly<Record<JitterDistribution, number>> = { normal: 8, uniform: 8, pareto: 16 }

/**
 * Extra delay that varies continuously over time: at every instant it has exactly the distribution asked for. Between two
 * independent normal values a and b at its knots, (1 - x) a + x b has the variance (1 - x)^2 + x^2; divided by its root,
 * it is standard normal at every x, and its quantile is taken from there to the distribution (a Gaussian copula).
 */
export class Jitter {
  readonly #deviation: Nanoseconds
  readonly #distribution: JitterDistribution
  readonly #knots: Nanoseconds

  constructor(deviation: Nanoseconds, distribution: JitterDistribution) {
    this.#deviation = deviation
    this.#distribution = distribution
    this.#knots = SLOT * Math.max(1, Math.ceil((APART[distribution] * deviation) / SLOT))
  }

  /** At `time` since the epoch's origin. Positive or negative. */
  at(key: number, time: Nanoseconds): Nanoseconds {
    if (this.#deviation === 0) return 0
    const position = time / this.#knots
    const knot = Math.floor(position)
    const x = position - knot
    const before = normalAt(key ^ EXTRA_DELAY, knot)
    const after = normalAt(key ^ EXTRA_DELAY, knot + 1)
    const z = ((1 - x) * before + x * after) / Math.sqrt((1 - x) ** 2 + x ** 2)
    return this.#deviation * fromNormal(this.#distribution, z)
  }

  /** Of one packet by itself, whatever others have. */
  ofPacket(key: number, slot: number, number: number): Nanoseconds {
    if (this.#deviation === 0) return 0
    const z = normalAt(key ^ EXTRA_DELAY, slot, number)
    return this.#deviation * fromNormal(this.#distribution, z)
  }
}
