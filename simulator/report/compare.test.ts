import assert from 'node:assert/strict'
import { test } from 'node:test'
import { comparePaired, droppedWords } from './compare.ts'
import { findingsOf } from './findings.ts'
import { type InventedCell, groupOf, runOf, sixPairs } from './invented.cases.ts'
import { summarise } from './summary.ts'

const compared = (cells: readonly InventedCell[], metric: string) => {
  const run = runOf(cells)
  return comparePaired(groupOf(run, 'safe'), groupOf(run, 'plain'), [metric])
}

test('six valid pairs make a claim of the ratio that is there', () => {
  const result = compared(sixPairs(), 'latency.p50')
  assert.equal(result?.strength, 'claim')
  assert.ok(Math.abs((result?.ratio ?? 0) - 1.2535) < 0.0005)
})

test('a repetition that is invalid on one side is dropped on both, and counted', () => {
  const result = compared(
    sixPairs((stack, repetition) =>
      stack === 'safe' && repetition === 2 ? { outcome: 'censored' } : {},
    ),
    'latency.p50',
  )
  assert.equal(result?.pairs, 5)
  assert.equal(result?.strength, 'preliminary')
  assert.deepEqual(result?.dropped, { stack: 1, baseline: 0 })
  assert.equal(result && droppedWords(result), 'dropped as not valid or too busy: 1 of safe')
})

test('nothing is compared with a group that is not measured', () => {
  const cells = sixPairs((stack) => (stack === 'plain' ? { outcome: 'censored' } : {}))
  assert.equal(compared(cells, 'latency.p50'), null)
  const [finding] = findingsOf(runOf(cells))
  assert.deepEqual(finding?.sentences, ['safe is not compared with plain: plain is censored.'])
})

test('a percentile among the lost in one repetition ends the comparison instead of favouring the loser', () => {
  const result = compared(
    sixPairs((stack, repetition) =>
      stack === 'safe' && repetition === 6 ? { values: { 'latency.p99': null } } : {},
    ),
    'latency.p99',
  )
  assert.equal(result?.lost, true)
  assert.equal(result?.ratio, null)
})

test('no claim is smaller than the error of the probes', () => {
  const withError = (error: number): readonly InventedCell[] =>
    sixPairs().map((cell) =>
      Object.assign({}, cell, { values: { ...cell.values, 'probe.error.p50': error } }),
    )
  assert.equal(compared(withError(2), 'latency.p50')?.strength, 'claim')
  assert.equal(compared(withError(20), 'latency.p50')?.strength, 'unclear')
})

test('a finding says what the comparison allows, with its evidence', () => {
  const [finding] = findingsOf(runOf(sixPairs()))
  const text = finding?.sentences.join(' ').replaceAll('\u00a0', ' ') ?? ''
  assert.match(text, /^Compared with plain, safe raises bytes on the wire per message by 37 % /)
  assert.match(text, /\(192 instead of 140 B, exact in all 6 pairs\)/)
  assert.match(text, /median latency by 25 % \(54\.5 instead of 43\.5 ms; 95 % interval/)
  assert.doesNotMatch(text, /reliminary/)
})

test('who delivers less does not go unnoticed because its percentiles are not compared', () => {
  const cells = sixPairs((stack) => ({
    values: {
      'latency.p50': stack === 'safe' ? null : 40,
      'delivery.lost': stack === 'safe' ? 100 : 0,
      'delivery.not_sent': stack === 'safe' ? 1350 : 0,
    },
  }))
  const [finding] = findingsOf(runOf(cells))
  assert.deepEqual(
    finding?.sentences.map((sentence) => sentence.replaceAll('\u00a0', ' ')),
    [
      'Compared with plain, safe raises what is not delivered by 1 450 messages (1 450 instead of 0 messages, exact in all 6 pairs).',
      'Not compared, because it falls among lost messages: median latency.',
    ],
  )
  const few = findingsOf(runOf(cells.filter(({ repetition }) => repetition <= 2)))
  assert.deepEqual(few[0]?.sentences, [
    'safe is not compared with plain: fewer than 3 repetitions are valid on both sides.',
  ])
})

test('where nothing differs the pair is named all the same', () => {
  const cells = sixPairs(() => ({ values: { 'latency.p50': 40, 'delivery.lost': 0, 'delivery.not_sent': 0 } })) // prettier-ignore
  assert.deepEqual(findingsOf(runOf(cells))[0]?.sentences, [
    'safe beside plain:',
    'No relevant difference is shown in median latency.',
  ])
})

test('with fewer than six pairs the word preliminary comes first', () => {
  const [finding] = findingsOf(runOf(sixPairs().filter((cell) => cell.repetition <= 4)))
  assert.match(finding?.sentences[0] ?? '', /^Preliminary \(fewer than 6 pairs\): compared with/)
})

test('a median among the lost is printed empty with the warning, and its interval keeps the finite end', () => {
  const lostFrom = (first: number) =>
    summarise(
      runOf(
        sixPairs((stack, repetition) =>
          stack === 'safe' && repetition >= first ? { values: { 'latency.p99': null } } : {},
        ),
      ),
    ).find((row) => row.stack === 'safe' && row.metric === 'latency.p99')
  const most = lostFrom(3)
  assert.equal(most?.median, null)
  assert.match(most?.warnings ?? '', /^lost \(4 of 6\); not compared: lost$/)
  const one = lostFrom(6)
  assert.ok(one?.median !== null && one?.ci_low !== null)
  assert.equal(one?.ci_high, null)
})

test('warnings that differ only in their numbers are one', () => {
  const rows = summarise(
    runOf(
      sixPairs((_, repetition) => ({ warnings: [`of the delivered only: ${repetition} lost`] })),
    ),
  )
  const row = rows.find((other) => other.stack === 'plain' && other.metric === 'latency.p50')
  assert.equal(row?.warnings, 'of the delivered only: 1 lost, and alike')
})
