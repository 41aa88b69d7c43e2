import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, SECOND, type Nanoseconds } from '../../core/clock.ts'
import type { Loss as Asked } from '../../core/link-profile.ts'
import { channelOf } from './chance.cases.ts'
import { Loss } from './loss.ts'
import {
  assertChiSquare,
  assertWithin,
  correlation,
  deviationOfFraction,
  geometric,
} from './theory.cases.ts'

const PACKETS = 1e6
const LENGTH = 200
const DEVICES = 10

const lossOf = (loss: Asked, frame: number | null = null, seed = 11, devices = DEVICES): Loss =>
  new Loss(channelOf({ seed }, devices), { loss, frame })

/** The fates of `count` packets of a device, `gap` apart. */
const fates = (
  loss: Loss,
  device: number,
  count: number,
  gap: Nanoseconds,
  length = LENGTH,
): Uint8Array => Uint8Array.from({ length: count }, (_, i) => +loss.loses(device, i * gap, length))

const sum = (values: Uint8Array): number => values.reduce((a, b) => a + b, 0)

/** The fraction lost of `count` packets, `gap` apart, over all devices. */
const lostOf = (loss: Loss, count: number, gap: Nanoseconds, length = LENGTH): number => {
  let lost = 0
  for (let device = 0; device < DEVICES; device++) {
    lost += sum(fates(loss, device, count / DEVICES, gap, length))
  }
  return lost / count
}

/** Lengths of the runs of lost packets, and of those of others, without the first and the last, which are cut off. */
const runsOf = (values: Uint8Array): { readonly bad: number[]; readonly good: number[] } => {
  const runs: { bad: number[]; good: number[] } = { bad: [], good: [] }
  let since = -1
  for (let i = 1; i < values.length; i++) {
    if (values[i] === values[i - 1]) continue
    if (since >= 0) runs[values[i] === 1 ? 'good' : 'bad'].push(i - since)
    since = i
  }
  return runs
}

const classesOf = (lengths: readonly number[], classes: number): Float64Array => {
  const counts = new Float64Array(classes)
  for (const length of lengths) counts[Math.min(length, classes) - 1]! += 1
  return counts
}

/** The rates at which a two-state chain of mean loss L and mean bad time B leaves and enters the bad state. */
const ratesOf = (ratio: number, burst: number): { leave: number; enter: number } => ({
  leave: 1 / burst,
  enter: ratio / (burst * (1 - ratio)),
})

test('independent loss: of a million packets, as many are lost as asked for, and runs are geometric', () => {
  for (const ratio of [0.001, 0.05, 0.3]) {
    const lost = fates(lossOf({ kind: 'time', ratio, burst: 0 }), 0, PACKETS, 3 * MILLISECOND)
    assertWithin(sum(lost) / PACKETS, ratio, deviationOfFraction(ratio, PACKETS), `${ratio}`)
    if (ratio < 0.01) continue
    const { bad, good } = runsOf(lost)
    assertChiSquare(classesOf(bad, 4), geometric(1 - ratio, 3), `bad runs at ${ratio}`)
    assertChiSquare(classesOf(good, 20), geometric(ratio, 19), `good runs at ${ratio}`)
  }
})

test('bursts in packets: mean loss, and bad and good runs are geometric (netem: r = 1/B, p = L/(B(1 - L)))', () => {
  for (const [ratio, burst] of [
    [0.01, 3],
    [0.05, 4],
    [0.1, 8],
  ] as const) {
    const { leave, enter } = ratesOf(ratio, burst)
    const lost = fates(lossOf({ kind: 'packets', ratio, burst }), 0, PACKETS, MILLISECOND)
    const deviation = deviationOfFraction(ratio, PACKETS, 1 - leave - enter)
    assertWithin(sum(lost) / PACKETS, ratio, deviation, `${ratio} in bursts of ${burst}`)
    const { bad, good } = runsOf(lost)
    assertChiSquare(classesOf(bad, 12), geometric(leave, 11), `bad runs of ${burst}`)
    assertChiSquare(classesOf(good, 40), geometric(enter, 39), `good runs at ${ratio}`)
    assertUncorrelated(bad)
  }
})

test('bursts in time: mean loss, and bad and good periods are exponential', () => {
  const [ratio, burst, step] = [0.2, 50 * MILLISECOND, 0.4 * MILLISECOND]
  // Looked at in steps, it is a chain whose correlation from look to look is exp(-(a + b) step).
  const correlated = Math.exp(-step / (burst * (1 - ratio)))
  const lost = fates(lossOf({ kind: 'time', ratio, burst }), 0, PACKETS, step)
  const deviation = deviationOfFraction(ratio, PACKETS, correlated)
  assertWithin(sum(lost) / PACKETS, ratio, deviation, 'loss')
  const { bad, good } = runsOf(lost)
  for (const [lengths, mean, what] of [
    [bad, 1 - ratio, 'bad periods'],
    [good, ratio, 'good periods'],
  ] as const) {
    const ends = mean * (1 - correlated)
    const width = Math.round(0.25 / ends)
    const classes = lengths.map((looks) => Math.ceil(looks / width))
    assertChiSquare(classesOf(classes, 12), geometric(1 - (1 - ends) ** width, 11), what)
    assertUncorrelated(lengths)
  }
})

/** A run does not know how long the one before it was. */
const assertUncorrelated = (lengths: readonly number[]): void => {
  const found = correlation(lengths.slice(1), lengths.slice(0, -1))
  assertWithin(found, 0, 1 / Math.sqrt(lengths.length), 'correlation of successive runs')
}

/**
 * Whether loss is a function of time: at the instants at which two devices send of which one sends 100 times as much,
 * both have the same fate.
 */
const sharesFates = (loss: Asked): boolean => {
  const sparse = fates(lossOf(loss), 0, 1000, SECOND)
  const dense = fates(lossOf(loss), 0, 100_000, 10 * MILLISECOND)
  return sparse.every((fate, i) => fate === dense[i * 100])
}

/** The fraction of lost packets after which the packet 100 ms later is lost too. */
const lostAgain = (loss: Asked, gap: Nanoseconds): number => {
  const later = (100 * MILLISECOND) / gap
  const lost = fates(lossOf(loss), 0, 200_000, gap)
  const again = lost.filter((fate, i) => fate === 1 && i + later < lost.length && lost[i + later])
  return again.length / sum(lost)
}

const IN_TIME: Asked = { kind: 'time', ratio: 0.1, burst: 200 * MILLISECOND }
const IN_PACKETS: Asked = { kind: 'packets', ratio: 0.1, burst: 3 }

test('loss in time does not know how much is sent', () => {
  for (const loss of [{ kind: 'time', ratio: 0.1, burst: 0 } as const, IN_TIME]) {
    assert.ok(sharesFates(loss))
  }
  // exp(-(a + b) 100 ms) of the difference to the mean is left after 100 ms, at any rate. The deviation is that of 1 000
  // bad periods, which the denser traffic meets.
  const expected = 0.1 + 0.9 * Math.exp(-0.5 / 0.9)
  for (const gap of [10 * MILLISECOND, 100 * MILLISECOND]) {
    assertWithin(lostAgain(IN_TIME, gap), expected, 0.016, `every ${gap} ns`)
  }
})

test('the same test refuses a chain counted in packets', () => {
  assert.ok(!sharesFates(IN_PACKETS))
  const { leave, enter } = ratesOf(0.1, 3)
  for (const [gap, packets] of [
    [10 * MILLISECOND, 10],
    [100 * MILLISECOND, 1],
  ] as const) {
    const expected = 0.1 + 0.9 * (1 - leave - enter) ** packets
    assertWithin(lostAgain(IN_PACKETS, gap), expected, 0.006, `${packets} packets later`)
  }
})

test('the fraction lost is the same at 0.1 and at 1 000 packets per second', () => {
  for (const burst of [0, 200 * MILLISECOND]) {
    for (const [gap, count] of [
      [10 * SECOND, 100_000],
      [MILLISECOND, 400_000],
    ] as const) {
      const correlated = burst === 0 ? 0 : Math.exp(-gap / burst / 0.9)
      const found = lostOf(lossOf({ kind: 'time', ratio: 0.1, burst }), count, gap)
      assertWithin(found, 0.1, deviationOfFraction(0.1, count, correlated), `every ${gap} ns`)
    }
  }
})

test('a packet of several frames is lost with 1 - (1 - p)^frames', () => {
  const ratio = 0.02
  for (const [length, frames] of [
    [20, 1],
    [80, 1],
    [81, 2],
    [240, 3],
    [1280, 16],
  ] as const) {
    const loss = lossOf({ kind: 'time', ratio, burst: 0 }, 80)
    const expected = 1 - (1 - ratio) ** frames
    const found = lostOf(loss, 200_000, MILLISECOND, length)
    assertWithin(found, expected, deviationOfFraction(expected, 200_000), `${length} bytes`)
  }
})

test('a bad period loses packets of any number of frames', () => {
  const [one, many] = [40, 1500].map((length) =>
    fates(lossOf(IN_TIME, 80), 0, 10_000, MILLISECOND, length),
  )
  assert.deepEqual(one, many)
})

test('a list loses exactly its packets, of each device, counted from its first packet on', () => {
  const loss = lossOf({ kind: 'list', packets: [2, 3, 7] })
  for (const device of [0, 4]) {
    assert.deepEqual(
      [...fates(loss, device, 10, (1 + device) * SECOND)],
      [0, 1, 1, 0, 0, 0, 1, 0, 0, 0],
    )
  }
})

test('a link without loss loses nothing and one of ratio 1 loses all', () => {
  for (const asked of [
    { kind: 'time', burst: 0 },
    { kind: 'time', burst: 100 * MILLISECOND },
    { kind: 'packets', burst: 3 },
  ] as const) {
    assert.equal(lostOf(lossOf({ ...asked, ratio: 0 }), 1000, MILLISECOND), 0)
    assert.equal(lostOf(lossOf({ ...asked, ratio: 1 }), 1000, MILLISECOND), 1)
  }
})

test('loss can change for some devices, and afterwards they meet what they would have met without', () => {
  const [unchanged, changed] = [lossOf(IN_TIME), lossOf(IN_TIME)]
  const ask = (loss: Loss, device: number, from: number): boolean[] =>
    Array.from({ length: 1000 }, (_, i) => loss.loses(device, from + i * 5 * MILLISECOND, LENGTH))
  const all = { kind: 'time', ratio: 1, burst: 0 } as const
  changed.change(2, 4, all)
  for (const device of [1, 4]) assert.deepEqual(ask(changed, device, 0), ask(unchanged, device, 0))
  for (const device of [2, 3]) assert.ok(ask(changed, device, 0).every(Boolean))
  changed.change(2, 4, IN_TIME)
  const later = 10 * SECOND
  assert.deepEqual(ask(changed, 3, later), ask(unchanged, 3, later))
})
