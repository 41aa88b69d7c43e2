/** What every device session does (protocols/session.cases.ts), of the one by the package `mqtt`, as far as real sockets let it be seen. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { NEVER } from '../../core/clock.ts'
import { Traffic } from '../../core/layer.ts'
import { connect } from '../../protocols/mqtt/connect.ts'
import { publish } from '../../protocols/mqtt/generate.ts'
import {
  CONNACK,
  LoopbackServer,
  NAME,
  dial,
  pki,
  puback,
  willing,
  type Answer,
} from './server.cases.ts'
import { secureContext } from './tls-context.ts'

const payloadOf = (sequence: number): Buffer => Buffer.from(String(sequence).padStart(8, '0'))
const now = 0
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** What our own session says with the defaults of a scenario. */
const HELLO = {
  clientId: 'd000042',
  keepAlive: 60,
  cleanStart: true,
  sessionExpiry: 0,
  receiveMaximum: 65_535,
  will: null,
  credentials: null,
}
const STYLE = { topic: 'd', retain: false, userProperties: new Uint8Array(0) } as const

const trusting = { context: createSecureContext({ ca: pki.authority }), serverName: NAME }

test('a session takes nothing before it is ready, and is ready once', async () => {
  await using server = await LoopbackServer.start(willing)
  const { session, log, connection } = dial(server.port, 'acknowledged')
  assert.ok(Number.isNaN(session.openedAt))
  assert.equal(session.send(0, payloadOf(0), now), false)
  await log.until(/^ready$/)
  assert.deepEqual(log.lines, ['ready'])
  assert.ok(session.openedAt >= connection.transportAt && connection.transportAt > 0)
  assert.equal(session.outstanding(), 0)
  assert.equal(session.deadline(), NEVER)
  session.close()
})

for (const reliability of ['best-effort', 'acknowledged'] as const)
  for (const version of ['3.1.1', '5'])
    test(`${reliability}, MQTT ${version}: the bytes of CONNECT and PUBLISH are those of our own session`, async () => {
      const v5 = version === '5'
      const answer: Answer = (packet, socket) =>
        packet[0] === 0x10 && v5
          ? socket.write(Uint8Array.of(0x20, 3, 0, 0, 0))
          : willing(packet, socket)
      await using server = await LoopbackServer.start(answer)
      const { session, log, connection } = dial(server.port, reliability, { version })
      await log.until(/^ready$/)
      assert.equal(session.send(7, payloadOf(7), now), true)
      assert.deepEqual(log.lines, ['ready', 'transmitted 7'])
      const acknowledged = reliability === 'acknowledged'
      assert.equal(session.outstanding(), acknowledged ? 1 : 0)
      if (acknowledged) await log.until(/^acknowledged 7$/)
      await server.heard(2)
      assert.equal(session.outstanding(), 0)
      const [first, second = Buffer.alloc(0)] = server.packets
      assert.deepEqual(first, Buffer.from(connect({ ...HELLO, v5 })))
      const id = acknowledged ? second.readUInt16BE(4 + second.readUInt16BE(2)) : 0
      assert.deepEqual(
        second,
        Buffer.from(
          publish({ ...STYLE, v5, qos: acknowledged ? 1 : 0 }, 42, id, false, 'name', payloadOf(7)),
        ),
      )
      const counted = new Traffic()
      connection.count(counted, counted, counted)
      assert.equal(
        counted.sentBytes,
        server.packets.reduce((sum, { length }) => sum + length, 0),
      )
      session.close()
    })

test('what was refused is followed by unblocked, and all arrives in order', async () => {
  // CONNACK of MQTT 5 with Receive Maximum 2.
  const answer: Answer = (packet, socket) =>
    packet[0] === 0x10
      ? socket.write(Uint8Array.of(0x20, 6, 0, 0, 3, 0x21, 0, 2))
      : willing(packet, socket)
  await using server = await LoopbackServer.start(answer)
  const { session, log } = dial(server.port, 'acknowledged', { version: '5' })
  await log.until(/^ready$/)
  let next = 0
  let most = 0
  for (let turn = 0; turn < 2000 && next < 20; turn++) {
    while (next < 20 && session.send(next, payloadOf(next), now)) next++
    most = Math.max(most, session.outstanding())
    await wait(1)
  }
  await log.until(/^acknowledged 19$/)
  assert.equal(most, 2)
  assert.ok(log.lines.includes('unblocked'))
  const told = log.lines.filter((line) => line.startsWith('acknowledged '))
  assert.deepEqual(
    told,
    Array.from({ length: 20 }, (_, k) => `acknowledged ${k}`),
  )
  const texts = server.packets.slice(1).map((packet) => packet.toString().slice(-8))
  assert.deepEqual(
    texts,
    Array.from({ length: 20 }, (_, k) => payloadOf(k).toString()),
  )
  session.close()
})

test('close says DISCONNECT, is not told as an end, and nothing follows', async () => {
  await using server = await LoopbackServer.start(willing)
  const { session, log } = dial(server.port, 'acknowledged')
  await log.until(/^ready$/)
  session.close()
  session.close()
  assert.equal(session.send(1, payloadOf(1), now), false)
  await server.heard(2)
  assert.equal(server.packets.at(-1)?.toString('hex'), 'e000')
  await wait(20)
  assert.deepEqual(log.lines, ['ready'])
})

const ENDS: readonly (readonly [string, Answer, string, RegExp])[] = [
  ['wrong credentials', (_, socket) => socket.write(Uint8Array.of(0x20, 2, 0, 5)), 'authentication', /not authorized/],
  ['an orderly end', (_, socket) => socket.end(CONNACK), 'closed', /peer closed/],
  ['a reset', (_, socket) => socket.resetAndDestroy(), 'reset', /ECONNRESET.*before CONNACK/],
  ['no packet of MQTT', (_, socket) => socket.write('HTTP/1.1 400 Bad'), 'protocol', /before CONNACK/],
] // prettier-ignore

for (const [what, answer, code, words] of ENDS)
  test(`${what} ends the session as ${code}, once`, async () => {
    await using server = await LoopbackServer.start(answer)
    const { session, log } = dial(server.port, 'acknowledged')
    await log.until(/^ended/)
    await wait(10)
    assert.deepEqual(
      log.lines.filter((line) => line.startsWith('ended')),
      [`ended ${code}`],
    )
    assert.match(log.cause?.detail ?? '', words)
    assert.equal(session.send(1, payloadOf(1), now), false)
  })

test('what a lost connection leaves unacknowledged is not given up, but left to the device', async () => {
  const answer: Answer = (packet, socket) =>
    packet[0] === 0x10 ? socket.write(CONNACK) : socket.resetAndDestroy()
  await using server = await LoopbackServer.start(answer)
  const { session, log } = dial(server.port, 'acknowledged')
  await log.until(/^ready$/)
  session.send(3, payloadOf(3), now)
  await log.until(/^ended/)
  await wait(5)
  assert.deepEqual(log.lines, ['ready', 'transmitted 3', 'ended reset'])
})

test('a message that the server refuses is given up, with its reason', async () => {
  const answer: Answer = (packet, socket) => {
    const [type = 0, , high = 0, low = 0] = packet[0] === 0x10 ? [] : puback(packet)
    socket.write(
      type === 0 ? Uint8Array.of(0x20, 3, 0, 0, 0) : Uint8Array.of(type, 4, high, low, 0x97, 0),
    )
  }
  await using server = await LoopbackServer.start(answer)
  const { session, log } = dial(server.port, 'acknowledged', { version: '5' })
  await log.until(/^ready$/)
  session.send(3, payloadOf(3), now)
  await log.until(/^gave up 3: PUBACK: quota exceeded \(0x97\)$/)
  assert.equal(session.outstanding(), 0)
  session.close()
})

test('where nobody listens the connection is refused', async () => {
  const server = await LoopbackServer.start(willing)
  const { port } = server
  await server[Symbol.asyncDispose]()
  const { log } = dial(port, 'acknowledged')
  await log.until(/^ended/)
  assert.deepEqual(log.lines, ['ended refused'])
})

for (const tls of [
  { version: '1.3', group: 'X25519', cipher: 'TLS_AES_128_CCM_8_SHA256' },
  { version: '1.2', group: 'X25519', cipher: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
] as const)
  test(`over TLS ${tls.version} it is ready after the handshake, and says what was negotiated`, async () => {
    await using server = await LoopbackServer.start(willing, true)
    const context = secureContext(tls, pki.authority)
    const secure = { context, serverName: NAME }
    const { session, log, connection } = dial(server.port, 'acknowledged', {}, secure)
    await log.until(/^ready$/)
    assert.ok(session.openedAt > connection.transportAt)
    session.send(0, payloadOf(0), now)
    await log.until(/^acknowledged 0$/)
    const [application, transport] = [new Traffic(), new Traffic()]
    connection.count(application, application, transport)
    const said = server.packets.reduce((sum, { length }) => sum + length, 0)
    assert.deepEqual([application.sentBytes, application.receivedBytes], [said, 4 + 4])
    assert.ok(transport.sentBytes > 2 * said && transport.receivedBytes > 500)
    assert.deepEqual(connection.negotiated(), {
      version: `TLSv${tls.version}`,
      cipher: tls.cipher,
      group: 'x25519',
    })
    session.close()
  })

test('a certificate that nobody it trusts has signed, and one of another name, end it as certificate', async () => {
  await using server = await LoopbackServer.start(willing, true)
  const untrusting = { context: createSecureContext({ ca: [] }), serverName: NAME }
  for (const tls of [untrusting, { ...trusting, serverName: 'other.test' }]) {
    const { log } = dial(server.port, 'acknowledged', {}, tls)
    await log.until(/^ended/)
    await wait(5)
    assert.deepEqual(log.lines, ['ended certificate'])
  }
})

test('no bytes of a server make it throw', async () => {
  for (let length = 1; length <= 12; length++) {
    const garbage = Buffer.from(
      Array.from({ length: 4 * length }, (_, i) => (i * 37 * length) & 255),
    )
    const answer: Answer = (packet, socket) => {
      willing(packet, socket)
      socket.write(garbage)
      socket.end()
    }
    await using server = await LoopbackServer.start(answer)
    const { log } = dial(server.port, 'acknowledged')
    await log.until(/^ended/)
  }
})
