import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND, NEVER, SECOND } from '../core/clock.ts'
import { Traffic } from '../core/layer.ts'
import type { Loss } from '../io/memory-datagram.ts'
import { MemoryReactor } from '../io/memory.ts'
import { Histogram } from '../measure/histogram.ts'
import { Echo, Probe } from './probe.ts'

const MS = MILLISECOND
const REMOTE = { host: '10.63.0.1', port: 7 }

/** A probe that expects `roundTrip` on a network that takes 2 x `delay`. */
const probing = (delay: Nanoseconds, roundTrip: Nanoseconds, loss: Loss = () => false) => {
  const reactor = new MemoryReactor({ delay, loss })
  const echo = new Echo()
  const echoed = new Traffic()
  reactor.bindDatagram(REMOTE, echoed, echo, echo)
  const errors = new Histogram()
  const probe = new Probe(roundTrip, errors)
  const traffic = new Traffic()
  reactor.connectDatagram({ remote: REMOTE, owner: probe, traffic }, probe)
  return { reactor, probe, errors, traffic, echoed }
}

test('sends every 200 ms from the first instant until before the last', () => {
  const { reactor, probe, errors, traffic } = probing(10 * MS, 20 * MS)
  probe.begin(1 * SECOND, 200 * MS, 2 * SECOND)
  reactor.arm(probe)
  reactor.runUntil(1 * SECOND)
  assert.equal(traffic.sentCalls, 1)
  reactor.runUntil(10 * SECOND)
  assert.equal(traffic.sentCalls, 5)
  assert.equal(errors.count, 5)
  assert.equal(probe.deadline(), NEVER)
})

test('its error is the difference between the round trip and what it should be, either way', () => {
  for (const [delay, expected] of [
    [10 * MS, 0],
    [13 * MS, 6 * MS],
    [9 * MS, 2 * MS],
  ] as const) {
    const { reactor, probe, errors } = probing(delay, 20 * MS)
    probe.begin(0, 200 * MS, 1)
    reactor.arm(probe)
    reactor.runUntil(1 * SECOND)
    assert.equal(errors.count, 1)
    assert.equal(errors.max, expected)
  }
})

test('a timer that fires late is no error of the network', () => {
  const { reactor, probe, errors } = probing(10 * MS, 20 * MS)
  probe.begin(0, 200 * MS, 1)
  reactor.runUntil(5 * MS)
  probe.expire(5 * MS)
  reactor.runUntil(1 * SECOND)
  assert.equal(errors.max, 0)
})

test('a lost datagram leaves no observation, and one of another size is ignored', () => {
  const { reactor, probe, errors } = probing(10 * MS, 20 * MS, (index) => index === 0)
  probe.begin(0, 200 * MS, 400 * MS)
  reactor.arm(probe)
  reactor.runUntil(1 * SECOND)
  assert.equal(errors.count, 1)
  probe.fromBelow(new Uint8Array(15), 0)
  assert.equal(errors.count, 1)
})

test('a socket that is gone ends the probe', () => {
  const { reactor, probe } = probing(10 * MS, 20 * MS)
  probe.begin(5 * SECOND, 200 * MS, 6 * SECOND)
  reactor.arm(probe)
  probe.closed({ code: 'refused', detail: 'nobody is there' })
  assert.equal(probe.deadline(), NEVER)
})

test('the echo sends back what came, to whom it came from', () => {
  const { reactor, probe, echoed } = probing(10 * MS, 20 * MS)
  probe.begin(0, 200 * MS, 1 * SECOND)
  reactor.arm(probe)
  reactor.runUntil(2 * SECOND)
  assert.equal(echoed.receivedBytes, 5 * 16)
  assert.equal(echoed.sentBytes, echoed.receivedBytes)
})
