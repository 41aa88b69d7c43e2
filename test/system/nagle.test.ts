/** Nagle's algorithm on a real link (needs root): where it shows in latencies it is found, where it is off it is not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, SECOND, type Nanoseconds } from '../../simulator/core/clock.ts'
import { Histogram } from '../../simulator/measure/histogram.ts'
import { findNagle } from '../../simulator/measure/nagle.ts'
import { skip } from './link-ends.cases.ts'
import { connectAndRun, linkWith } from './tcp-ends.cases.ts'

const MESSAGE = 20

interface Messages {
  /** One way. */
  readonly delay: Nanoseconds
  readonly interval: Nanoseconds
  readonly lasting: Nanoseconds
  /** In which a message leaves. */
  readonly writes: number
  /** Whether the server answers a whole message. */
  readonly answers: boolean
}

/** What is found in the latencies of such messages, with Nagle's algorithm or without. */
const sought = async (noDelay: boolean, asked: Messages) => {
  const { delay, interval, lasting, writes, answers } = asked
  await using link = await linkWith({ nodelay: noDelay }, { delay })
  const latency = new Histogram()
  connectAndRun(link, { noDelay }, (above, below, reactor) => {
    const part = new Uint8Array(MESSAGE / writes)
    let sent = 0
    let received = 0
    let first = 0
    above.onOpen = (now) => {
      first = now + 100 * MILLISECOND
      above.at = first
    }
    above.onTime = (now) => {
      for (let i = 0; i < writes; i++) above.below.fromAbove(part, now)
      sent++
      above.at = first + sent * interval
      if (above.at > first + lasting) above.onTime = () => reactor.stop()
    }
    below.onBytes = (length, now) => {
      received += length
      while (received - latency.count * MESSAGE >= MESSAGE) {
        latency.record(now - first - latency.count * interval)
        if (answers) below.below.fromAbove(new Uint8Array(4), now)
      }
    }
  })
  const quiet = { blur: 0, interval, retransmitted: 0 }
  const found = findNagle(latency, { oneWay: delay, roundTrip: 2 * delay, ...quiet })
  const said = [0.05, 0.5, 0.95, 1].map((q) =>
    ((latency.quantile(q) ?? NaN) / MILLISECOND).toFixed(1),
  )
  return {
    found,
    count: latency.count,
    said: `${JSON.stringify(found)}; p5, p50, p95, max: ${said.join(', ')} ms`,
  }
}

for (const answers of [false, true])
  test(
    `Nagle's algorithm is found where messages come faster than acknowledgements, and gone without it${answers ? '; the server answers' : ''}`,
    { skip },
    async (t) => {
      const asked = {
        delay: 30 * MILLISECOND,
        interval: 10 * MILLISECOND,
        lasting: 4 * SECOND,
        writes: 1,
        answers,
      }
      const { found, said } = await sought(false, asked)
      t.diagnostic(said)
      assert.equal(found?.shape, 'ramp')
      const without = await sought(true, asked)
      t.diagnostic(without.said)
      assert.ok(without.count >= 300)
      assert.equal(without.found, null)
    },
  )

test(
  "a message of two writes waits RTT + 40 ms with Nagle's algorithm and a delayed acknowledgement",
  { skip },
  async (t) => {
    const asked = {
      delay: 10 * MILLISECOND,
      interval: 120 * MILLISECOND,
      lasting: 15 * SECOND,
      writes: 2,
      answers: true,
    }
    const { found, said } = await sought(false, asked)
    t.diagnostic(said)
    assert.equal(found?.shape, 'step')
    // A timer of 40 ms, and a tick.
    assert.ok(Math.abs(found.beyond - 42 * MILLISECOND) < 8 * MILLISECOND)
    const without = await sought(true, asked)
    t.diagnostic(without.said)
    assert.ok(without.count >= 100)
    assert.equal(without.found, null)
  },
)
