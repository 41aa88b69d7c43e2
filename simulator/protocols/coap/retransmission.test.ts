/** The laws of RFC 7252 section 4.2 under independent loss p per datagram, each way, against their closed forms. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, SECOND } from '../../core/clock.ts'
import { BackToBack } from './back-to-back.cases.ts'

/** Longer than MAX_TRANSMIT_WAIT, so that NSTART never holds a message back. */
const INTERVAL = 100 * SECOND
const ATTEMPTS = [0, 1, 2, 3, 4]
/** Mean time from the first copy to copy k: 2.5 s is the mean of the first timeout. */
const meanWait = (k: number): number => 2.5 * (2 ** k - 1)
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
const mean = (values: readonly number[]): number => sum(values) / values.length

const within = (found: number, expected: number, tolerance: number, what: string): void =>
  assert.ok(
    Math.abs(found - expected) <= tolerance * expected,
    `${what}: ${found}, expected ${expected} within ${tolerance * 100} %`,
  )

const laws = [
  { p: 0.05, n: 20000, copies: 1.108, failed: 8.8e-6, extra: 0.302, delivery: 0.139 },
  { p: 0.1, n: 20000, copies: 1.234, failed: 2.5e-4, extra: 0.741, delivery: 0.312 },
  { p: 0.2, n: 10000, copies: 1.553, failed: 6.05e-3, extra: 2.137, delivery: 0.8 },
  { p: 0.3, n: 10000, copies: 1.97, failed: 3.45e-2, extra: 4.103, delivery: 1.545 },
]

for (const { p, n, copies, failed, extra, delivery } of laws)
  test(`at ${p * 100} % loss, copies, failures, exchange time and delivery follow their closed forms`, () => {
    const network = new BackToBack({ reliability: 'acknowledged', seed: 7 })
    const { device, log } = network
    const registration = device.transmissions
    network.loss = p
    for (let k = 0; k < n; k++) {
      assert.ok(network.send(k))
      network.runUntil(network.now + INTERVAL)
    }
    // The table of values above, from the formulas: so that a slip in either shows.
    const q = (1 - p) ** 2
    const formulaCopies = sum(ATTEMPTS.map((k) => (1 - q) ** k))
    const formulaExtra = sum(
      ATTEMPTS.map((k) => (q * (1 - q) ** k * meanWait(k)) / (1 - (1 - q) ** 5)),
    )
    const formulaDelivery = sum(
      ATTEMPTS.map((k) => ((1 - p) * p ** k * meanWait(k)) / (1 - p ** 5)),
    )
    within(formulaCopies, copies, 0.001, 'formula of copies')
    within(formulaExtra, extra, 0.002, 'formula of exchange time')
    within(formulaDelivery, delivery, 0.005, 'formula of delivery')
    within((1 - q) ** 5, failed, 0.01, 'formula of failures')

    within((device.transmissions - registration) / n, copies, 0.02, 'copies per request')
    const seconds = (sequence: number, at: number): number =>
      (at - (log.sentAt.get(sequence) as number)) / SECOND
    within(
      mean([...log.answeredAt].map(([k, at]) => seconds(k, at))),
      extra,
      0.05,
      'extra exchange time',
    )
    within(
      mean(network.received.map(({ text, at }) => seconds(Number(text), at))),
      delivery,
      0.05,
      'extra delivery time',
    )
    // Counts of rare events: within four standard deviations of a Poisson count.
    const rare = (found: number, expected: number, what: string): void =>
      assert.ok(
        Math.abs(found - expected) <= 4 * Math.sqrt(expected) + 1,
        `${what}: ${found}, expected ${expected}`,
      )
    rare(log.failures, failed * n, 'gave up')
    rare(n - network.received.length, p ** 5 * n, 'never delivered')
    assert.equal(log.answeredAt.size + log.failures, n)
    assert.equal(new Set(network.received.map(({ text }) => text)).size, network.received.length)
    assert.ok(network.server.duplicates > 0)
  })

test('copies of an unanswered request follow after 2 to 3 s, then after twice the time before, and the last wait counts', () => {
  const first: number[] = []
  for (let seed = 0; seed < 200; seed++) {
    const network = new BackToBack({ reliability: 'acknowledged', seed })
    network.loss = 1
    network.send(0)
    const start = network.now
    const instants: number[] = []
    for (let copies = network.device.transmissions; network.log.failures === 0;) {
      const deadline = network.device.deadline()
      network.runUntil(deadline)
      if (network.device.transmissions > copies) instants.push(deadline - start)
      copies = network.device.transmissions
    }
    const timeout = instants[0] as number
    assert.deepEqual(
      instants.map((at) => Math.round((at / timeout) * 1e6) / 1e6),
      [1, 3, 7, 15],
    )
    // MAX_TRANSMIT_WAIT: 31 timeouts, 62 to 93 s.
    assert.ok(Math.abs(network.now - start - 31 * timeout) < 1000)
    first.push(timeout / SECOND)
  }
  assert.ok(Math.min(...first) >= 2 && Math.max(...first) < 3)
  within(mean(first), 2.5, 0.02, 'mean first timeout')
})

test("ACK_TIMEOUT and MAX_RETRANSMIT are the scenario's", () => {
  const options = { ack_timeout: 100 * MILLISECOND, max_retransmit: 1 }
  const network = new BackToBack({ reliability: 'acknowledged', options })
  network.loss = 1
  const before = network.device.transmissions
  const start = network.now
  network.send(0)
  network.runUntil(start + SECOND)
  assert.equal(network.device.transmissions - before, 2)
  assert.equal(network.log.lines.at(-1), 'gaveUp 0 no answer')
})

test('a round trip longer than the timeout costs copies and no second delivery', () => {
  const network = new BackToBack({ reliability: 'acknowledged', delay: 2 * SECOND })
  network.runUntil(network.now + 10 * SECOND)
  const before = network.device.transmissions
  network.send(0)
  network.runUntil(network.now + 100 * SECOND)
  // 1 + floor(log2(RTT / T0 + 1)) with 4 s and 2 to 3 s.
  assert.equal(network.device.transmissions - before, 2)
  assert.equal(network.received.length, 1)
  assert.deepEqual(network.log.lines.slice(-2), ['transmitted 0', 'acknowledged 0'])
})

test('with NSTART 1 and a CON every 2 s at 5 % loss, a message is delivered 0.38 s after its time on average', () => {
  const network = new BackToBack({ reliability: 'acknowledged', seed: 3 })
  network.loss = 0.05
  const n = 20000
  const start = network.now
  let intended = 0
  let next = 0
  const pump = (): void => {
    while (next < intended && network.send(next)) next++
  }
  network.log.onUnblocked = pump
  for (; intended < n;) {
    intended++
    pump()
    network.runUntil(start + intended * 2 * SECOND)
  }
  network.runUntil(network.now + 500 * SECOND)
  const late = network.received.map(({ text, at }) => (at - start) / SECOND - 2 * Number(text))
  within(mean(late), 0.38, 0.1, 'delivery after the intended time')
  assert.equal(next, n)
})
