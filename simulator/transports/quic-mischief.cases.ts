/** What a stranger may send to the ends of a QUIC connection: for tests. */
import * as fc from 'fast-check'

/** What a stranger may make of a real datagram, or of nothing. */
export const mischief = fc.record({
  which: fc.nat(),
  cut: fc.nat(1300),
  flips: fc.array(fc.tuple(fc.nat(1300), fc.integer({ min: 1, max: 255 })), { maxLength: 8 }),
  noise: fc.option(fc.uint8Array({ maxLength: 1300 }), { freq: 4 }),
})
export type Mischief = typeof mischief extends fc.Arbitrary<infer T> ? T : never

export const forged = (
  real: readonly Uint8Array[],
  { which, cut, flips, noise }: Mischief,
): Uint8Array => {
  if (noise !== null) return new Uint8Array(noise)
  const source = real[which % real.length] ?? new Uint8Array(0)
  const bytes = source.slice(0, Math.max(1, cut))
  for (const [at, by] of flips) if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ by
  return bytes
}
