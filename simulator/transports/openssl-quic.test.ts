import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, monotonic, NEVER, SECOND } from '../core/clock.ts'
import { ThingbenchError } from '../core/errors.ts'
import { Traffic } from '../core/layer.ts'
import { EchoWorld } from './openssl-quic-listener.cases.ts'
import { OpenSslQuicClient, OpenSslQuicContext } from './openssl-quic.ts'
import { quicClientCases } from './quic-client.cases.ts'
import { clientHello, destination, serverHello } from './quic-initial.cases.ts'
import { joinOverOpenSsl, OPENSSL } from './quic-subjects.cases.ts'
import { NAME, serverContext, World, write } from './quic-world.cases.ts'
import { TlsTickets } from './tls-tickets.ts'

quicClientCases({
  engine: 'openssl',
  congestion: 'reno',
  newTickets: () => new TlsTickets(),
  join: joinOverOpenSsl,
})

const [KEY_SHARE, X25519, TLS_AES_128_GCM_SHA256] = [51, 0x001d, 0x1301]

test('OpenSSL offers X25519 and AES-128-GCM alone, and both ends agree on them', () => {
  const world = new World()
  const device = joinOverOpenSsl(world)
  world.pump()
  const [up, down] = [world.sent(true)[0], world.sent(false)[0]]
  assert.ok(up !== undefined && down !== undefined)
  const offer = clientHello(up)
  assert.deepEqual(offer.ciphers, [TLS_AES_128_GCM_SHA256])
  assert.equal(offer.extensions.get(KEY_SHARE)?.readUInt16BE(2), X25519)
  const { extensions } = serverHello(down, destination(up))
  assert.equal(extensions.get(KEY_SHARE)?.readUInt16BE(0), X25519)
  const { cipher, group } = device.client.negotiated()
  assert.deepEqual([cipher, group], ['TLS_AES_128_GCM_SHA256', 'x25519'])
})

test('OpenSSL sends a PING at half of the idle timeout, which holds an idle connection', async () => {
  const world = new World()
  const context = { idleTimeout: 200 * MILLISECOND }
  const device = joinOverOpenSsl(world, context)
  world.pump()
  await world.pass(50)
  world.log = []
  await world.pass(500)
  assert.equal(device.top.cause, null)
  const pings = world.sizes(true).length
  // Each is acknowledged, and an acknowledgement of the server is not acknowledged.
  assert.ok(pings >= 4 && pings <= 6, `${pings}`)
})

test('an idle connection wakes up for its PING alone', () => {
  const world = new World()
  const device = joinOverOpenSsl(world)
  world.pump()
  let now = monotonic()
  for (let i = 0; i < 3; i++) {
    now = Math.max(now, device.client.deadline())
    device.client.expire(now)
  }
  // Half of 30 s, but OpenSSL's own clock stands still meanwhile.
  assert.ok(device.client.deadline() > now + 14_000 * MILLISECOND)
})

test('with a full window the close is not told to the server, and nothing stays behind here', () => {
  const world = new World()
  const device = joinOverOpenSsl(world)
  world.pump()
  write(device, Buffer.alloc(600_000))
  world.queue = []
  device.client.close(monotonic())
  assert.ok(device.port.closed)
  assert.equal(device.client.deadline(), NEVER)
  assert.equal(world.queue.length, 0)
})

test('the secrets of a connection come as lines', () => {
  const lines: string[] = []
  const context = new OpenSslQuicContext({ ...OPENSSL, keylog: (line) => lines.push(line) })
  const world = new World()
  world.attach(new OpenSslQuicClient(context, new Traffic(), NAME))
  world.pump()
  context.close()
  assert.ok(lines.some((line) => /^CLIENT_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]+$/.test(line)))
})

test('an authority that is no PEM is refused with words', () => {
  assert.throws(
    () => new OpenSslQuicContext({ ...OPENSSL, authority: 'no PEM' }),
    (error) => error instanceof ThingbenchError && error.code === 'TB_TLS_SETUP',
  )
})

test('connections give their memory back, however they end', () => {
  const tickets = new TlsTickets()
  const round = (): void => {
    const served = new EchoWorld()
    const device = joinOverOpenSsl(served, { tickets })
    served.pump()
    write(device, 'hello')
    served.pump()
    assert.equal(device.top.text, 'hello')
    device.client.close(monotonic())
    served.other.free()
    const elsewhere = new EchoWorld()
    const stranger = joinOverOpenSsl(elsewhere, { name: 'other.test' })
    elsewhere.pump()
    assert.equal(stranger.top.cause?.code, 'certificate')
    elsewhere.other.free()
    const silent = joinOverOpenSsl(elsewhere)
    silent.client.closed({ code: 'refused', detail: '' }, monotonic())
  }
  for (let i = 0; i < 100; i++) round()
  const before = process.memoryUsage.rss()
  for (let i = 0; i < 250; i++) round()
  const grown = process.memoryUsage.rss() - before
  // One connection of each round that stayed would take 60 KiB: 15 MiB.
  assert.ok(grown < 9 * 2 ** 20, `${grown} bytes`)
})

test('where no end names an idle timeout, OpenSSL has one of 30 s all the same', async () => {
  const world = new World(serverContext({ idleTimeout: 0 }))
  const device = joinOverOpenSsl(world, { idleTimeout: 0 })
  world.pump()
  await world.pass(60)
  const left = (device.client.deadline() - monotonic()) / SECOND
  assert.ok(left > 14 && left < 15, `a PING in ${left} s`)
})
