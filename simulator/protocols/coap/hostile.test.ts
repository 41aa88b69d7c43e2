/** What comes from the network is not to be trusted: nothing throws, nothing grows without bound. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Traffic } from '../../core/layer.ts'
import { Random } from '../../core/random.ts'
import { DeviceLog, sessionConfig } from './back-to-back.cases.ts'
import { CoapServer } from './server.ts'
import { CoapDevice } from './session.ts'

const T0 = 1e12
const traffic = new Traffic()

/** POST /d/000042, confirmable, message ID and token 0x1234, payload "hello". */
const REQUEST = Buffer.from('420212341234b16406303030303432ff68656c6c6f', 'hex')
/** Its answer, 2.04 on an ACK. */
const ANSWER = Buffer.from('624412341234', 'hex')

/** Alternately random bytes and a valid message of which up to four bytes are changed and the end may be cut off. */
const hostile = (random: Random, valid: Uint8Array, i: number): Uint8Array => {
  if (i & 1) return Uint8Array.from({ length: random.integer(40) }, () => random.integer(256))
  const bytes = Uint8Array.from(valid)
  for (let k = random.integer(5); k > 0; k--)
    bytes[random.integer(bytes.length)] = random.integer(256)
  return random.integer(4) === 0 ? bytes.subarray(0, random.integer(bytes.length)) : bytes
}

const startServer = () => {
  const counts = { delivered: 0, replies: 0, longest: 0 }
  const config = { devices: 100, options: {}, serverName: '', password: '', random: new Random(1) }
  const server = new CoapServer(
    { ...config, reliability: 'acknowledged' },
    { consumerReady: () => {}, received: () => counts.delivered++, ended: () => {} },
  )
  server.below = {
    toPeer: (_, bytes) => {
      counts.replies++
      counts.longest = Math.max(counts.longest, bytes.length)
    },
    close: () => {},
    traffic,
  }
  return { server, counts }
}

test('a server survives 100 000 hostile datagrams and amplifies none', () => {
  const { server, counts } = startServer()
  const random = new Random(5)
  for (let i = 0; i < 100000; i++)
    server.fromPeer(random.integer(3000), hostile(random, REQUEST, i), T0 + i)
  assert.ok(counts.delivered > 1000 && counts.delivered < 100000)
  assert.ok(counts.replies > 1000)
  // Nothing asked for /.well-known/core, so no reply is longer than header, longest token and Location-Path.
  assert.ok(counts.longest <= 4 + 8 + 10, `${counts.longest} bytes`)
  assert.equal(server.peers.forgotten, 0)
})

test('a session survives 100 000 hostile datagrams, and answers with nothing but the four bytes of ACK or RST', () => {
  const random = new Random(99)
  const log = new DeviceLog()
  const device = new CoapDevice(sessionConfig('acknowledged', { nstart: 0 }), log)
  let sent = 0
  let longest = 0
  let last = ''
  device.below = {
    fromAbove: (bytes) => {
      sent++
      longest = Math.max(longest, bytes.length)
      last = Buffer.from(bytes.subarray(2, 4)).toString('hex')
      return true
    },
    close: () => {},
    traffic,
  }
  device.open(T0)
  device.fromBelow(Buffer.from(`6241${last}${last}`, 'hex'), T0)
  for (let k = 0; k < 10; k++) assert.ok(device.send(k, Buffer.from('AAAAAAAA'), T0))
  const before = sent
  longest = 0
  // An answer to the last of them, so that single changed bytes hit the code paths of real answers.
  const answer = Buffer.from(ANSWER)
  answer.write(last + last, 2, 'hex')
  for (let i = 0; i < 100000; i++) device.fromBelow(hostile(random, answer, i), T0 + i)
  assert.ok(sent > before)
  assert.equal(longest, 4)
  assert.equal(device.outstanding() + log.answeredAt.size + log.failures, 10)
})
