import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../core/types.ts'
import { groupOf, runOf } from './invented.cases.ts'
import { observe } from './rows.ts'

const outcomesOf = (...outcomes: Outcome[]) =>
  groupOf(
    runOf(
      outcomes.map((outcome, i) => ({
        stack: 'plain',
        repetition: i + 1,
        outcome,
        values: { 'latency.p50': i + 1 },
      })),
    ),
    'plain',
  )

test('half of the repetitions valid makes a group measured, and only they count', () => {
  const group = outcomesOf('measured', 'censored', 'measured', 'invalid')
  assert.equal(group.outcome, 'measured')
  assert.deepEqual(
    group.counted.map((cell) => cell.repetition),
    [1, 3],
  )
})

test('a group that is mostly something else is called that', () => {
  assert.equal(outcomesOf('measured', 'censored', 'censored').outcome, 'censored')
  assert.equal(outcomesOf('invalid', 'invalid', 'measured', 'failed', 'failed').outcome, 'invalid')
  assert.equal(outcomesOf('unsupported', 'unsupported').outcome, 'unsupported')
})

test('a censored group shows what it has, a failed one nothing', () => {
  assert.equal(outcomesOf('censored', 'measured', 'censored').counted.length, 3)
  assert.equal(outcomesOf('failed', 'failed', 'measured').counted.length, 0)
})

test('the valid second attempt replaces an invalid first one', () => {
  const run = runOf([
    { stack: 'plain', repetition: 1, outcome: 'invalid', values: { 'latency.p50': 99 } },
    { stack: 'plain', repetition: 1, attempt: 2, values: { 'latency.p50': 40 } },
  ])
  const group = groupOf(run, 'plain')
  assert.equal(group.cells.length, 1)
  assert.equal(group.outcome, 'measured')
  assert.equal(observe(group.counted, ['latency.p50'])[0]?.value, 40)
})

test('two invalid attempts leave the cell invalid', () => {
  const run = runOf([
    { stack: 'plain', repetition: 1, outcome: 'invalid' },
    { stack: 'plain', repetition: 1, attempt: 2, outcome: 'invalid' },
  ])
  assert.equal(groupOf(run, 'plain').outcome, 'invalid')
})

test('a sum needs all of its metrics, and one lost part loses the sum', () => {
  const run = runOf([
    { stack: 'plain', repetition: 1, values: { 'latency.p50': 1, 'latency.p90': 2 } },
    { stack: 'plain', repetition: 2, values: { 'latency.p50': 1 } },
    { stack: 'plain', repetition: 3, values: { 'latency.p50': 1, 'latency.p90': null } },
  ])
  const seen = observe(groupOf(run, 'plain').counted, ['latency.p50', 'latency.p90'])
  assert.deepEqual(
    seen.map(({ repetition, value, lost }) => ({ repetition, value, lost })),
    [
      { repetition: 1, value: 3, lost: false },
      { repetition: 3, value: null, lost: true },
    ],
  )
})

test('stacks keep the order of the scenario, whatever order they ran in', () => {
  const run = runOf([
    { stack: 'safe', repetition: 1 },
    { stack: 'plain', repetition: 1 },
  ])
  assert.deepEqual(
    run.conditions[0]?.groups.map((group) => group.stack),
    ['plain', 'safe'],
  )
})
