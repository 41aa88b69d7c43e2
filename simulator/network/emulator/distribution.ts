import type { JitterDistribution } from '../../core/link-profile.ts'
import { normalAbove } from '../../core/normal.ts'

/** Normal values are cut at so many deviations, which takes 0.25 % of the deviation away. */
const CUT = 3

/** Pareto of exponent 3 from 1 on, cut at its 0.9999 quantile, and its mean and deviation with that cut. */
const RAREST = 1e-4
const LONGEST = RAREST ** (-1 / 3)
const PARETO_MEAN = 1.5 - LONGEST ** -2 / 2
const PARETO_DEVIATION = Math.sqrt(3 - 2 / LONGEST - PARETO_MEAN ** 2)

/** The value that has mean 0, deviation 1 and the distribution asked for, if `z` is standard normal: its quantile(Phi(z)). */
export const fromNormal = (distribution: JitterDistribution, z: number): number => {
  if (distribution === 'normal') return Math.max(-CUT, Math.min(CUT, z))
  const above = normalAbove(z)
  if (distribution === 'uniform') return Math.sqrt(3) * (1 - 2 * above)
  return (Math.max(RAREST, above) ** (-1 / 3) - PARETO_MEAN) / PARETO_DEVIATION
}
