import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { monotonic } from '../core/clock.ts'
import { forged, mischief } from './quic-mischief.cases.ts'
import { clientContext, serverContext, World, write } from './quic-world.cases.ts'

const [context, peerContext] = [clientContext(), serverContext()]

test('a server that strangers write to answers with no more than three times their bytes, and serves on', () => {
  const world = new World(peerContext, { retryFrom: 8, connections: 40 })
  world.echo = true
  const device = world.opened({ context })
  const real = world.sent(true)
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
