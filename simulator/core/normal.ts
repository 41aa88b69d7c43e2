/**
 * The probability that a standard normal value is above `z`: Hart 1968, algorithm 5666, as given by West, "Better
 * approximations to cumulative normal functions" (2005). Relative error under 1e-13 for |z| below 7.
 */
export const normalAbove = (z: number): number => {
  const x = Math.min(7, Math.abs(z))
  let above = 0.0352624965998911 * x + 0.700383064443688
  above = above * x + 6.37396220353165
  above = above * x + 33.912866078383
  above = above * x + 112.079291497871
  above = above * x + 221.213596169931
  above = above * x + 220.206867912376
  let below = 0.0883883476483184 * x + 1.75566716318264
  below = below * x + 16.064177579207
  below = below * x + 86.7807322029461
  below = below * x + 296.564248779674
  below = below * x + 637.333633378831
  below = below * x + 793.826512519948
  below = below * x + 440.413735824752
  const tail = (Math.exp((-x * x) / 2) * above) / below
  return z > 0 ? tail : 1 - tail
}
