import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { monotonic, NEVER, SECOND, MILLISECOND } from '../core/clock.ts'
import { ThingbenchError } from '../core/errors.ts'
import { clientContext, OTHER_PKI, serverContext, World, write } from './quic-world.cases.ts'

test('a handshake opens the session above, and bytes go both ways', () => {
  const world = new World()
  const device = world.join()
  assert.equal(device.top.opens, 0)
  world.pump()
  assert.equal(device.top.opens, 1)
  assert.ok(device.client.establishedAt >= device.client.openedAt)
  assert.equal(world.server.openConnections, 1)
  assert.ok(write(device, 'hello'))
  world.pump()
  assert.equal(world.session().top().text, 'hello')
  assert.equal(world.session().top().opens, 1)
  assert.ok(world.session().top().below.fromAbove(Buffer.from('good day'), monotonic()))
  world.pump()
  assert.equal(device.top.text, 'good day')
  assert.deepEqual(device.client.negotiated(), { version: 'QUIC 1, TLS 1.3', congestion: 'bbr' })
})

test('a handshake takes two datagrams up of which the first is full, and one flight down', () => {
  const world = new World()
  world.opened()
  assert.deepEqual(world.sizes(true).slice(0, 2), [1200, 1200])
  assert.equal(world.sizes(false)[0], 1200)
  for (const { bytes } of world.log) assert.ok(bytes.length <= 1200)
})

test('traffic counts what crosses the upper boundary', () => {
  const world = new World()
  world.echo = true
  const device = world.opened()
  write(device, 'four')
  write(device, 'letters')
  world.pump()
  const { traffic } = device.client
  assert.deepEqual([traffic.sentBytes, traffic.sentCalls, traffic.receivedBytes], [11, 2, 11])
  assert.deepEqual([world.server.traffic.receivedBytes, world.server.traffic.sentBytes], [11, 11])
})

test('an answer carries the acknowledgement of what it answers', () => {
  const world = new World()
  world.echo = true
  const device = world.opened()
  write(device, 'once')
  world.pump()
  world.log = []
  write(device, 'twice')
  world.pump()
  assert.deepEqual(world.log.map(({ up }) => up), [true, false, true]) // prettier-ignore
})

test('nothing can be sent before the session is open', () => {
  const world = new World()
  const device = world.join()
  assert.equal(write(device, 'early'), false)
  assert.deepEqual(device.client.negotiated(), {})
})

test('more than the congestion window is taken whole, then nothing until there is room', async () => {
  const world = new World()
  const device = world.opened()
  const large = Buffer.alloc(300_000, 'abcdefg')
  assert.equal(write(device, large), true)
  assert.equal(write(device, 'more'), false)
  assert.equal(device.top.readies, 0)
  await world.until(() => device.top.readies === 1)
  assert.equal(write(device, 'more'), true)
  const session = world.session()
  await world.until(() => session.top().text.endsWith('more'))
  assert.ok(
    Buffer.concat(session.top().received).equals(Buffer.concat([large, Buffer.from('more')])),
  )
})

test('a datagram that the socket refuses goes out when it takes them again', () => {
  const world = new World()
  const device = world.opened()
  device.port.full = true
  assert.ok(write(device, 'kept'))
  world.pump()
  assert.equal(world.sessions.length, 0)
  device.port.full = false
  device.client.ready(monotonic())
  world.pump()
  assert.equal(world.session().top().text, 'kept')
})

test('losses are made good', async () => {
  const world = new World()
  world.echo = true
  world.lost = (number) => number % 5 === 0
  const device = world.join()
  await world.until(() => device.top.opens === 1)
  for (let i = 0; i < 20; i++) write(device, `message ${i};`)
  await world.until(() => device.top.text.endsWith('message 19;'))
  assert.equal(device.top.text, world.session().top().text)
  assert.ok((device.client.stats()?.lost ?? 0) > 0)
})

test('our close reaches the server, which tells its piles, and nobody above us', () => {
  const world = new World()
  const device = world.opened()
  write(device, 'last words')
  device.client.close(monotonic())
  world.pump()
  assert.equal(device.top.cause, null)
  assert.ok(device.port.closed)
  assert.equal(device.client.deadline(), NEVER)
  assert.equal(world.session().top().text, 'last words')
  assert.equal(world.session().top().cause?.code, 'closed')
  assert.equal(world.session().cause?.code, 'closed')
  assert.equal(world.server.openConnections, 0)
  device.client.close(monotonic())
  assert.equal(write(device, 'too late'), false)
})

test('the close of the server ends the session above with its words', () => {
  const world = new World()
  const device = world.opened()
  write(device, 'hello')
  world.pump()
  world.session().peer.close(monotonic())
  world.pump()
  assert.deepEqual(device.top.cause, {
    code: 'closed',
    detail: 'the peer closed the QUIC connection',
  })
  assert.ok(device.port.closed)
})

test('the end of the stream is the end of the session above', () => {
  const world = new World()
  const device = world.opened()
  write(device, 'hello')
  world.pump()
  const stream = world.session().streams.get(0)
  stream?.fromAbove(Buffer.from('and bye'), monotonic())
  stream?.close(monotonic())
  world.pump()
  assert.equal(device.top.text, 'and bye')
  assert.deepEqual(device.top.cause, { code: 'closed', detail: 'the peer ended the stream' })
  assert.equal(world.server.openConnections, 0, 'the client closed the connection')
})

test('two ends without a protocol in common say so', () => {
  const world = new World()
  const device = world.join({ context: clientContext({ alpn: 'http/1.1' }) })
  world.pump()
  assert.equal(device.top.cause?.code, 'alert')
  assert.match(device.top.cause.detail, /no application protocol in common.*http\/1\.1/)
  assert.equal(device.top.opens, 0)
  assert.equal(world.server.handshakes, 0)
})

test('a certificate of another authority, or for another name, is refused', () => {
  const world = new World()
  const stranger = world.join({ context: clientContext({ authority: OTHER_PKI.authority }) })
  const elsewhere = world.join({ name: 'other.test' })
  world.pump()
  assert.equal(stranger.top.cause?.code, 'certificate')
  assert.match(stranger.top.cause.detail, /certificate of server\.test was refused \(unknown_ca\)/)
  assert.equal(elsewhere.top.cause?.code, 'certificate')
  assert.match(elsewhere.top.cause.detail, /certificate of other\.test was refused/)
  assert.equal(world.server.handshakes + world.server.openConnections, 0)
})

test('silence: the first flight is to be sent again after 1 s, and the handshake ends after 30 s', () => {
  const world = new World()
  world.lost = () => true
  const device = world.join()
  // Twice the initial round trip of 333 ms and more (RFC 9002 sections 6.2.1 and 6.2.2).
  const left = world.nextDeadline()
  assert.ok(left > 800 && left <= 1001, `${left} ms`)
  device.client.expire(monotonic() + 31 * SECOND)
  assert.deepEqual(device.top.cause, {
    code: 'timeout',
    detail: 'no QUIC handshake within its time: no answer at all',
  })
})

test('an idle connection ends at its idle timeout, and a keep-alive holds it', async () => {
  const idleTimeout = 300 * MILLISECOND
  const world = new World()
  const silent = world.opened({ context: clientContext({ idleTimeout }) })
  const kept = world.opened({
    context: clientContext({ idleTimeout, keepalive: 75 * MILLISECOND }),
  })
  await world.until(() => silent.top.cause !== null)
  assert.deepEqual(silent.top.cause, {
    code: 'timeout',
    detail: 'nothing came from the peer for 0.3 s (idle timeout)',
  })
  await world.pass(250)
  assert.equal(kept.top.cause, null)
  assert.ok(kept.client.isOpen)
})

test('the error of the socket ends the connection', () => {
  const world = new World()
  const device = world.join()
  device.client.closed({ code: 'refused', detail: 'nobody is there' }, monotonic())
  assert.deepEqual(device.top.cause, { code: 'refused', detail: 'nobody is there' })
  assert.equal(device.client.deadline(), NEVER)
})

test('garbage and late copies change nothing', () => {
  const world = new World()
  const device = world.opened()
  const copies = world.log.filter(({ up }) => !up)
  device.client.fromBelow(Buffer.alloc(40, 0x41), monotonic())
  device.client.fromBelow(new Uint8Array(0), monotonic())
  for (const { bytes } of copies) device.client.fromBelow(new Uint8Array(bytes), monotonic())
  world.pump()
  assert.ok(write(device, 'still here'))
  world.pump()
  assert.equal(world.session().top().text, 'still here')
})

test('the secrets of a connection are written for Wireshark', () => {
  const folder = mkdtempSync(join(tmpdir(), 'thingbench-quic-'))
  try {
    const keylog = join(folder, 'keys.log')
    const world = new World()
    world.opened({ context: clientContext({ keylog }) })
    const lines = readFileSync(keylog, 'utf8').trim().split('\n')
    assert.ok(lines.some((line) => /^CLIENT_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]+$/.test(line)))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('what is no PEM is refused with words', () => {
  const isSetup = (error: unknown): boolean =>
    error instanceof ThingbenchError && error.code === 'TB_TLS_SETUP'
  assert.throws(() => serverContext({ certificate: 'no PEM' }), isSetup)
  assert.throws(() => serverContext({ key: OTHER_PKI.key }), isSetup)
  assert.throws(() => serverContext({ key: 'no PEM' }), isSetup)
  assert.throws(() => clientContext({ authority: 'no PEM' }), isSetup)
})
