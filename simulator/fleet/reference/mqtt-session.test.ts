/** The session by the package `mqtt`: the cases of every session over real sockets, and what is its own. */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { Traffic } from '../../core/layer.ts'
import { connect } from '../../protocols/mqtt/connect.ts'
import { publish } from '../../protocols/mqtt/generate.ts'
import { sessionCases } from '../../protocols/session.cases.ts'
import { loopbackBench } from './loopback-bench.cases.ts'
import {
  answerTo,
  CONNACK,
  dial,
  LoopbackServer,
  NAME,
  PLAIN,
  SECURE,
  pki,
  trusting,
  willing,
  type Answer,
} from './server.cases.ts'
import { secureContext } from './tls-context.ts'

const payloadOf = (sequence: number): Buffer => Buffer.from(String(sequence).padStart(8, '0'))
const now = 0

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

sessionCases(loopbackBench('3.1.1', PLAIN))
sessionCases(loopbackBench('5', SECURE))
sessionCases(loopbackBench('5', { secure: false, webSocket: true }))
sessionCases(loopbackBench('3.1.1', { secure: true, webSocket: true }))

for (const reliability of ['best-effort', 'acknowledged'] as const)
  for (const version of ['3.1.1', '5'] as const)
    test(`${reliability}, MQTT ${version}: the bytes of CONNECT and PUBLISH are those of our own session`, async () => {
      const v5 = version === '5'
      await using server = await LoopbackServer.start(willing(version))
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

test('no more messages are on their way than the Receive Maximum of the server allows', async () => {
  const deaf: Answer = (packet, stream) => packet[0] === 0x10 && stream.write(CONNACK['5'])
  await using server = await LoopbackServer.start(deaf)
  const { session, log } = dial(server.port, 'acknowledged', { version: '5' })
  await log.until(/^ready$/)
  const taken = [0, 1, 2].map((sequence) => session.send(sequence, payloadOf(sequence), now))
  assert.deepEqual(taken, [true, true, false])
  assert.equal(session.outstanding(), 2)
})

test('close says DISCONNECT', async () => {
  await using server = await LoopbackServer.start(willing())
  const { session, log } = dial(server.port, 'acknowledged')
  await log.until(/^ready$/)
  session.close()
  await server.heard(2)
  assert.equal(server.packets.at(-1)?.toString('hex'), 'e000')
})

const ENDS: readonly (readonly [string, Answer, string, RegExp])[] = [
  ['wrong credentials', (_, stream) => stream.write(Uint8Array.of(0x20, 2, 0, 5)), 'authentication', /not authorized/],
  ['an orderly end', (_, stream) => stream.end(CONNACK['3.1.1']), 'closed', /peer closed/],
  ['a reset', (_, stream) => (stream as Socket).resetAndDestroy(), 'reset', /ECONNRESET.*before CONNACK/],
  ['no packet of MQTT', (_, stream) => stream.write('HTTP/1.1 400 Bad'), 'protocol', /before CONNACK/],
] // prettier-ignore

for (const [what, answer, code, words] of ENDS)
  test(`${what} ends the session as ${code}`, async () => {
    await using server = await LoopbackServer.start(answer)
    const { session, log } = dial(server.port, 'acknowledged')
    await log.until(/^ended/)
    assert.equal(log.lines.at(-1), `ended ${code}`)
    assert.match(log.cause?.detail ?? '', words)
    assert.equal(session.send(1, payloadOf(1), now), false)
  })

test('a message that the server refuses is given up, with its reason', async () => {
  const answer: Answer = (packet, stream) => {
    const [type = 0, , high = 0, low = 0] = packet[0] === 0x10 ? [] : answerTo(packet)
    stream.write(type === 0 ? CONNACK['5'] : Uint8Array.of(type, 4, high, low, 0x97, 0))
  }
  await using server = await LoopbackServer.start(answer)
  const { session, log } = dial(server.port, 'acknowledged', { version: '5' })
  await log.until(/^ready$/)
  session.send(3, payloadOf(3), now)
  await log.until(/^gave up 3$/)
  assert.equal(log.reason, 'PUBACK: quota exceeded (0x97)')
  assert.equal(session.outstanding(), 0)
  session.close()
})

test('where nobody listens the connection is refused', async () => {
  const server = await LoopbackServer.start(willing())
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
    await using server = await LoopbackServer.start(willing(), SECURE)
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
  await using server = await LoopbackServer.start(willing(), SECURE)
  const untrusting = { context: createSecureContext({ ca: [] }), serverName: NAME }
  for (const tls of [untrusting, { ...trusting, serverName: 'other.test' }]) {
    const { log } = dial(server.port, 'acknowledged', {}, tls)
    await log.until(/^ended/)
    assert.deepEqual(log.lines, ['ended certificate'])
  }
})
