import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND, SECOND } from '../core/clock.ts'
import { messageInterval } from '../core/workload.ts'
import { Histogram } from '../measure/histogram.ts'
import type { Fleet } from './fleet.ts'
import { ConstantSchedule } from './schedule.ts'
import type { Wish } from './world.cases.ts'
import { addressOf, DELAY, SERVER, World } from './world.cases.ts'

const MS = MILLISECOND
const RTT = 2 * DELAY
const PLAN = { warmup: 1 * SECOND, t0: 2 * SECOND, t1: 4 * SECOND, end: 30 * SECOND }

type Series = Fleet['series'] & Fleet['connects']['series'] & Fleet['sender']['series']
const series = ({ fleet }: World, name: keyof Series): Histogram =>
  ({ ...fleet.series, ...fleet.connects.series, ...fleet.sender.series })[name]

/** Exact values of a series, sorted; only for values that histogram buckets keep apart. */
const values = (h: Histogram): number[] =>
  h.ecdf().flatMap(({ value, fraction }, i, all) => {
    const before = all[i - 1]?.fraction ?? 0
    return Array.from(
      { length: Math.round((fraction - before) * h.count) },
      () => Math.round(value / (0.1 * MS)) / 10,
    )
  })

const near = (actual: number | null, expected: Nanoseconds): void =>
  assert.ok(actual !== null && Math.abs(actual - expected) < 1, `${actual} is not ${expected} ns`)

/** A world whose devices are connected before the plan begins. */
const connected = (wish: Wish = {}): World => {
  const world = new World(wish)
  world.connect()
  world.reactor.runUntil(PLAN.warmup)
  world.begin(PLAN)
  return world
}

/** Messages intended in the measured window, over all devices. */
const intended = ({ config }: World): number[] => {
  const schedule = new ConstantSchedule(PLAN, messageInterval(config.workload), config.seed)
  return Array.from({ length: config.devices }, (_, d) => {
    const first = schedule.before(d, PLAN.t0)
    const end = schedule.before(d, PLAN.t1)
    return Array.from({ length: end - first }, (_, k) => schedule.intended(d, first + k))
  }).flat()
}

test('devices start to connect evenly over the ramp', () => {
  const world = new World({ devices: 4 })
  world.connect(400 * MS)
  world.reactor.runUntil(1 * SECOND)
  world.begin(PLAN)
  const ready = new Float64Array(
    Uint8Array.from(Buffer.from(world.fleet.report().ready, 'base64')).buffer,
  )
  // Device i starts at i x 100 ms, and its registration takes one round trip.
  assert.deepEqual(
    [...ready].map((t) => t / MS),
    [20, 120, 220, 320],
  )
  assert.deepEqual(values(series(world, 'connect.wait')), [0, 0, 0, 0])
  assert.deepEqual(world.when('connected'), [320])
})

test('with two connect slots the others wait, and waiting is not connecting', () => {
  const world = new World({ devices: 6, connectLimit: 2 })
  world.connect()
  world.reactor.runUntil(1 * SECOND)
  assert.deepEqual(values(series(world, 'connect.wait')), [0, 0, 20, 20, 40, 40])
  assert.deepEqual(values(series(world, 'connect.application')), [20, 20, 20, 20, 20, 20])
  assert.deepEqual(values(series(world, 'connect.transport')), [0, 0, 0, 0, 0, 0])
  assert.deepEqual(values(series(world, 'connect.security')), [0, 0, 0, 0, 0, 0])
})

test('a TCP connect: transport after one round trip, CONNACK after two', () => {
  const world = new World({ protocol: 'mqtt', devices: 3 })
  world.connect()
  world.reactor.runUntil(1 * SECOND)
  assert.deepEqual(values(series(world, 'connect.transport')), [20, 20, 20])
  assert.deepEqual(values(series(world, 'connect.security')), [20, 20, 20])
  assert.deepEqual(values(series(world, 'connect.application')), [40, 40, 40])
})

test('WebSocket: one round trip more until CONNACK, and what it adds stands between the session and the socket', () => {
  const world = new World({ protocol: 'mqtt', framing: 'websocket', devices: 3 })
  world.connect()
  world.reactor.runUntil(PLAN.warmup)
  assert.deepEqual(values(series(world, 'connect.transport')), [20, 20, 20])
  assert.deepEqual(values(series(world, 'connect.security')), [20, 20, 20])
  assert.deepEqual(values(series(world, 'connect.application')), [60, 60, 60])
  world.begin(PLAN)
  world.reactor.runUntil(PLAN.end)
  const { intended, delivered, acknowledged } = world.accounts()
  assert.ok(intended > 0)
  assert.deepEqual([delivered, acknowledged], [intended, intended])
  const { application, framed, transport } = world.fleet.report()
  // PUBLISH and PUBACK: 2 bytes and the masking key up, 2 down. All of them, since a message and its acknowledgement lie in the window.
  assert.ok(application.received > 0)
  assert.equal((framed.received - application.received) * 4, application.received * 2)
  const sent = application.received / 4
  assert.equal(framed.sent - application.sent, sent * 6)
  assert.deepEqual(transport, framed)
})

test('a connection that the server does not answer ends where WebSocket gives up, and is tried again', () => {
  const world = new World({ protocol: 'mqtt', framing: 'websocket', devices: 1 })
  world.mute = true
  world.connect(0, 40 * SECOND)
  world.reactor.runUntil(30 * SECOND)
  world.mute = false
  world.reactor.runUntil(45 * SECOND)
  world.begin({ warmup: 46 * SECOND, t0: 47 * SECOND, t1: 48 * SECOND, end: 50 * SECOND })
  assert.deepEqual(world.fleet.report().ends, {
    timeout: {
      count: 1,
      example: 'no answer to the WebSocket handshake within 30 s (before CONNACK)',
    },
  })
  // The first attempt counts: TCP, the limit, and an attempt of three round trips.
  near(series(world, 'connect.application').quantile(0.5), 30 * SECOND + 4 * RTT)
})

test('who is not ready at the connect deadline has failed, and takes no part', () => {
  const from = addressOf(1)
  const world = new World({ devices: 3, loss: (_i, source) => source.host === from })
  world.connect(0, 900 * MS)
  world.reactor.runUntil(PLAN.warmup)
  assert.deepEqual(world.told, [[900, { event: 'connected', connected: 2, failed: 1 }]])
  world.begin(PLAN)
  world.reactor.runUntil(PLAN.end)
  const { sent, notSent } = world.accounts()
  const all = intended(world).length
  assert.equal(sent + notSent, all)
  assert.equal(sent, (all / 3) * 2)
  const { connected, failed, ready } = world.fleet.report()
  assert.deepEqual([connected, failed], [2, 1])
  assert.equal(Number.isNaN(Buffer.from(ready, 'base64').readDoubleLE(8)), true, 'never ready: NaN')
})

for (const [framing, layer] of [
  ['none', 'application'],
  ['websocket', 'framing'],
] as const)
  test(`a server that never answers has a name where the connect deadline comes first: the ${layer} layer`, () => {
    const world = new World({ protocol: 'mqtt', framing, devices: 2 })
    world.mute = true
    world.connect(0, 900 * MS)
    world.reactor.runUntil(PLAN.warmup)
    world.begin(PLAN)
    const example = `no answer by the connect deadline (${layer} layer)`
    assert.deepEqual(world.fleet.report().ends, { timeout: { count: 2, example } })
  })

test('latency is one way, exchange and ack are one round trip, and nothing is blocked', () => {
  const world = connected({ devices: 5 })
  world.reactor.runUntil(PLAN.end)
  const n = intended(world).length
  assert.equal(n, 5 * 8)
  const latency = Histogram.fromJSON(world.consumer.report().series.latency as never)
  for (const [h, time] of [
    [latency, DELAY],
    [series(world, 'ack'), RTT],
    [series(world, 'exchange'), RTT],
    [series(world, 'blocked'), 0],
    [series(world, 'schedule_delay'), 0],
  ] as const) {
    assert.equal(h.count, n)
    near(h.max, time)
    near(h.min, time)
  }
  const { sent, delivered, acknowledged, lost, notSent, acknowledgedLost } = world.accounts()
  assert.deepEqual(
    [sent, delivered, acknowledged, lost, notSent, acknowledgedLost],
    [n, n, n, 0, 0, 0],
  )
})

test('complete is told with the last delivery, quiet when the last is acknowledged, each once', () => {
  const world = connected({ devices: 5 })
  world.reactor.runUntil(PLAN.end)
  const last = Math.max(...intended(world))
  const [complete, ...more] = world.when('complete')
  near((complete as number) * MS, last + DELAY)
  const [quiet, ...again] = world.when('quiet')
  near((quiet as number) * MS, Math.max(PLAN.t1, last + RTT))
  assert.deepEqual([...more, ...again], [])
})

test('best effort is quiet when the measured window ends', () => {
  const world = connected({ devices: 5, reliability: 'best-effort' })
  world.reactor.runUntil(PLAN.end)
  assert.deepEqual(world.when('quiet'), [PLAN.t1 / MS])
  assert.equal(series(world, 'ack').count, 0)
  assert.equal(series(world, 'exchange').count, 0)
})

test('a lost best-effort message is lost, and the accounts close', () => {
  const world = connected({
    devices: 5,
    reliability: 'best-effort',
    loss: (index, from) => from.host !== SERVER && index > 10 && index % 4 === 0,
  })
  world.reactor.runUntil(PLAN.end)
  const { intended: n, sent, delivered, lost, notSent, acknowledged } = world.accounts()
  assert.equal(n, 40)
  assert.equal(delivered + lost + notSent, n)
  assert.ok(lost > 5 && lost < 15, `${lost} lost`)
  assert.deepEqual([sent, notSent, acknowledged], [n, 0, 0])
  assert.deepEqual(world.when('complete'), [])
})

test('a lost CON is repeated after its timeout: latency keeps the intended time, and what waited behind it is blocked', () => {
  let armed = false
  let dropped = false
  const world = connected({
    loss: (_index, from) => {
      const drops = armed && !dropped && from.host !== SERVER
      dropped ||= drops
      return drops
    },
  })
  const first = intended(world)[0] as number
  world.reactor.runUntil(first - 1)
  armed = true
  world.reactor.runUntil(PLAN.end)
  const { delivered, intended: n } = world.accounts()
  assert.equal(delivered, n)
  // ACK_TIMEOUT is 2 s, times 1 to 1.5 (RFC 7252 section 4.2): all other messages fell due meanwhile.
  const latency = Histogram.fromJSON(world.consumer.report().series.latency as never)
  const timeout = (latency.max as number) - DELAY
  assert.ok(timeout >= 2 * SECOND && timeout <= 3 * SECOND, `${timeout}`)
  const exchange = series(world, 'exchange')
  near(exchange.max, timeout + RTT)
  // One exchange at a time (NSTART 1): the second message waits for the first one's answer.
  const blocked = series(world, 'blocked')
  assert.equal(values(blocked)[0], 0)
  near(blocked.max, timeout + RTT - 250 * MS)
})

test('a lost acknowledgement repeats the request, and the consumer sees it once', () => {
  let answers = 0
  const world = connected({ loss: (_i, from) => from.host === SERVER && answers++ === 6 })
  world.reactor.runUntil(PLAN.end)
  const { duplicates, unknown } = world.consumer.report()
  assert.deepEqual([duplicates, unknown], [0, 0])
  assert.ok((series(world, 'exchange').max as number) >= 2 * SECOND, 'it was repeated')
  const { delivered, acknowledged, intended: n } = world.accounts()
  assert.deepEqual([delivered, acknowledged], [n, n])
})

test('connections that are reset are counted, come back at once, and lose nothing', () => {
  const world = connected({ protocol: 'mqtt', devices: 3 })
  world.reactor.runUntil(3 * SECOND)
  world.reset()
  world.reactor.runUntil(PLAN.end)
  const { reconnects, ends, connected: count, failed } = world.fleet.report()
  assert.equal(reconnects, 3)
  assert.deepEqual(
    Object.entries(ends).map(([code, { count }]) => [code, count]),
    [['reset', 3]],
  )
  assert.deepEqual([count, failed], [3, 0])
  const { delivered, acknowledged, intended: n } = world.accounts()
  assert.deepEqual([delivered, acknowledged], [n, n])
  // The reset travels one way, the reconnect two round trips.
  assert.ok((series(world, 'blocked').max as number) <= DELAY + 2 * RTT)
  assert.equal(series(world, 'connect.application').count, 3, 'a reconnect is no connect')
})

test('what was taken and not acknowledged before a reset arrives twice, and counts once', () => {
  const world = connected({ protocol: 'mqtt', devices: 1 })
  const at = intended(world)
  world.reactor.runUntil((at[2] as number) - 1)
  world.silent = true
  world.reactor.runUntil((at[2] as number) + DELAY + 1)
  world.reset()
  world.silent = false
  world.reactor.runUntil(PLAN.end)
  assert.equal(world.consumer.report().duplicates, 1)
  assert.equal(world.consumer.report().reordered, 0)
  const { delivered, acknowledged, acknowledgedLost, intended: n } = world.accounts()
  assert.deepEqual([delivered, acknowledged, acknowledgedLost], [n, n, 0])
})

test('a best-effort message in a connection that is reset is lost, and not sent again', () => {
  const world = connected({ protocol: 'mqtt', reliability: 'best-effort' })
  const at = intended(world)
  world.reactor.runUntil((at[2] as number) + 1)
  world.reset()
  // What is on its way to a connection that is gone arrives nowhere.
  world.reactor.runUntil(PLAN.end)
  const { delivered, lost, notSent, intended: n } = world.accounts()
  assert.deepEqual([delivered, lost, notSent], [n - 1, 1, 0])
})

test('bytes of the application are counted between t0 and t1', () => {
  const world = connected({ devices: 2, reliability: 'best-effort' })
  world.reactor.runUntil(PLAN.end)
  const { application, transport } = world.fleet.report()
  const n = intended(world).length
  assert.ok(application.sent > 0 && application.sent % n === 0, `${application.sent} / ${n}`)
  assert.equal(application.received, 0)
  assert.deepEqual(transport, application, 'a plain stack has no security layer')
})

test('probes measure no error on a network that only delays, and send every 20.255 ms together', () => {
  const world = connected({ devices: 1, probes: 2 })
  world.reactor.runUntil(PLAN.end)
  const errors = series(world, 'probe.error')
  assert.equal(errors.count, Math.ceil((PLAN.t1 - PLAN.t0) / (20.255 * MS)))
  near(errors.max, 0)
})

test('closing ends every session, and nothing is sent afterwards', () => {
  const world = connected({ protocol: 'mqtt', devices: 3 })
  world.reactor.runUntil(3 * SECOND)
  assert.equal(world.streams.size, 3)
  world.fleet.close(world.reactor.now())
  world.reactor.runUntil(PLAN.end)
  assert.equal(world.streams.size, 0)
  const { reconnects, ends } = world.fleet.report()
  assert.deepEqual([reconnects, ends], [0, {}])
})

test('whatever is lost or reset, the accounts close', () => {
  const wish = fc.record({
    protocol: fc.constantFrom('coap' as const, 'mqtt' as const),
    reliability: fc.constantFrom('acknowledged' as const, 'best-effort' as const),
    devices: fc.integer({ min: 1, max: 4 }),
    keep: fc.array(fc.boolean(), { minLength: 1, maxLength: 50 }),
    resets: fc.array(fc.integer({ min: 1000, max: 4500 }), { maxLength: 3 }),
  })
  fc.assert(
    fc.property(wish, ({ keep, resets, ...asked }) => {
      const world = connected({ ...asked, loss: (i) => i > 8 && keep[i % keep.length] === false })
      for (const at of resets.toSorted((a, b) => a - b)) {
        world.reactor.runUntil(Math.max(world.reactor.now(), at * MS))
        world.reset()
      }
      // A message that is never answered is given up after 62 to 93 s (MAX_TRANSMIT_WAIT), and the next one waits for it.
      world.reactor.runUntil(12 * 93 * SECOND)
      const { intended: n, sent, delivered, lost, notSent, ...rest } = world.accounts()
      assert.equal(delivered + lost + notSent, n)
      assert.equal(sent, delivered + lost)
      assert.ok(rest.acknowledged + rest.gaveUp <= sent)
      assert.equal(rest.acknowledgedLost, 0)
      // Every message of an acknowledged TCP stack arrives sooner or later.
      if (asked.protocol === 'mqtt' && asked.reliability === 'acknowledged')
        assert.equal(delivered, n)
      if (asked.reliability === 'acknowledged') assert.equal(rest.acknowledged + rest.gaveUp, n)
      assert.equal(world.when('quiet').length, 1)
      assert.equal(world.when('complete').length, delivered === n ? 1 : 0)
    }),
    { numRuns: 60 },
  )
})
