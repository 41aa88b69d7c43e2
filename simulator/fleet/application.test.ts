/** The application that speaks first, with devices that hear it, in virtual time: every instant can be computed by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, SECOND } from '../core/clock.ts'
import { Histogram } from '../measure/histogram.ts'
import type { FleetReport } from './fleet-protocol.ts'
import { seriesOf } from './fleet-protocol.ts'
import type { Wish } from './world.cases.ts'
import { addressOf, DELAY, World } from './world.cases.ts'

const PLAN = { warmup: 1 * SECOND, t0: 2 * SECOND, t1: 4 * SECOND, end: 30 * SECOND }

/** @param connected is called when all devices are, before the first command */
const run = (wish: Wish, connected = (): void => {}): World => {
  const world = new World({ kind: 'command', devices: 4, ...wish })
  world.connect()
  world.reactor.runUntil(PLAN.warmup)
  connected()
  world.begin(PLAN)
  world.reactor.runUntil(PLAN.end)
  return world
}

const reportsOf = ({ fleet, application }: World) => {
  assert.ok(application)
  return { fleet: fleet.report(), application: application.report() }
}

const series = (world: World, name: string): Histogram => {
  const { fleet, application } = reportsOf(world)
  return Histogram.fromJSON(seriesOf(fleet, application)[name] as never)
}

/** All observations are this, but for the steps of the histogram. */
const all = (h: Histogram, expected: number, count: number): void => {
  assert.equal(h.count, count)
  for (const value of [h.min, h.max])
    assert.ok(value !== null && Math.abs(value - expected) <= expected / 1000 + 1, `${value}`)
}

for (const reliability of ['best-effort', 'acknowledged'] as const)
  test(`${reliability} commands are heard after one way, and answered after both`, () => {
    const world = run({ reliability })
    // 4 devices x 2 s, 4 a second.
    all(series(world, 'latency'), DELAY, 32)
    all(series(world, 'response'), 2 * DELAY, 32)
    all(series(world, 'blocked'), 0, 32)
    assert.equal(series(world, 'ack').count, reliability === 'acknowledged' ? 32 : 0)
    const { intended, sent, delivered, answered, lost, notSent } = world.accounts()
    assert.deepEqual([intended, sent, delivered, answered, lost, notSent], [32, 32, 32, 32, 0, 0])
    assert.deepEqual([world.when('quiet').length, world.when('complete').length], [1, 1])
    const { receipts } = reportsOf(world).fleet
    assert.deepEqual([receipts?.duplicates, receipts?.reordered, receipts?.unknown], [0, 0, 0])
  })

test('a command that is lost is sent again and heard once; an answer that is lost is given again', () => {
  let loses = false
  // The first datagram to device 1 and the first from it.
  const lost = new Set<boolean>()
  const loss: Wish['loss'] = (_i, source, target) => {
    const down = target.host === addressOf(1)
    if (!loses || lost.has(down) || (!down && source.host !== addressOf(1))) return false
    lost.add(down)
    return true
  }
  const world = run({ loss }, () => {
    loses = true
  })
  assert.equal(lost.size, 2)
  const { intended, delivered, answered } = world.accounts()
  assert.deepEqual([intended, delivered, answered], [32, 32, 32])
  assert.equal(reportsOf(world).fleet.receipts?.duplicates, 0)
  assert.ok((series(world, 'response').max ?? 0) > 2 * SECOND)
})

test('a device that cannot be reached costs its own commands, and the accounts close', () => {
  let gone = false
  const loss: Wish['loss'] = (_i, _source, target) => gone && target.host === addressOf(2)
  const world = run({ reliability: 'best-effort', loss }, () => {
    gone = true
  })
  const { intended, sent, delivered, answered, lost, notSent } = world.accounts()
  assert.deepEqual([intended, sent, delivered, answered, lost, notSent], [32, 32, 24, 24, 8, 0])
  assert.deepEqual(world.when('quiet'), [], 'something is awaited until the end')
})

test('a device that failed to connect is commanded all the same, and its commands are lost', () => {
  const gone = addressOf(2)
  const world = new World({
    kind: 'command',
    devices: 4,
    loss: (_i, source) => source.host === gone,
  })
  world.connect(0, 900 * MILLISECOND)
  world.reactor.runUntil(PLAN.warmup)
  world.begin(PLAN)
  world.reactor.runUntil(PLAN.end)
  const { intended, delivered, lost, notSent } = world.accounts()
  assert.equal(intended, delivered + lost + notSent)
  assert.equal(delivered, 24)
  const { givenUp } = reportsOf(world).application
  assert.deepEqual(Object.keys(givenUp), ['the device has not registered'])
})

test('NSTART: with an interval shorter than a round trip commands wait for their turn, and that is blocked', () => {
  const world = run({ interval: 15 * MILLISECOND, devices: 1 })
  const { intended, delivered, answered } = world.accounts()
  assert.deepEqual([delivered, answered], [intended, intended])
  assert.ok((series(world, 'blocked').max ?? 0) > 500 * MILLISECOND)
  all(series(world, 'exchange'), 2 * DELAY, intended)
})

test('what is said to all is due for all at once, and the spread is from the first to the last device', () => {
  const world = run({ kind: 'fan-out' })
  all(series(world, 'latency'), DELAY, 32)
  // 8 messages, each to all devices at the same instant.
  all(series(world, 'fanout.spread'), 0, 8)
  const { intended, delivered, answered } = world.accounts()
  assert.deepEqual([intended, delivered, answered], [32, 32, 0])
  assert.deepEqual([world.when('quiet').length, world.when('complete').length], [1, 1])
})

test('progress tells what devices heard, and of the application what was acknowledged', () => {
  const world = run({})
  const { heard } = world.fleet.progress(PLAN.t1)
  assert.deepEqual([heard?.delivered, heard?.received], [32, 48])
  const told = world.application?.progress(PLAN.t1)
  assert.deepEqual([told?.heard, told?.acknowledged, told?.givenUp], [null, 32, 0])
})

test('each series of a cell is recorded on one side', () => {
  const { fleet, application } = reportsOf(run({}))
  const names = (report: { readonly series: FleetReport['series'] }) => Object.keys(report.series)
  assert.deepEqual(new Set(names(fleet)).intersection(new Set(names(application))), new Set())
})

test('a datagram that is no command of this cell is unknown', () => {
  const world = run({})
  assert.equal(world.fleet.arrived(0, Buffer.from('not a number'), PLAN.t0), -1)
  assert.equal(world.fleet.arrived(0, Buffer.from('________'), PLAN.t0), -1)
  assert.equal(reportsOf(world).fleet.receipts?.unknown, 2)
})
