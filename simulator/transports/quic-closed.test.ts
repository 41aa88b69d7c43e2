/** What a client hears that goes on after the server has closed: RFC 9000 sections 10.2 and 10.3. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { monotonic } from '../core/clock.ts'
import { ResetTokens } from './quic-reset.ts'
import type { Joined } from './quic-world.cases.ts'
import { clientContext, serverContext, World, write } from './quic-world.cases.ts'

const context = serverContext()

/** A client that did not hear the server's CONNECTION_CLOSE. */
const forsaken = (world: World, error = 77): Joined => {
  const device = world.opened()
  write(device, 'hello')
  world.pump()
  world.lost = () => true
  world.session().peer.close(monotonic(), error)
  world.lost = () => false
  assert.equal(world.server.openConnections, 0)
  assert.equal(device.top.cause, null)
  return device
}

test('who did not hear the close hears it again, with its error', () => {
  const world = new World(context)
  const device = forsaken(world)
  write(device, 'more')
  world.pump()
  const detail = 'the peer ended the QUIC connection with application error 77'
  assert.deepEqual(device.top.cause, { code: 'reset', detail })
})

test('each repetition waits for twice as many datagrams', () => {
  const world = new World(context)
  const device = forsaken(world)
  write(device, 'more')
  const packet = world.queue[0]
  assert.ok(packet)
  world.log = []
  for (let i = 0; i < 100; i++) world.deliver(packet)
  assert.equal(world.sizes(false).length, 7)
})

test('the same after a handshake that failed, and its Initial opens no other connection', () => {
  const world = new World(context)
  const device = world.join({ context: clientContext({ alpn: 'http/1.1' }) })
  world.lost = (_number, { up }) => !up
  const initial = world.queue[0]
  assert.ok(initial)
  world.pump()
  world.lost = () => false
  world.deliver(initial)
  assert.equal(world.server.handshakes, 0)
  world.pump()
  assert.match(String(device.top.cause?.detail), /no application protocol in common/)
})

test('when three probe timeouts have passed a stateless reset tells the client', () => {
  const world = new World(context)
  const device = forsaken(world)
  world.forget()
  write(device, 'more')
  world.pump()
  const detail = 'the peer does not know the QUIC connection any more (stateless reset)'
  assert.deepEqual(device.top.cause, { code: 'reset', detail })
})

test('what was under way when the client closed is answered by nothing', () => {
  const world = new World(context)
  const device = world.opened()
  write(device, 'hello')
  const [late] = world.queue
  assert.ok(late)
  world.pump()
  device.client.close(monotonic())
  world.pump()
  world.log = []
  world.deliver(late)
  assert.deepEqual(world.log, [])
  world.forget()
  world.deliver(late)
  assert.equal(world.sizes(false).length, 1)
})

test('a server that has closed has no deadlines left', () => {
  const world = new World(context)
  world.opened()
  const before = world.armed
  world.server.close(monotonic())
  assert.equal(world.armed, before - 1, 'only the client')
})

test('a reset is shorter than what it answers, looks like a packet, and what is too short gets none', () => {
  const tokens = new ResetTokens()
  for (let length = 0; length < 60; length++) {
    const packet = new Uint8Array(length).fill(7)
    const answer = tokens.answer(packet)
    if (length < 22) assert.equal(answer, null)
    else {
      assert.ok(answer)
      assert.equal(answer.length, Math.min(length - 1, 43))
      assert.equal((answer[0] ?? 0) >> 6, 1)
      const token = Buffer.from(answer.subarray(-16)).toString('hex')
      assert.equal(BigInt(`0x${token}`), tokens.of(packet.subarray(1, 9)))
    }
  }
})
