/** Devices that leave and come back, in virtual time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, SECOND } from '../core/clock.ts'
import { decodeDoubles } from '../core/doubles.ts'
import type { Absences, Workload } from '../core/types.ts'
import { Histogram } from '../measure/histogram.ts'
import type { PlannedConnects } from './fleet-protocol.ts'
import type { Wish } from './world.cases.ts'
import { DELAY, World } from './world.cases.ts'

const MS = MILLISECOND
const RTT = 2 * DELAY
const PLAN = { warmup: 1 * SECOND, t0: 2 * SECOND, t1: 12 * SECOND, end: 40 * SECOND }

const connectEvery = (interval: number, change: object = {}): Workload => ({
  name: 'connect',
  kind: 'connect',
  absences: { kind: 'reconnects', interval, together: false, close: 'orderly', ...change },
})

const telemetry = (interval: number, absences: Absences): Workload =>
  ({
    name: 'telemetry',
    kind: 'telemetry',
    interval,
    arrivals: 'constant',
    payload: 20,
    absences,
  }) as Workload

const run = (wish: Wish, meddle: (world: World) => void = () => {}): World => {
  const world = new World({ protocol: 'mqtt', devices: 10, ...wish })
  world.connect()
  world.reactor.runUntil(PLAN.warmup)
  world.begin(PLAN)
  meddle(world)
  world.reactor.runUntil(PLAN.end)
  return world
}

const planned = (world: World): PlannedConnects => world.fleet.report().planned as PlannedConnects

const range = (h: Histogram): (number | null)[] =>
  [h.min, h.max].map((value) => (value === null ? null : Math.round(value / MS)))

test('every intended connection is made, at its time, and only the measured ones are counted', () => {
  const world = run({ workload: connectEvery(2 * SECOND) })
  const { intended, started, completed, spans } = planned(world)
  assert.deepEqual([intended, started, completed], [50, 50, 50])
  const { series } = world.fleet.connects
  assert.equal(series['connect.application'].count, 50)
  assert.deepEqual(range(series['connect.application']), [40, 40])
  assert.deepEqual(range(series['connect.wait']), [0, 0])
  const numbers = decodeDoubles(spans)
  assert.equal(numbers.length, 150)
  for (let i = 0; i < numbers.length; i += 3) {
    const [, from = 0, to = 0] = numbers.subarray(i, i + 3)
    assert.ok(from >= PLAN.t0 && from < PLAN.t1)
    assert.equal(to - from, 2 * RTT)
  }
  assert.equal(world.streams.size, 10, 'each device has one connection')
  assert.deepEqual(world.fleet.report().ends, {}, 'none was lost')
  assert.ok((world.when('quiet')[0] ?? 0) * MS <= PLAN.t1 + 2 * RTT)
  assert.equal(world.when('complete').length, 1, 'no message is waited for')
})

test('all at once, they wait for connect slots', () => {
  const workload = connectEvery(10 * SECOND, { together: true })
  const world = run({ workload, devices: 6, connectLimit: 2 })
  assert.deepEqual([planned(world).intended, planned(world).completed], [6, 6])
  const wait = world.fleet.connects.series['connect.wait']
  assert.deepEqual(range(wait), [0, 80])
  assert.equal(Math.round((wait.mean ?? NaN) / MS), 40)
})

test('a connection that is late keeps its intended time, and none is left out', () => {
  // 30 ms between two connections that take 40.
  const world = run({ workload: connectEvery(30 * MS), devices: 1 })
  const { intended, completed } = planned(world)
  assert.ok(intended >= 333 && intended <= 334, `${intended}`)
  assert.equal(completed, intended)
  const { max } = world.fleet.connects.series['connect.wait']
  // 10 ms and a closing more behind with each of them.
  assert.ok((max ?? 0) > 3 * SECOND, `${max}`)
})

test('what never becomes ready has failed, what never begins is not started', () => {
  const world = run({ workload: connectEvery(2 * SECOND), devices: 4 }, ({ reactor, listener }) => {
    reactor.runUntil(7 * SECOND)
    listener.close()
  })
  const { intended, started, completed } = planned(world)
  assert.ok(completed < started && started < intended, `${completed} < ${started} < ${intended}`)
  assert.equal(world.when('quiet').length, 0)
})

const SLEEP = { kind: 'sleep', awake: 500 * MS, asleep: 1500 * MS, close: 'orderly' } as const

test('what becomes due during a sleep is sent on waking up, and keeps its intended time', () => {
  const world = run({ workload: telemetry(200 * MS, SLEEP) })
  const { intended, delivered, lost, notSent } = world.accounts()
  assert.deepEqual([intended, delivered, lost, notSent], [500, 500, 0, 0])
  assert.deepEqual([planned(world).intended, planned(world).completed], [50, 50])
  const latency = Histogram.fromJSON(world.consumer.report().series.latency as never)
  const [least = 0, most = 0] = range(latency)
  // At best one way; at worst the whole sleep, two round trips to connect, and one way.
  assert.equal(least, 10)
  assert.ok((most ?? 0) > 1400 && (most ?? 0) <= 1550, `${most} ms`)
  const wakes = world.consumer.report().wakes
  assert.ok(wakes !== null)
  const first = Histogram.fromJSON(wakes.firstDelivery)
  assert.deepEqual([wakes.awaited, first.count], [50, 50])
  assert.deepEqual(range(first), [50, 50], 'two round trips, and one way')
})

test('devices sleep most of the time, and a device that goes without a word leaves its connection at the server', () => {
  for (const close of ['orderly', 'abrupt'] as const) {
    const online: number[] = []
    const open: number[] = []
    const world = run(
      { workload: telemetry(SECOND, { ...SLEEP, close }) },
      ({ reactor, fleet, streams }) => {
        for (let at = 4 * SECOND; at < 10 * SECOND; at += 100 * MS) {
          reactor.runUntil(at)
          online.push(fleet.progress(at).connected)
          open.push(streams.size)
        }
      },
    )
    const mean = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0) / all.length
    // Of 2 s a device is awake 500 ms, less 40 ms in which it connects.
    assert.ok(Math.abs(mean(online) - 2.3) < 0.3, `${mean(online)} of 10 are connected`)
    if (close === 'abrupt') assert.ok(mean(open) > 20, `${mean(open)} connections at the server`)
    else assert.ok(mean(open) < 3, `${mean(open)} connections at the server`)
    assert.equal(world.accounts().delivered, world.accounts().intended)
  }
})

test('a device stays awake until what it sent is acknowledged, and leaves a sleep out that is over by then', () => {
  const world = run({ workload: telemetry(200 * MS, SLEEP), devices: 3 }, (w) => {
    w.silent = true
    w.reactor.runUntil(6 * SECOND)
    // Connections that end give the messages to the next one, which acknowledges.
    w.silent = false
    w.reset()
  })
  const { intended, started, completed } = planned(world)
  assert.ok(started < intended, 'sleeps were left out')
  assert.equal(completed, started)
  const { delivered, lost } = world.accounts()
  assert.deepEqual([delivered, lost], [150, 0])
  assert.ok((world.consumer.report().wakes?.awaited ?? 99) < 15)
})

test('churn: connections are lost without a word, messages are not', () => {
  const churn = { kind: 'churn', share: 0.5, every: 1 * SECOND } as const
  const world = run({ workload: telemetry(100 * MS, churn), devices: 20 })
  const { intended, started, completed } = planned(world)
  assert.ok(intended > 70 && intended < 130, `${intended}`)
  assert.equal(started, completed)
  assert.ok(started >= intended - 5, 'few meet a device that is connecting')
  assert.ok(world.fleet.report().reconnects >= completed)
  const accounts = world.accounts()
  assert.deepEqual([accounts.delivered, accounts.lost, accounts.notSent], [2000, 0, 0])
  assert.equal(accounts.acknowledgedLost, 0)
})

test('CoAP devices, which have nothing to close, come and go as well', () => {
  const sleepers = run({ protocol: 'coap', workload: telemetry(SECOND, SLEEP) })
  assert.equal(sleepers.accounts().delivered, 100)
  assert.equal(planned(sleepers).completed, 50)
  const storm = run({ protocol: 'coap', workload: connectEvery(2 * SECOND) })
  assert.equal(planned(storm).completed, 50)
  assert.deepEqual(range(storm.fleet.connects.series['connect.application']), [20, 20])
})

test('idle devices say nothing, and the cell is quiet when the window ends', () => {
  const world = run({ workload: { name: 'idle', kind: 'idle' } })
  assert.equal(world.fleet.report().planned, null)
  assert.equal(world.accounts().intended, 0)
  assert.deepEqual(world.when('quiet'), [PLAN.t1 / MS])
  assert.deepEqual(world.when('complete'), [PLAN.warmup / MS])
})
