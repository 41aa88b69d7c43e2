import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { Histogram } from '../../measure/histogram.ts'
import { groupOf, runOf, sixPairs } from '../invented.cases.ts'
import { readRun } from '../run.ts'
import { curveOf, thinned } from './curves.ts'
import { chartsOf } from './index.ts'
import { coloursOf } from './theme.ts'

const folder = join(import.meta.dirname, '..', '..', '..', 'test', 'fixtures', 'run-small')
const run = await readRun(folder)
const charts = chartsOf(run)
const textOf = (name: string): string =>
  JSON.stringify(charts.find((chart) => chart.name === name)?.spec)

test('a run with everything has every chart, each with a question and a caption', () => {
  assert.deepEqual(
    charts.map((chart) => chart.name),
    ['latency', 'overhead', 'wire', 'connect', 'throughput'],
  )
  for (const chart of charts) {
    assert.match(chart.title, /\?$/)
    assert.ok(chart.caption.length > 80)
    assert.equal(chart.spec['$schema'], 'https://vega.github.io/schema/vega-lite/v5.json')
  }
})

test('a run without a number has no chart', () => {
  assert.deepEqual(chartsOf(runOf([{ stack: 'plain', repetition: 1, outcome: 'failed' }])), [])
})

test('what is censored says so, with a bound', () => {
  assert.match(textOf('wire'), /≥ 173 B = 141 up \+ 32 down \(censored\)/)
  assert.match(textOf('latency'), /median ≥ 39\.6.ms, 1\.0.% lost, censored/)
})

test('throughput never stands without the CPU of each process', () => {
  const text = textOf('throughput')
  assert.match(text, /messages per second/)
  for (const part of ['broker', 'consumer', 'fleet', 'link']) assert.ok(text.includes(`"${part}"`))
})

test('the pieces of a connect bar are the steps between cumulative means', () => {
  const pieces = [
    ...textOf('connect').matchAll(
      /"part":"(\w+)","order":\d,"start":[\d.]+,"end":[\d.]+,"value":([\d.]+)/g,
    ),
  ]
    .slice(3, 6)
    .map((match) => [match[1], Math.round(Number(match[2]))])
  // mqtt-tls: 80, 164 and 246 ms times 1.03, times the common factors of the repetitions (mean 0.985).
  assert.deepEqual(pieces, [
    ['transport', 81],
    ['security', 85],
    ['application', 83],
  ])
})

test('a curve stays below 1 by what was lost, and a pale stack is still there', () => {
  const group = run.conditions[0]?.groups.find((other) => other.stack === 'coap-udp')
  const curve = group && curveOf(run, group)
  assert.ok(curve)
  assert.equal(curve.lost, 0.01)
  assert.equal(curve.points.at(-1)?.share, 0.99)
})

test('curves are thinned to at most 1 000 points, with both ends kept', () => {
  const histogram = new Histogram()
  for (let i = 0; i < 20_000; i++) histogram.record(Math.round(1e3 * 1.001 ** i))
  const points = thinned(histogram, 0)
  assert.ok(points.length > 300 && points.length <= 1000, `${points.length}`)
  assert.equal(points.at(-1)?.share, 1)
  assert.ok((points[0]?.share ?? 1) < 0.01)
})

test('a stack has the colour of its kind, and a second one of that kind another', () => {
  const invented = runOf(sixPairs())
  const colours = coloursOf(invented)
  assert.equal(colours.get('plain'), coloursOf(run).get('mqtt-tcp'))
  const stacks = invented.scenario.stacks.map((stack) => ({ ...stack, kind: 'mqtt-tls' }))
  const twice = coloursOf({ ...invented, scenario: { ...invented.scenario, stacks } })
  assert.notEqual(twice.get('plain'), twice.get('safe'))
})

test('a group without a value keeps its place in the bars', () => {
  const invented = runOf(
    sixPairs((stack) => (stack === 'safe' ? { outcome: 'failed', values: {} } : {})),
  )
  assert.equal(groupOf(invented, 'safe').outcome, 'failed')
  const wire = chartsOf(invented).find((chart) => chart.name === 'wire')
  assert.match(JSON.stringify(wire?.spec), /no data \(failed\)/)
})

test('where devices sleep, a chart shows what a wake-up takes', () => {
  const values = (factor: number) => ({
    'wire.wake_bytes.up': 400 * factor,
    'wire.wake_bytes.down': 220 * factor,
    'wake.first_delivery.p50': 100 * factor,
  })
  const asleep = runOf([
    { stack: 'plain', repetition: 1, values: values(1) },
    { stack: 'safe', repetition: 1, values: values(2), outcome: 'censored' },
  ])
  const [chart] = chartsOf(asleep)
  assert.equal(chart?.name, 'wake')
  const text = JSON.stringify(chart?.spec)
  assert.match(text, /620 B = 400 up \+ 220 down, in 100 ms/)
  assert.match(text, /≥ 1.240 B = 800 up \+ 440 down, in ≥ 200 ms \(censored\)/)
})
