import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { monotonic } from '../core/clock.ts'
import { clientContext, serverContext, World, write } from './quic-world.cases.ts'

const [context, peerContext] = [clientContext(), serverContext()]

/** What a stranger may make of a real datagram, or of nothing. */
const mischief = fc.record({
  which: fc.nat(),
  cut: fc.nat(1300),
  flips: fc.array(fc.tuple(fc.nat(1300), fc.integer({ min: 1, max: 255 })), { maxLength: 8 }),
  noise: fc.option(fc.uint8Array({ maxLength: 1300 }), { freq: 4 }),
})
type Mischief = typeof mischief extends fc.Arbitrary<infer T> ? T : never

const forged = (
  real: readonly Uint8Array[],
  { which, cut, flips, noise }: Mischief,
): Uint8Array => {
  if (noise !== null) return new Uint8Array(noise)
  const source = real[which % real.length] ?? new Uint8Array(0)
  const bytes = source.slice(0, Math.max(1, cut))
  for (const [at, by] of flips) if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ by
  return bytes
}

const datagramsOf = (world: World, up: boolean): Uint8Array[] =>
  world.log.filter((datagram) => datagram.up === up).map(({ bytes }) => new Uint8Array(bytes))

test('a server that strangers write to answers with no more than three times their bytes, and serves on', () => {
  const world = new World(peerContext, { retryFrom: 8, connections: 40 })
  world.echo = true
  const device = world.opened({ context })
  const real = datagramsOf(world, true)
  const stranger = world.address(99)
  fc.assert(
    fc.property(fc.array(mischief, { minLength: 1, maxLength: 20 }), (list) => {
      let received = 0
      let sent = 0
      world.log = []
      for (const one of list) {
        const bytes = forged(real, one)
        received += bytes.length
        world.server.fromPeer(stranger, bytes, monotonic())
      }
      for (const { peer, bytes } of world.log) if (peer === stranger) sent += bytes.length
      world.queue = []
      assert.ok(sent <= 3 * received, `${sent} bytes for ${received}`)
      assert.ok(world.server.handshakes <= 8)
    }),
    { numRuns: 100 },
  )
  assert.ok(world.server.dropped > 100)
  const heard = device.top.text.length
  write(device, 'still served')
  world.pump()
  assert.equal(device.top.text.slice(heard), 'still served')
})

test('a client in whose name and to whom strangers write keeps its connection', () => {
  const world = new World(peerContext)
  world.echo = true
  const device = world.opened({ context })
  write(device, 'before')
  world.pump()
  const [up, down] = [datagramsOf(world, true), datagramsOf(world, false)]
  fc.assert(
    fc.property(mischief, fc.boolean(), (one, toServer) => {
      if (toServer) world.server.fromPeer(device.port.peer, forged(up, one), monotonic())
      else device.client.fromBelow(forged(down, one), monotonic())
      world.pump()
    }),
    { numRuns: 500 },
  )
  assert.equal(device.top.cause, null)
  write(device, ' and after')
  world.pump()
  assert.equal(device.top.text, 'before and after')
})

test('a client that only ever hears nonsense gives up in its own time', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 1300 }), { maxLength: 5 }), (list) => {
      const world = new World(peerContext)
      const device = world.join({ context })
      for (const bytes of list) device.client.fromBelow(new Uint8Array(bytes), monotonic())
      assert.equal(device.top.cause, null)
      assert.ok(device.client.deadline() > monotonic())
    }),
    { numRuns: 50 },
  )
})
