import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND, SECOND } from '../core/clock.ts'
import { Traffic } from '../core/layer.ts'
import { Bench, RESET } from './device.cases.ts'
import { ACKNOWLEDGED, GAVE_UP, SENT } from './ledger.ts'

/** Warm-up for 1 s, then two measured seconds. */
const PLAN = { warmup: 0, t0: 1 * SECOND, t1: 3 * SECOND, end: 5 * SECOND }
const INTERVAL = 500 * MILLISECOND
const MS = MILLISECOND

const ready = (acknowledges = true): Bench => {
  const bench = new Bench(PLAN, INTERVAL, acknowledges)
  bench.start()
  return bench
}

/** Values near each other: sums of large doubles differ in the last bits. */
const close = (actual: number | null, expected: Nanoseconds): void =>
  assert.ok(actual !== null && Math.abs(actual - expected) < 1, `${actual} is not ${expected} ns`)

/** Flags of the measured messages. The first of them is message 2: phase + 2 intervals. */
const flags = (bench: Bench): number[] => [...bench.ledger.bytes()]

test('fires its messages at their absolute deadlines until the end of the measured window, and none after', () => {
  const bench = ready()
  const times: Nanoseconds[] = []
  bench.session.onSend = (now) => times.push(now)
  bench.at(20 * SECOND)
  assert.deepEqual(
    times,
    Array.from({ length: 6 }, (_, k) => bench.intended(k)),
  )
  assert.ok((times[5] as number) < PLAN.t1 && bench.intended(6) >= PLAN.t1)
})

test('a late timer is schedule_delay, and does not move the next deadline', () => {
  const bench = ready()
  const late = bench.intended(2) + 7 * MS
  bench.at(bench.intended(2) - 1)
  // The reactor was busy: two deadlines of the device have passed when it comes to it.
  bench.device.expire(late)
  bench.reactor.arm(bench.device)
  bench.at(bench.intended(3))
  const { schedule_delay } = bench.series
  assert.equal(schedule_delay.count, 2)
  close(schedule_delay.max, 7 * MS)
  close(schedule_delay.min, 0)
  assert.deepEqual(bench.session.sent, [0, 1, 2, 3])
})

test('several messages that are due at once are fired in order, each with its own delay', () => {
  const bench = ready()
  bench.at(bench.intended(2) - 1)
  bench.device.expire(bench.intended(4) + 1 * MS)
  assert.deepEqual(bench.session.sent, [0, 1, 2, 3, 4])
  const { schedule_delay } = bench.series
  assert.equal(schedule_delay.count, 3)
  close(schedule_delay.mean, INTERVAL + 1 * MS)
})

test('a message counts only when its intended time lies in [t0, t1)', () => {
  const bench = ready()
  bench.session.onSend = (now) => {
    const sequence = bench.session.sent.at(-1) as number
    bench.device.acknowledged(sequence, now + 10 * MS)
  }
  bench.at(20 * SECOND)
  // Six were sent; numbers 0 and 1 belong to warm-up.
  assert.deepEqual(
    flags(bench),
    Array.from({ length: 4 }, () => SENT | ACKNOWLEDGED),
  )
  for (const series of Object.values(bench.series)) assert.equal(series.count, 4)
})

test('blocked is from the timer to the session taking the message; ack counts from the intended time, exchange from the first transmission', () => {
  const bench = ready()
  bench.at(bench.intended(2) - 1)
  bench.session.room = 0
  const fired = bench.intended(2)
  bench.at(fired + 30 * MS, (now) => {
    bench.session.room = 1
    bench.device.unblocked(now)
  })
  bench.at(fired + 130 * MS, (now) => bench.device.acknowledged(2, now))
  const { blocked, ack, exchange, schedule_delay } = bench.series
  close(schedule_delay.max, 0)
  close(blocked.max, 30 * MS)
  close(exchange.max, 100 * MS)
  close(ack.max, 130 * MS)
  assert.deepEqual([blocked.count, ack.count, exchange.count], [1, 1, 1])
})

test('a message that the session takes at once was not blocked', () => {
  const bench = ready()
  bench.at(bench.intended(2))
  assert.equal(bench.series.blocked.count, 1)
  close(bench.series.blocked.max, 0)
})

test('the backlog leaves in order, and unblocked from inside send does not change that', () => {
  const bench = ready()
  bench.session.room = 0
  bench.at(bench.intended(3))
  bench.session.onSend = (now) => bench.device.unblocked(now)
  bench.at(bench.intended(3) + 1, (now) => {
    bench.session.room = 3
    bench.device.unblocked(now)
  })
  assert.deepEqual(bench.session.sent, [0, 1, 2])
})

test('reconnects at once, then after 1, 2, 4 ... 64 seconds, and again at once after it was ready', () => {
  const bench = new Bench(PLAN, INTERVAL)
  let refusals = 10
  bench.onOpen = (_session, now) =>
    bench.reactor.connectStream(
      // Nobody listens there: the refusal comes from the loop.
      {
        remote: { host: '10.0.0.1', port: 1 },
        owner: bench.device,
        traffic: new Traffic(),
      },
      {
        below: undefined as never,
        openedAt: now,
        open() {},
        fromBelow() {},
        ready() {},
        closed: (cause, at) => {
          if (refusals-- > 0) bench.device.ended(cause, at)
        },
      },
    )
  bench.device.connect(0)
  bench.at(1000 * SECOND)
  // After 0, 1, 2, 4 ... 32 and three times 64 s.
  assert.deepEqual(
    bench.attempts.map((t) => t / SECOND),
    [0, 0, 1, 3, 7, 15, 31, 63, 127, 191, 255],
  )
  bench.at(1000 * SECOND, (now) => bench.device.sessionReady(now))
  bench.at(1001 * SECOND, (now) => bench.device.ended(RESET, now))
  bench.at(1001 * SECOND)
  assert.equal(bench.attempts.length, 12)
  assert.equal(bench.attempts.at(-1), 1001 * SECOND)
  assert.equal(bench.ends.length, 11)
})

test('after a reconnect, what was not acknowledged is sent again first, in order, then the backlog', () => {
  const bench = ready()
  bench.at(bench.intended(2), () => bench.device.acknowledged(1, bench.intended(2)))
  assert.deepEqual(bench.session.sent, [0, 1, 2])
  const lost = bench.intended(2) + 10 * MS
  bench.at(lost, (now) => bench.device.ended(RESET, now))
  bench.at(bench.intended(4) + 100 * MS, (now) => {
    bench.session.open(now)
    bench.device.sessionReady(now)
  })
  assert.equal(bench.sessions.length, 2)
  assert.equal(bench.attempts[1], lost)
  assert.deepEqual(bench.session.sent, [0, 2, 3, 4])
})

test('an exchange that outlives its connection counts from its first transmission', () => {
  const bench = ready()
  bench.at(bench.intended(2) + 10 * MS, (now) => bench.device.ended(RESET, now))
  bench.at(bench.intended(2) + 60 * MS, (now) => bench.device.sessionReady(now))
  bench.at(bench.intended(2) + 80 * MS, (now) => bench.device.acknowledged(2, now))
  close(bench.series.exchange.max, 80 * MS)
  close(bench.series.ack.max, 80 * MS)
  // It was taken at once the first time; sending it again is not a second time.
  assert.equal(bench.series.blocked.count, 1)
})

test('messages that fall due without a connection wait, keep their intended time, and are blocked for so long', () => {
  const bench = ready()
  bench.at(bench.intended(2) - 1 * MS, (now) => bench.device.ended(RESET, now))
  const back = bench.intended(3) + 100 * MS
  bench.at(back, (now) => bench.device.sessionReady(now))
  const { blocked, schedule_delay } = bench.series
  // Numbers 0 and 1 were sent in warm-up and not acknowledged: they go first, and are not blocked messages.
  assert.deepEqual(bench.session.sent, [0, 1, 2, 3])
  assert.equal(blocked.count, 2)
  close(blocked.max, INTERVAL + 100 * MS)
  close(blocked.min, 100 * MS)
  close(schedule_delay.max, 0)
  bench.at(back + 50 * MS, (now) => bench.device.acknowledged(2, now))
  close(bench.series.ack.max, INTERVAL + 150 * MS)
  close(bench.series.exchange.max, 50 * MS)
})

test('what is acknowledged before it is sent again is not sent again', () => {
  const bench = ready()
  bench.at(bench.intended(2), (now) => bench.device.ended(RESET, now))
  bench.at(bench.intended(2) + 1 * MS)
  bench.session.room = 0
  bench.at(bench.intended(2) + 2 * MS, (now) => bench.device.sessionReady(now))
  bench.at(bench.intended(2) + 3 * MS, (now) => bench.device.acknowledged(0, now))
  bench.session.room = Infinity
  bench.at(bench.intended(2) + 4 * MS, (now) => bench.device.unblocked(now))
  assert.deepEqual(bench.session.sent, [1, 2])
})

test('what is left of sending again is sent again by the connection after the next', () => {
  const bench = ready()
  bench.at(bench.intended(2), (now) => bench.device.ended(RESET, now))
  bench.at(bench.intended(2) + 1 * MS, (now) => {
    bench.session.room = 1
    bench.device.sessionReady(now)
  })
  assert.deepEqual(bench.session.sent, [0])
  bench.at(bench.intended(2) + 2 * MS, (now) => bench.device.acknowledged(0, now))
  bench.at(bench.intended(2) + 3 * MS, (now) => bench.device.ended(RESET, now))
  bench.at(bench.intended(2) + 4 * MS, (now) => bench.device.sessionReady(now))
  assert.deepEqual(bench.session.sent, [1, 2])
})

test('best effort sends nothing again, and expects nothing', () => {
  const bench = ready(false)
  bench.at(bench.intended(2))
  assert.equal(bench.unsettled, 0)
  bench.at(bench.intended(2) + 1 * MS, (now) => bench.device.ended(RESET, now))
  bench.at(bench.intended(3) + 1 * MS, (now) => bench.device.sessionReady(now))
  assert.deepEqual(bench.session.sent, [3])
  assert.equal(bench.unsettled, 0)
})

test('a message is settled once: acknowledged twice, or after it was given up, changes nothing', () => {
  const bench = ready()
  bench.at(bench.intended(3), (now) => {
    bench.device.acknowledged(2, now + 1 * MS)
    bench.device.acknowledged(2, now + 2 * MS)
    bench.device.gaveUp(3, 'no answer', now + 3 * MS)
    bench.device.acknowledged(3, now + 4 * MS)
  })
  assert.deepEqual(flags(bench).slice(0, 2), [SENT | ACKNOWLEDGED, SENT | GAVE_UP])
  assert.equal(bench.series.ack.count, 1)
  assert.deepEqual(bench.reasons, ['no answer'])
  // Numbers 0 and 1 are still open.
  assert.equal(bench.unsettled, 2)
})

test('a message that was given up is not sent again', () => {
  const bench = ready()
  bench.at(bench.intended(1), (now) => bench.device.gaveUp(0, 'no answer', now))
  bench.at(bench.intended(1) + 1 * MS, (now) => bench.device.ended(RESET, now))
  bench.at(bench.intended(1) + 2 * MS, (now) => bench.device.sessionReady(now))
  assert.deepEqual(bench.session.sent, [1])
})

test('a closed device closes its session, fires nothing and does not come back', () => {
  const bench = ready()
  const { session } = bench
  bench.at(bench.intended(2), (now) => bench.device.close(now))
  assert.equal(session.closes, 1)
  bench.device.ended(RESET, bench.intended(2))
  bench.at(20 * SECOND)
  assert.deepEqual(session.sent, [0, 1, 2])
  assert.equal(bench.attempts.length, 1)
  assert.equal(bench.device.ready, false)
  assert.deepEqual(bench.ends, [])
})

test('the instants of a connect: plain, security is transport; with TLS each layer has its own', () => {
  const plain = new Bench(PLAN, INTERVAL)
  plain.device.connect(5)
  plain.session.open(20)
  plain.device.sessionReady(30)
  assert.deepEqual(plain.connects, [[5, 20, 20, 30]])
  const secured = new Bench(PLAN, INTERVAL)
  secured.securityOpenedAt = 20
  secured.device.connect(5)
  secured.session.open(40)
  secured.device.sessionReady(50)
  assert.deepEqual(secured.connects, [[5, 20, 40, 50]])
  assert.deepEqual(secured.device.negotiated(), { version: 'test' })
})

test('a connect that needs more than one attempt counts from its very first packet', () => {
  const bench = new Bench(PLAN, INTERVAL)
  bench.device.connect(1 * SECOND)
  bench.at(2 * SECOND, (now) => bench.device.ended(RESET, now))
  bench.at(3 * SECOND, (now) => {
    bench.session.open(now)
    bench.device.sessionReady(now)
  })
  assert.equal(bench.attempts.length, 2)
  assert.deepEqual(bench.connects, [[1 * SECOND, 3 * SECOND, 3 * SECOND, 3 * SECOND]])
})

test('messages that wait go before the session is ready where it takes them, and the first acknowledgement is told once', () => {
  const bench = new Bench(PLAN, INTERVAL)
  bench.device.begin(null)
  bench.at(bench.intended(1) + 1 * MS)
  assert.equal(bench.sessions.length, 0)
  const start = bench.intended(1) + 2 * MS
  bench.at(start, (now) => {
    bench.device.connect(now)
    bench.session.open(now)
    bench.device.takesMessages(bench.session, now)
  })
  assert.deepEqual(bench.session.sent, [0, 1])
  assert.equal(bench.device.ready, false)
  bench.at(start + 5 * MS, (now) => {
    bench.device.sessionReady(now)
    bench.device.acknowledged(0, now)
    bench.device.acknowledged(1, now)
  })
  assert.deepEqual(bench.session.sent, [0, 1])
  assert.deepEqual(bench.firstAcknowledgements, [5 * MS])
})
