import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MILLISECOND, SECOND } from '../../core/clock.ts'
import { Channel, DOWN, SLOT, UP } from './channel.ts'
import { channelDigest } from './digest.ts'
import { Loss } from './loss.ts'
import { shape } from './profile.cases.ts'
import { CONNECT, RUN, Epochs } from './epochs.ts'

const channel = (changes: Parameters<typeof shape>[0], seed = 7, devices = 4): Channel =>
  new Channel(seed, UP, RUN, devices, shape(changes))

const lossOf = (ratio: number, burst: number, devices: number): Loss => {
  const profile = shape({ loss: { kind: 'time', ratio, burst } })
  const both = [CONNECT, RUN] as const
  const [connect, run] = both.map((epoch) => new Channel(11, UP, epoch, devices, profile))
  const epochs = new Epochs()
  epochs.plan(0, 0)
  return new Loss([connect as Channel, run as Channel], epochs, devices)
}

/** Fraction lost of `count` packets, `gap` apart, over some devices. */
const lostFraction = (loss: Loss, count: number, gap: number, devices: number): number => {
  let lost = 0
  for (let device = 0; device < devices; device++) {
    for (let i = 0; i < count / devices; i++) if (loss.loses(device, i * gap)) lost++
  }
  return lost / count
}

test('one in twenty of a million packets is lost, within four binomial deviations', () => {
  const count = 1e6
  const fraction = lostFraction(lossOf(0.05, 0, 10), count, MILLISECOND, 10)
  const deviation = Math.sqrt((0.05 * 0.95) / count)
  assert.ok(Math.abs(fraction - 0.05) < 4 * deviation, `${fraction}`)
})

test('the loss fraction is the same at 0.1 and at 1 000 packets per second', () => {
  for (const gap of [10 * SECOND, MILLISECOND]) {
    const fraction = lostFraction(lossOf(0.1, 0, 10), 100_000, gap, 10)
    assert.ok(Math.abs(fraction - 0.1) < 4 * Math.sqrt(0.09 / 100_000), `${fraction} at ${gap} ns`)
  }
})

test('with bursts, the loss fraction is the same at 0.1 and at 1 000 packets per second', () => {
  // Packets 10 s apart are independent (bad periods last 200 ms), those 1 ms apart come in about 1/(2 x 180) of the number.
  const sparse = lostFraction(lossOf(0.1, 200 * MILLISECOND, 10), 100_000, 10 * SECOND, 10)
  assert.ok(Math.abs(sparse - 0.1) < 4 * Math.sqrt(0.09 / 100_000), `${sparse}`)
  const dense = lostFraction(lossOf(0.1, 200 * MILLISECOND, 100), 400_000, MILLISECOND, 100)
  assert.ok(Math.abs(dense - 0.1) < 4 * Math.sqrt((0.09 * 360) / 400_000), `${dense}`)
})

test('bad and good periods are exponential with the means asked for (chi-square over ten classes)', () => {
  const burst = 50 * MILLISECOND
  const ratio = 0.2
  const means = { bad: burst, good: (burst * (1 - ratio)) / ratio }
  const c = channel({ loss: { kind: 'time', ratio, burst } }, 5, 1)
  const step = 0.25 * MILLISECOND
  const classes = { bad: new Float64Array(10), good: new Float64Array(10) }
  let state = c.bad(0, 0)
  let since = NaN
  for (let time = 0; time < 400 * SECOND; time += step) {
    const now = c.bad(0, time)
    if (now === state) continue
    const name = state ? 'bad' : 'good'
    const decile = Math.floor(10 * (1 - Math.exp(-(time - since) / means[name])))
    if (!Number.isNaN(since)) classes[name][Math.min(9, decile)]! += 1
    state = now
    since = time
  }
  for (const counts of [classes.bad, classes.good]) {
    const expected = counts.reduce((a, b) => a + b, 0) / 10
    assert.ok(expected > 100)
    const chiSquare = counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)
    // Nine degrees of freedom: above 27.9 once in a thousand.
    assert.ok(chiSquare < 27.9, `${chiSquare}: ${counts.join(' ')}`)
  }
})

test('what a channel says does not depend on what it was asked before', () => {
  const loss = { kind: 'time' as const, ratio: 0.3, burst: 30 * MILLISECOND }
  const times = fc.array(fc.integer({ min: -2e9, max: 2e9 }), { minLength: 1, maxLength: 50 })
  fc.assert(
    fc.property(fc.integer(), times, (seed, asked) => {
      const one = channel({ loss, jitter: MILLISECOND }, seed)
      const other = channel({ loss, jitter: MILLISECOND }, seed)
      const forward = new Map(asked.map((t) => [t, `${one.bad(1, t)} ${one.extraDelay(1, t)}`]))
      for (const t of asked.toReversed()) {
        assert.equal(`${other.bad(1, t)} ${other.extraDelay(1, t)}`, forward.get(t))
      }
    }),
    { numRuns: 100 },
  )
})

test('devices, directions, epochs and seeds have channels of their own', () => {
  const values = new Set<number>()
  for (const seed of [1, 2]) {
    for (const direction of [UP, DOWN] as const) {
      for (const epoch of [CONNECT, RUN] as const) {
        const c = new Channel(seed, direction, epoch, 100, shape())
        for (let device = 0; device < 100; device++) values.add(c.uniform(device, 0, 0))
      }
    }
  }
  assert.equal(values.size, 800)
})

test('jitter has the asked deviation over time, no mean, and stays within three deviations', () => {
  const jitter = 5 * MILLISECOND
  const c = channel({ jitter }, 3, 10)
  let sum = 0
  let squares = 0
  const count = 200_000
  for (let i = 0; i < count; i++) {
    const value = c.extraDelay(i % 10, Math.floor(i / 10) * 3.7 * MILLISECOND)
    assert.ok(Math.abs(value) <= 3 * jitter)
    sum += value
    squares += value * value
  }
  // 74 000 knots: the deviation is known to 0.4 % (one sigma), and the cut takes 0.5 % away.
  assert.ok(Math.abs(Math.sqrt(squares / count) / jitter - 0.995) < 0.012)
  assert.ok(Math.abs(sum / count) < 0.02 * jitter)
})

test('extra delay runs in straight lines between the knots', () => {
  const c = channel({ jitter: MILLISECOND })
  const at = (time: number): number => c.extraDelay(2, time)
  const middle = (at(5 * SLOT) + at(6 * SLOT)) / 2
  assert.ok(Math.abs(at(5.5 * SLOT) - middle) < 1)
})

test('the digest is equal for an equal seed and different for another seed, profile or device count', () => {
  const digest = (seed: number, ratio: number, devices: number): string => {
    const profile = shape({ loss: { kind: 'time', ratio, burst: 0 }, jitter: MILLISECOND })
    const channels = ([UP, DOWN] as const).map((d) => new Channel(seed, d, RUN, devices, profile))
    return channelDigest(channels, devices, 2 * SECOND)
  }
  assert.equal(digest(1, 0.1, 3), digest(1, 0.1, 3))
  assert.match(digest(1, 0.1, 3), /^[0-9a-f]{64}$/)
  assert.equal(
    new Set([digest(1, 0.1, 3), digest(2, 0.1, 3), digest(1, 0.2, 3), digest(1, 0.1, 2)]).size,
    4,
  )
})

test('the digest differs between seeds even where the link loses and delays nothing', () => {
  const of = (seed: number): string => channelDigest([channel({}, seed)], 1, SECOND)
  assert.notEqual(of(1), of(2))
})

test('the measured window meets the same losses whenever it begins', () => {
  const profile = shape({ loss: { kind: 'time', ratio: 0.5, burst: 0 } })
  const fates = (connectAt: number, t0: number): boolean[] => {
    const channels = [CONNECT, RUN].map((e) => new Channel(9, UP, e as 0 | 1, 1, profile))
    const epochs = new Epochs()
    epochs.connect(connectAt)
    epochs.plan(t0 - SECOND, t0)
    const loss = new Loss(channels as [Channel, Channel], epochs, 1)
    // What is sent while connecting differs; it must not matter.
    for (let t = connectAt; t < t0 - SECOND; t += 7 * MILLISECOND) loss.loses(0, t)
    return Array.from({ length: 500 }, (_, i) => loss.loses(0, t0 - SECOND + i * 4 * MILLISECOND))
  }
  assert.deepEqual(fates(0, 3 * SECOND), fates(5 * SECOND, 60 * SECOND))
})

test('a link without loss loses nothing and one of ratio 1 loses all', () => {
  for (const burst of [0, 100 * MILLISECOND]) {
    assert.equal(lostFraction(lossOf(0, burst, 1), 1000, MILLISECOND, 1), 0)
    assert.equal(lostFraction(lossOf(1, burst, 1), 1000, MILLISECOND, 1), 1)
  }
})
