import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normalAt, Random } from '../../core/random.ts'
import type { Passage } from './instrument.ts'
import type { Row } from './row.ts'
import { DEVICES, link, passage, verdicts } from './rows.cases.ts'
import { sparseRows } from './sparse-rows.ts'

test('delay: serialisation is part of what is asked; 0.3 ms at the median and 1 ms at the tail are allowed', () => {
  const profile = link({ delay: 20e6, rate: 1e6 })
  const rows = sparseRows(
    profile,
    'up',
    passage(() => 20.8e6 + 0.2e6),
  )
  assert.deepEqual(verdicts(rows), { 'delay mean': true, 'delay p50': true, 'delay p99': true, loss: true }) // prettier-ignore
  assert.equal(rows[0]?.asked, 20.8)
  assert.equal(rows[0]?.measured, 21)
  const slow = sparseRows(
    profile,
    'up',
    passage(() => 20.8e6 + 0.4e6),
  )
  assert.deepEqual([slow[1]?.ok, slow[2]?.ok], [false, true])
  const tail = sparseRows(
    profile,
    'up',
    passage((i) => 20.8e6 + (i % 50 === 0 ? 2e6 : 0)),
  )
  assert.deepEqual([tail[1]?.ok, tail[2]?.ok], [true, false])
})

test('jitter: quantiles of the distribution asked for pass, those of another fail', () => {
  const profile = link({ delay: 50e6, jitter: 10e6 })
  const normal = sparseRows(
    profile,
    'up',
    passage((i) => 50e6 + 10e6 * normalAt(5, i)),
  )
  assert.deepEqual(verdicts(normal), { 'delay p5': true, 'delay p50': true, 'delay p95': true, loss: true }) // prettier-ignore
  assert.ok(Math.abs((normal[2]?.asked ?? 0) - 66.4485) < 1e-3)
  const random = new Random(5)
  const uniform = passage(() => 50e6 + 10e6 * Math.sqrt(3) * (2 * random.uniform() - 1))
  // At 5 % and 95 % the two distributions are 0.9 ms apart.
  assert.equal(
    sparseRows(profile, 'up', uniform).every(({ ok }) => ok),
    false,
  )
  assert.ok(sparseRows(link({ delay: 50e6, jitter: 10e6, distribution: 'uniform' }), 'up', uniform).every(({ ok }) => ok)) // prettier-ignore
  const wide = sparseRows(
    profile,
    'up',
    passage((i) => 50e6 + 15e6 * normalAt(5, i)),
  )
  assert.deepEqual([wide[0]?.ok, wide[1]?.ok, wide[2]?.ok], [false, true, false])
})

test('loss: what chance allows passes; of a link that asks for none, one lost packet is too many', () => {
  const random = new Random(11)
  const lossy = passage(() => (random.uniform() < 0.05 ? NaN : 1e6))
  const loss = (ratio: number, seen: Passage): Row =>
    sparseRows(link({ delay: 1e6, loss: { kind: 'time', ratio, burst: 0 } }), 'up', seen).find(({ quantity }) => quantity === 'loss') as Row // prettier-ignore
  const row = loss(0.05, lossy)
  assert.equal(row.ok, true)
  assert.ok((row.interval?.low ?? 9) < 5 && (row.interval?.high ?? 0) > 5)
  assert.equal(loss(0.08, lossy).ok, false)
  const one = passage((i) => (i === 7 ? NaN : 1e6))
  assert.equal(loss(0, one).ok, false)
  assert.equal(
    loss(
      0,
      passage(() => 1e6),
    ).ok,
    true,
  )
})

test('loss in bursts: packets of a device that share their fate count as less', () => {
  // A tenth of the devices loses everything: 10 %, but only 200 independent fates.
  const seen = passage((i) => (i % DEVICES < 20 ? NaN : 1e6))
  const shape = { delay: 1e6, loss: { kind: 'time', ratio: 0.15, burst: 5e9 } } as const
  const row = sparseRows(link(shape), 'up', seen).at(-1) as Row
  assert.equal(row.ok, true)
  assert.ok((row.interval?.high ?? 0) > 14, String(row.interval?.high))
})

test('a frame that is lost takes its packet with it, and so does a flipped bit', () => {
  const shape = { loss: { kind: 'time', ratio: 0.1, burst: 0 }, frame: 40, corrupt: 0.1 } as const
  const row = sparseRows(
    link(shape),
    'up',
    passage(() => 0),
  ).at(-1) as Row
  assert.ok(Math.abs(row.asked - 100 * (1 - 0.9 ** 4)) < 1e-9)
})

test('duplicates are counted against the packets that arrived', () => {
  const seen = { ...passage(() => 0), duplicates: 40 }
  const rows = sparseRows(link({ duplicate: 0.01 }), 'up', seen)
  assert.equal(verdicts(rows).duplicates, true)
  const none = sparseRows(
    link({ duplicate: 0.01 }),
    'up',
    passage(() => 0),
  )
  assert.equal(verdicts(none).duplicates, false)
})
