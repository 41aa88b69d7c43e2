import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, NEVER, SECOND } from '../core/clock.ts'
import { PLAIN_TCP, type TcpFound } from '../core/tcp.ts'
import type { TcpOptions } from '../core/types.ts'
import type { Reactor, StreamOptions } from '../io/reactor.ts'
import type { Device } from './device.ts'
import { PileFactory } from './pile.ts'
import { configOf } from './world.cases.ts'

/** What the reactor is asked for when a device of such a stack connects, and the factory that asked. */
const askedFor = (tcp: TcpOptions): { factory: PileFactory; options: StreamOptions } => {
  const plain = configOf({ protocol: 'mqtt' })
  const factory = new PileFactory({ ...plain, stack: { ...plain.stack, tcp } })
  const asked: StreamOptions[] = []
  const reactor = { connectStream: (options: StreamOptions) => void asked.push(options) }
  const device = { index: 0, timerSlot: -1, deadline: () => NEVER, expire() {} }
  factory.open(reactor as unknown as Reactor, device as unknown as Device, '10.64.0.1')
  const [options] = asked
  assert.ok(options !== undefined)
  return { factory, options }
}

test("a device's socket is asked for what its stack asks of TCP", () => {
  const plain = askedFor(PLAIN_TCP).options
  assert.deepEqual([plain.noDelay, plain.keepalive, plain.userTimeout], [true, null, null])
  const { options } = askedFor({
    ...PLAIN_TCP,
    nodelay: false,
    keepalive: 60 * SECOND,
    userTimeout: 1500 * MILLISECOND,
  })
  assert.deepEqual(
    [options.noDelay, options.keepalive, options.userTimeout],
    [false, 60 * SECOND, 1500 * MILLISECOND],
  )
})

test('what the first connection is found to have is kept for the audit', () => {
  const { factory, options } = askedFor(PLAIN_TCP)
  assert.equal(factory.tcp.found, null)
  const found = { congestion: 'cubic' } as TcpFound
  assert.ok(options.record !== undefined)
  options.record.found = found
  assert.equal(factory.tcp.found, found)
})
