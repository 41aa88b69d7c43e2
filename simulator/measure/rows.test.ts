import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Measurement, Outcome } from '../core/types.ts'
import { attemptKey, finishedAttempts, parseRows } from './rows.ts'

const line = (cell: string, attempt: number, metric: string, outcome: Outcome): string =>
  JSON.stringify({ cell, attempt, metric, outcome, warnings: [] } satisfies Partial<Measurement>)

/** The lines of an attempt in the order in which they are written. */
const attempt = (cell: string, number = 1, outcome: Outcome = 'measured'): string[] =>
  ['latency.p50', 'delivery.ratio', 'outcome'].map((m) => line(cell, number, m, outcome))

const FILE = [...attempt('a', 1, 'invalid'), ...attempt('b'), ...attempt('a', 2)]
const TEXT = `${FILE.join('\n')}\n`

test('rows are read in their order', () => {
  assert.deepEqual(
    parseRows(TEXT, 'here').map((row) => JSON.stringify(row)),
    FILE,
  )
  assert.deepEqual(parseRows('', 'here'), [])
})

test('attempts have the outcome that their last line says', () => {
  assert.deepEqual(
    [...finishedAttempts(parseRows(TEXT, 'here'))],
    [
      ['a', 'invalid'],
      ['b', 'measured'],
      ['a.attempt2', 'measured'],
    ],
  )
  assert.equal(attemptKey('a', 2), 'a.attempt2')
})

test('wherever a kill cuts the file off, the attempts before are whole and the torn one is left out', () => {
  const ends = [3, 6, 9].map((lines) => FILE.slice(0, lines).join('\n').length)
  for (let length = 0; length <= TEXT.length; length++) {
    const rows = parseRows(TEXT.slice(0, length), 'here')
    const whole = ends.filter((end) => end <= length).length
    assert.equal(rows.length, 3 * whole, `cut off after ${length} characters`)
    assert.equal(finishedAttempts(rows).size, whole)
  }
})

test('a torn line that is not the last is an error, because no kill leaves one', () => {
  assert.throws(() => parseRows(TEXT.slice(5), 'here'), {
    code: 'TB_RESULTS_UNREADABLE',
    message: /line 1 of rows\.ndjson is not JSON/,
  })
})
