import { test } from 'node:test'
import { MILLISECOND } from '../../core/clock.ts'
import { channelOf } from './chance.cases.ts'
import { Duplicate } from './duplicate.ts'
import { assertChiSquare, assertWithin, deviationOfFraction, geometric } from './theory.cases.ts'

test('as many packets are copied as asked for, each by itself', () => {
  const count = 1e6
  const duplicate = new Duplicate(channelOf({ seed: 19 }), 0.05)
  let copies = 0
  let run = 0
  const runs = new Float64Array(40)
  for (let i = 0; i < count; i++) {
    run++
    if (!duplicate.copies(0, i * 2 * MILLISECOND)) continue
    copies++
    runs[Math.min(run, 40) - 1]! += 1
    run = 0
  }
  assertWithin(copies / count, 0.05, deviationOfFraction(0.05, count), 'copied')
  assertChiSquare(runs, geometric(0.05, 39), 'packets from one that is copied to the next')
})
