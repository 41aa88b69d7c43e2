import assert from 'node:assert/strict'
import { test } from 'node:test'
import { climb, RATES, type Step } from './ramp.ts'

const GOOD: Step = {
  rate: 0,
  cpu: 10_000,
  errorP50: 50_000,
  errorP99: 400_000,
  unplannedDrops: 0,
  late: 0.001,
  offered: 1,
}

/** A machine that is well up to a rate, and then has a fault. */
const machine = (upTo: number, fault: Partial<Step>) => {
  const asked: number[] = []
  const measure = async (rate: number): Promise<Step> => {
    asked.push(rate)
    return { ...GOOD, rate, ...(rate > upTo ? fault : {}) }
  }
  return { asked, measure }
}

test('a machine without a fault is trusted to the end of the ramp', async () => {
  const { asked, measure } = machine(Infinity, {})
  const ramp = await climb(measure)
  assert.deepEqual(asked, RATES)
  assert.deepEqual([ramp.trusted, ramp.limit], [80_000, null])
  assert.equal(ramp.steps.length, RATES.length)
})

const FAULTS: readonly (readonly [Partial<Step>, RegExp])[] = [
  [{ unplannedDrops: 3 }, /at 10000 packets\/s, 3 packets were dropped/],
  [{ late: 0.02 }, /2\.0 % of packets were over 1 ms late/],
  [{ errorP50: 300_000 }, /half of the packets were over 300 us off/],
  [{ errorP50: -400_000 }, /over 400 us off/],
  [{ offered: 0.5 }, /the source could not send more/],
]
for (const [fault, said] of FAULTS)
  test(`a rate fails with ${JSON.stringify(fault)}, is tried once more, and ends the ramp`, async () => {
    const { asked, measure } = machine(5000, fault)
    const ramp = await climb(measure)
    assert.equal(ramp.trusted, 5000)
    assert.match(ramp.limit ?? '', said)
    assert.deepEqual(asked, [1000, 2500, 5000, 10_000, 10_000])
    assert.equal(ramp.steps.at(-1)?.rate, 10_000)
  })

test('a fault that comes once is forgiven', async () => {
  let failed = false
  const ramp = await climb(async (rate) => {
    const late = rate === 5000 && !failed ? 0.5 : 0
    failed ||= rate === 5000
    return { ...GOOD, rate, late }
  })
  assert.equal(ramp.trusted, 80_000)
  assert.equal(ramp.steps.find((step) => step.rate === 5000)?.late, 0)
})

test('a machine that fails at once is trusted with nothing', async () => {
  const { measure } = machine(0, { late: 1 })
  const ramp = await climb(measure)
  assert.deepEqual([ramp.trusted, ramp.steps.length], [0, 1])
})
