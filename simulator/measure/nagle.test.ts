import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, SECOND } from '../core/clock.ts'
import { Random } from '../core/random.ts'
import { Histogram } from './histogram.ts'
import { DELAYED_ACK, describeNagle, findNagle, type Circumstances } from './nagle.ts'

const MS = MILLISECOND

const quiet = (roundTrip: number, interval: number): Circumstances => ({
  oneWay: roundTrip / 2,
  roundTrip,
  blur: 0,
  interval,
  retransmitted: 0,
})

/** One value per message; half a millisecond and a bit is what a broker takes. */
const histogram = (count: number, latency: (i: number) => number): Histogram => {
  const random = new Random(7, 1, 1)
  const filled = new Histogram()
  for (let i = 0; i < count; i++) filled.record(latency(i) + 0.5 * MS + random.uniform() * MS)
  return filled
}

/**
 * A sender with Nagle's algorithm in virtual time: what is due while a segment is unacknowledged goes with the
 * acknowledgement, which comes a round trip and `delayed` later.
 */
const held = (roundTrip: number, interval: number, delayed: number): Histogram => {
  let free = 0
  let holds = false
  return histogram(2000, (i) => {
    const due = i * interval
    if (holds && due >= free) {
      free += roundTrip + delayed
      holds = false
    }
    if (due >= free) {
      free = due + roundTrip + delayed
      return roundTrip / 2
    }
    holds = true
    return free - due + roundTrip / 2
  })
}

for (const [roundTrip, interval, delayed] of [
  [60, 10, 0.3],
  [60, 7, 40],
  [100, 33, 0],
  [20, 3, 25],
  [300, 50, 0.7],
] as const)
  test(`Nagle's algorithm at RTT ${roundTrip} ms, a message each ${interval} ms and acknowledgements delayed by ${delayed} ms is a ramp`, () => {
    const found = findNagle(
      held(roundTrip * MS, interval * MS, delayed * MS),
      quiet(roundTrip * MS, interval * MS),
    )
    assert.equal(found?.shape, 'ramp')
    assert.ok(
      Math.abs(found.beyond - delayed * MS) < 0.05 * roundTrip * MS + interval * MS,
      `${found.beyond / MS} ms`,
    )
    assert.ok(found.share > 0.6)
  })

for (const [roundTrip, delayed, share] of [
  [60, 40, 1],
  [60, 40, 0.3],
  [5, 38, 0.5],
  [250, 5, 0.2],
] as const)
  test(`a second write that waits RTT ${roundTrip} ms + ${delayed} ms in ${share * 100} % of the messages is a step`, () => {
    const latency = histogram(
      1000,
      (i) => (roundTrip / 2 + (i % 10 < share * 10 ? roundTrip + delayed : 0)) * MS,
    )
    const found = findNagle(latency, quiet(roundTrip * MS, SECOND))
    assert.equal(found?.shape, 'step')
    assert.ok(Math.abs(found.beyond - delayed * MS) < 2 * MS)
    assert.ok(Math.abs(found.share - share) < 0.01)
  })

/** Standard normal, by Box and Muller. */
const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform())

const RTT = 60 * MS
const others: Readonly<Record<string, (i: number, random: Random) => number>> = {
  'a link that only delays': () => 0,
  'a queue that fills and empties, up to 400 ms': (i) => ((i * 1.7) % 400) * MS,
  'a queue that fills and empties, up to 40 ms': (i) => ((i * 1.7) % 40) * MS,
  'a standing queue of 200 ms': () => 200 * MS,
  'normal jitter of 45 ms': (_, random) => Math.max(-30, 45 * normal(random)) * MS,
  'exponential delays of mean 40 ms': (_, random) => -40 * Math.log(1 - random.uniform()) * MS,
  'one message in ten lost and repeated after RTT + 200 ms': (_, random) =>
    random.uniform() < 0.1 ? RTT + 200 * MS : 0,
  'one message in fifty repeated after one RTT': (i) => (i % 50 === 0 ? RTT + 2 * MS : 0),
  'a step of 20 ms': (i) => (i % 3 === 0 ? 20 * MS : 0),
}
for (const [name, extra] of Object.entries(others))
  test(`${name} is not taken for Nagle's algorithm`, () => {
    const random = new Random(11, 1, 1)
    const latency = histogram(4000, (i) => RTT / 2 + extra(i, random))
    assert.equal(findNagle(latency, quiet(RTT, 100 * MS)), null)
  })

test('messages that wait behind lost segments are not taken for it', () => {
  // Of each 20 one is lost and repeated after a round trip, and 13 wait behind it, each 5 ms less than the one before.
  const latency = histogram(4000, (i) => RTT / 2 + Math.max(0, RTT + 8 * MS - (i % 20) * 5 * MS))
  const clean = quiet(RTT, 5 * MS)
  assert.equal(findNagle(latency, clean)?.shape, 'ramp')
  assert.equal(findNagle(latency, { ...clean, retransmitted: 0.05 }), null)
})

test('where the link spreads delays as much itself, nothing is said', () => {
  const latency = histogram(1000, (i) => RTT / 2 + (i % 2) * (RTT + DELAYED_ACK))
  assert.notEqual(findNagle(latency, quiet(RTT, SECOND)), null)
  assert.equal(findNagle(latency, { ...quiet(RTT, SECOND), blur: 40 * MS }), null)
})

test('from fewer than 100 messages nothing is said', () => {
  const of = (count: number): Histogram => histogram(count, () => 1.5 * RTT + DELAYED_ACK)
  assert.equal(findNagle(of(99), quiet(RTT, SECOND)), null)
  assert.notEqual(findNagle(of(100), quiet(RTT, SECOND)), null)
})

test('the sentence names the cause and the remedy', () => {
  const step = describeNagle('mqtt-tcp', { shape: 'step', beyond: 39.6 * MS, share: 0.5 })
  assert.match(
    step,
    /^latency of mqtt-tcp has a step at RTT \+ 40 ms \(50 % of the messages\): Nagle/,
  )
  assert.match(step, /set tcp\.nodelay: true$/)
  const ramp = describeNagle('mqtt-tcp', { shape: 'ramp', beyond: -1 * MS, share: 0.9 })
  assert.match(ramp, /^latency of mqtt-tcp is spread evenly up to RTT \+ 0 ms above/)
})
