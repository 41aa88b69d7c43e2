import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CHURN,
  type Column,
  columnsOf,
  COMMAND,
  FAN_OUT,
  IDLE,
  MESSAGES,
  SLEEP,
  STORM,
} from './columns.ts'
import { METRICS } from '../measure/metrics.ts'
import { runOf } from './invented.cases.ts'
import type { Condition } from './rows.ts'

const conditionWith = (...metrics: string[]): Condition => {
  const values = Object.fromEntries(metrics.map((metric) => [metric, 1]))
  const [condition] = runOf([{ stack: 'plain', repetition: 1, values }]).conditions
  return condition as Condition
}

test('a table shows what its workload has to tell', () => {
  for (const [metrics, columns] of [
    [['latency.p50', 'throughput.offered'], MESSAGES],
    [['throughput.offered', 'connects.offered', 'wake.first_delivery.p50'], SLEEP],
    [['throughput.offered', 'connects.offered'], CHURN],
    [['throughput.offered', 'response.p50'], COMMAND],
    [['throughput.offered', 'fanout.spread.p50'], FAN_OUT],
    [['connects.offered'], STORM],
    [['wire.idle_bytes_per_hour'], IDLE],
    [[], MESSAGES],
  ] as const)
    assert.equal(columnsOf(conditionWith(...metrics)), columns, metrics.join())
})

test('what a front end uses stands beside what the broker uses, where there is one', () => {
  const columns = columnsOf(
    conditionWith(
      'throughput.offered',
      'cpu.broker_us_per_message',
      'cpu.front_end_us_per_message',
    ),
  )
  assert.deepEqual(
    columns.slice(-2).map(({ heading }) => heading[1]),
    ['broker', 'front end'],
  )
})

test('columns name metrics that exist', () => {
  const all: readonly Column[] = [
    ...MESSAGES,
    ...COMMAND,
    ...FAN_OUT,
    ...SLEEP,
    ...CHURN,
    ...STORM,
    ...IDLE,
  ]
  assert.deepEqual(
    all.flatMap(({ metrics }) => metrics).filter((name) => METRICS[name] === undefined),
    [],
  )
})
