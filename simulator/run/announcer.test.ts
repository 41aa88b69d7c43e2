import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from '../core/clock.ts'
import type { Cell, Outcome, Scenario, Verdict } from '../core/types.ts'
import { folderProfiles, parseScenario, PROFILES } from '../scenario/load.ts'
import { Announcer } from './announcer.ts'
import { catalogue } from './catalogue.ts'
import type { CellResult } from './cell.ts'
import { blocksOf, expectedTime } from './order.ts'
import type { RunEvent } from './progress.ts'

const TEXT = `thingbench: 1
title: Which one?
stacks: [mqtt-tcp, coap-udp]
links: [lan]
devices: 2
workload: { interval: 1 s }
`
const scenario: Scenario = parseScenario(
  Buffer.from(TEXT),
  'which.yaml',
  catalogue,
  folderProfiles(PROFILES),
)
const cells = blocksOf({ ...scenario, repetitions: 1 }).flat()
const [first, second] = cells as [Cell, Cell]
const EXPECTED = expectedTime(first, scenario.phases) / SECOND

const verdict = (outcome: Outcome): Verdict => ({ outcome, reasons: ['because'], notes: ['by the way'] }) // prettier-ignore

/** An announcer whose clock stands still between steps, in seconds, and what it has told. */
const announcing = (finished: readonly (readonly [string, Outcome])[] = []) => {
  const told: RunEvent[] = []
  let now = 0
  const announcer = new Announcer(
    (event) => told.push(event),
    scenario,
    cells,
    new Map(finished),
    () => now,
  )
  const wait = (seconds: number): void => void (now += seconds * SECOND)
  return { announcer, told, wait }
}

test('a run is told with its cells and the time that they will take', () => {
  const { announcer, told } = announcing()
  announcer.runStarted('/somewhere')
  assert.deepEqual(told, [
    {
      event: 'run-started',
      scenario: 'which',
      title: 'Which one?',
      folder: '/somewhere',
      cells: 2,
      finished: 0,
      expected_s: 2 * EXPECTED,
    },
  ])
})

test('a cell is told from its start to its end, with the time that is left for the run', () => {
  const { announcer, told, wait } = announcing()
  announcer.cellStarted(second, 2, 1)
  wait(3)
  announcer.told({ event: 'phase', phase: 'measure', lasts_s: 5, at_most: false })
  announcer.told({ event: 'progress', devices: 2 } as never)
  wait(EXPECTED)
  const readings = [{ metric: 'latency.p50', value: 12.5, n: 7, warnings: [] }]
  announcer.cellEnded(verdict('measured'), { readings } as unknown as CellResult)
  const cell = second.id
  assert.deepEqual(told, [
    { event: 'cell-started', cell, number: 2, total: 2, attempt: 1, expected_s: EXPECTED, run_remaining_s: 2 * EXPECTED },
    { event: 'phase', cell, phase: 'measure', lasts_s: 5, at_most: false },
    { event: 'progress', cell, devices: 2, run_remaining_s: 2 * EXPECTED - 3 },
    {
      event: 'cell-ended', cell, number: 2, total: 2, attempt: 1, outcome: 'measured', reasons: ['because'], notes: ['by the way'],
      metrics: { 'latency.p50': 12.5, 'latency.p99': null, 'ack.p50': null, 'ack.p99': null, 'delivery.ratio': null },
      took_s: Number((EXPECTED + 3).toFixed(3)),
    },
  ]) // prettier-ignore
})

/** The time that is left when `cell` starts, seconds. */
const leftAtStart = ({ announcer, told }: ReturnType<typeof announcing>, cell: Cell): number => {
  announcer.cellStarted(cell, 1, 1)
  const last = told.at(-1)
  return last?.event === 'cell-started' ? last.run_remaining_s : NaN
}

test('an invalid cell comes once more, a failed one does not', () => {
  for (const [outcome, toCome] of [['invalid', 2], ['failed', 1]] as const) {
    const world = announcing()
    world.announcer.cellStarted(first, 1, 1)
    world.wait(EXPECTED)
    world.announcer.cellEnded(verdict(outcome), null)
    assert.equal(leftAtStart(world, second), toCome * EXPECTED, outcome)
  } // prettier-ignore
})

test('what an earlier start has finished is not waited for, unless it was invalid', () => {
  const started = (outcome: Outcome): RunEvent | undefined => {
    const { announcer, told } = announcing([[first.id, outcome]])
    announcer.runStarted('/')
    return told[0]
  }
  const counts = (event?: RunEvent): number[] =>
    event?.event === 'run-started' ? [event.finished, event.expected_s] : []
  assert.deepEqual(counts(started('measured')), [1, EXPECTED])
  assert.deepEqual(counts(started('invalid')), [0, 2 * EXPECTED])
})

test('a cell that is not supported takes no time', () => {
  const unsupported = { ...first, stack: { ...first.stack, security: 'ipsec' as never } }
  const told: RunEvent[] = []
  const announcer = new Announcer(
    (event) => told.push(event),
    scenario,
    [unsupported, second],
    new Map(),
  )
  announcer.runStarted('/')
  assert.ok(told[0]?.event === 'run-started')
  assert.equal(told[0].expected_s, EXPECTED)
})
