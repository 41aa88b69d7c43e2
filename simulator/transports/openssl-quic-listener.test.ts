/** Both clients against a server that is not ours. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EchoWorld } from './openssl-quic-listener.cases.ts'
import type { QuicClientLayer } from './quic-contract.cases.ts'
import { joinOverOpenSsl, joinOverQuiche } from './quic-subjects.cases.ts'
import type { Joined } from './quic-world.cases.ts'
import { OTHER_PKI, write } from './quic-world.cases.ts'

for (const [engine, join] of [
  ['quiche', joinOverQuiche],
  ['openssl', joinOverOpenSsl],
] as const) {
  const check = (title: string, body: (world: EchoWorld) => void | Promise<void>): void =>
    void test(`${engine} against the listener of OpenSSL: ${title}`, async () => {
      const world = new EchoWorld()
      await body(world)
      world.other.free()
    })
  const joined = (world: EchoWorld): Joined<QuicClientLayer> => join(world)

  check(
    'the first answer takes 2 round trips, and the end of the stream is told',
    async (world) => {
      const device = joined(world)
      device.top.onOpen = () => void write(device, 'hello')
      await world.slowRoundTrip()
      assert.deepEqual([device.top.opens, device.top.text], [1, ''])
      await world.slowRoundTrip()
      assert.deepEqual([device.top.text, world.other.heard], ['hello', 'hello'])
      world.other.finish()
      world.pump()
      assert.deepEqual(device.top.cause, { code: 'closed', detail: 'the peer ended the stream' })
    },
  )

  check('more than all windows goes there and comes back whole', async (world) => {
    const device = joined(world)
    world.pump()
    const said = Buffer.alloc(1_500_000, 'abcdefg').toString()
    write(device, Buffer.from(said))
    await world.until(() => device.client.traffic.receivedBytes === said.length, 4000)
    assert.equal(device.top.text, said)
    assert.equal(world.other.heard, said)
  })

  check('losses are made good', async (world) => {
    world.lost = (number) => number % 5 === 0
    const device = joined(world)
    await world.until(() => device.top.opens === 1)
    let said = ''
    for (let i = 0; i < 20; i++) {
      said += `message ${i};`
      write(device, `message ${i};`)
    }
    await world.until(() => device.top.text === said)
  })

  check('its certificate must come from a known authority', (world) => {
    const device = join(world, { authority: OTHER_PKI.authority })
    world.pump()
    assert.equal(device.top.cause?.code, 'certificate')
    assert.equal(device.top.opens, 0)
  })
}
