import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { NEVER, SECOND } from '../core/clock.ts'
import { acceptOf } from './websocket-handshake.ts'
import { Bench } from './websocket.cases.ts'
import { answer, binary, keyIn } from './websocket-peer.cases.ts'

test('the answer to a key is that of the example of RFC 6455 section 1.3', () => {
  assert.equal(acceptOf('dGhlIHNhbXBsZSBub25jZQ=='), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
})

test('the request has the fields of section 4.1, and a nonce of 16 bytes of its own', () => {
  const keys = [1, 2].map((seed) => {
    const bench = new Bench(seed)
    bench.layer.open(5)
    assert.equal(bench.layer.openedAt, 5)
    const key = keyIn(bench.request)
    assert.equal(
      Buffer.from(bench.request).toString('latin1'),
      `GET /mqtt HTTP/1.1\r\nHost: server.test:8083\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n`,
    )
    assert.equal(Buffer.from(key, 'base64').length, 16)
    return key
  })
  assert.notEqual(keys[0], keys[1])
})

test('an answer opens the layer above, however it is cut, and frames may follow in the same piece', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 20 }), (cuts) => {
      const bench = new Bench()
      bench.layer.open(0)
      const bytes = Buffer.concat([answer(bench.request), binary('first'), binary('second')])
      let at = 0
      for (const cut of [...cuts, bytes.length]) {
        bench.feed(Uint8Array.from(bytes.subarray(at, at + cut)))
        at += cut
      }
      assert.equal(Buffer.from(bench.top.received).toString(), 'firstsecond')
      assert.equal(bench.layer.deadline(), NEVER)
    }),
  )
})

test('fields in other words of the same meaning are accepted', () => {
  for (const changes of [
    { Connection: 'keep-alive, UPGRADE', Upgrade: 'websocket' },
    { Server: 'x', Date: 'Thu, 01 Jan 1970 00:00:00 GMT' },
  ]) {
    const bench = new Bench()
    bench.layer.open(0)
    bench.feed(answer(bench.request, changes))
    assert.equal(bench.top.opens, 1, JSON.stringify(changes))
  }
})

const OK = '"HTTP/1.1 101 Switching Protocols" with'
const REFUSALS: readonly (readonly [
  string,
  Readonly<Record<string, string | null>> | undefined,
  string | undefined,
])[] = [
  ['upgrade: the server says "HTTP/1.1 404 Not Found"', {}, 'HTTP/1.1 404 Not Found'],
  ['upgrade: the server says "HTTP/1.1 200"', {}, 'HTTP/1.1 200'],
  ['upgrade: the server says "HTTP/1.1 503 Busy"', {}, 'HTTP/1.1 503 Busy'],
  ['authentication: the server says "HTTP/1.1 401 Who?"', {}, 'HTTP/1.1 401 Who?'],
  ['authentication: the server says "HTTP/1.1 403 Forbidden"', {}, 'HTTP/1.1 403 Forbidden'],
  ['upgrade: the answer begins with "HTTP/1.0 101 Swit\\r\\nU"', {}, 'HTTP/1.0 101 Swit'],
  ['upgrade: the answer begins with "HTTP/1.1 1010 No"', {}, 'HTTP/1.1 1010 No'],
  ['upgrade: the answer begins with "SSH-2.0-OpenSSH\\r\\nUpg"', {}, 'SSH-2.0-OpenSSH'],
  [`upgrade: ${OK} no Upgrade`, { Upgrade: null }, undefined],
  [`upgrade: ${OK} Upgrade: h2c`, { Upgrade: 'h2c' }, undefined],
  [`upgrade: ${OK} no Connection`, { Connection: null }, undefined],
  [`upgrade: ${OK} Connection: close`, { Connection: 'close' }, undefined],
  [`upgrade: ${OK} no Sec-WebSocket-Accept`, { 'Sec-WebSocket-Accept': null }, undefined],
  [`upgrade: ${OK} Sec-WebSocket-Accept: AAAA`, { 'Sec-WebSocket-Accept': 'AAAA' }, undefined],
  [`upgrade: ${OK} no Sec-WebSocket-Protocol`, { 'Sec-WebSocket-Protocol': null }, undefined],
  [`upgrade: ${OK} Sec-WebSocket-Protocol: xmpp`, { 'Sec-WebSocket-Protocol': 'xmpp' }, undefined],
  [
    `upgrade: ${OK} Sec-WebSocket-Protocol: mqtt, mqtt`,
    { 'sec-websocket-protocol': 'mqtt' },
    undefined,
  ],
  [
    `upgrade: ${OK} Sec-WebSocket-Extensions: permessage-deflate`,
    { 'Sec-WebSocket-Extensions': 'permessage-deflate' },
    undefined,
  ],
  [
    'upgrade: "HTTP/1.1 101 Switching Protocols" with a line that is no field',
    { Upgrade: 'websocket\r\nnonsense' },
    undefined,
  ],
  [
    'upgrade: "HTTP/1.1 101 Switching Protocols" with a line that is no field',
    { Upgrade: 'websocket\r\n folded: yes' },
    undefined,
  ],
]

for (const [index, [words, changes, status]] of REFUSALS.entries())
  test(`refusal ${index + 1}: ${words}`, () => {
    const bench = new Bench()
    bench.layer.open(0)
    bench.feed(answer(bench.request, changes, status))
    const { cause, opens } = bench.top
    assert.equal(`${cause?.code}: ${cause?.detail.replace('WebSocket handshake: ', '')}`, words)
    assert.deepEqual([opens, bench.below.closes, bench.layer.deadline()], [0, 1, NEVER])
  })

test('bytes that are no HTTP are refused at the first that shows it', () => {
  const bench = new Bench()
  bench.layer.open(0)
  bench.feed(Uint8Array.of(0x20, 2, 0, 0))
  assert.equal(
    bench.top.cause?.detail,
    'WebSocket handshake: the answer begins with " \\u0002\\u0000\\u0000"',
  )
})

test('an answer without end is cut off', () => {
  const bench = new Bench()
  bench.layer.open(0)
  bench.feed(Buffer.from('HTTP/1.1 101 Switching Protocols\r\n'))
  const piece = Buffer.from('X-More: '.padEnd(1000, 'x'))
  for (let i = 0; i < 8; i++) bench.feed(piece)
  assert.equal(bench.below.closes, 0)
  bench.feed(piece)
  assert.match(bench.top.cause?.detail ?? '', /longer than 8192 bytes$/)
})

test('no answer within 30 s is a timeout, an end before the answer is truncated', () => {
  const silent = new Bench()
  silent.layer.open(5)
  assert.equal(silent.layer.deadline(), 5 + 30 * SECOND)
  silent.layer.expire(30 * SECOND)
  assert.equal(silent.below.closes, 0)
  silent.layer.expire(5 + 30 * SECOND)
  assert.equal(silent.top.cause?.code, 'timeout')
  assert.equal(silent.below.closes, 1)
  const ended = new Bench()
  ended.layer.open(0)
  ended.layer.closed({ code: 'closed', detail: 'FIN' }, 1)
  assert.deepEqual(ended.top.cause, {
    code: 'truncated',
    detail: 'no answer to the WebSocket handshake: FIN',
  })
  const reset = new Bench()
  reset.layer.open(0)
  reset.layer.closed({ code: 'reset', detail: 'RST' }, 1)
  assert.deepEqual(reset.top.cause, {
    code: 'reset',
    detail: 'no answer to the WebSocket handshake: RST',
  })
  const unconnected = new Bench()
  unconnected.layer.closed({ code: 'refused', detail: 'nobody' }, 1)
  assert.deepEqual(unconnected.top.cause, { code: 'refused', detail: 'nobody' })
})

test('a request that the layer below does not take waits for it', () => {
  const bench = new Bench()
  bench.below.full = true
  bench.layer.open(0)
  assert.equal(bench.below.sent.length, 0)
  bench.layer.ready(1)
  bench.below.full = false
  bench.layer.ready(2)
  assert.equal(bench.below.sent.length, 1)
  bench.feed(answer(bench.request))
  assert.equal(bench.top.opens, 1)
})

test('a close before the answer says nothing more', () => {
  const bench = new Bench()
  bench.below.full = true
  bench.layer.open(0)
  bench.layer.close(1)
  bench.layer.close(2)
  assert.deepEqual([bench.below.sent.length, bench.below.closes, bench.top.cause], [0, 1, null])
})
