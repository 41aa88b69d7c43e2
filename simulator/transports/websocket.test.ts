import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { NEVER } from '../core/clock.ts'
import { Bench } from './websocket.cases.ts'
import { answer, binary, serverFrame } from './websocket-peer.cases.ts'

const numbered = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 251)

test('a call from above is one masked binary frame: 6 bytes more, 8 from 126 bytes on, 14 from 64 KiB on', () => {
  const bench = Bench.opened()
  const lengths = [1, 125, 126, 65_535, 65_536, 100_000]
  for (const length of lengths) assert.ok(bench.layer.fromAbove(numbered(length), 1))
  assert.deepEqual(
    bench.frames().map(({ fin, opcode, size }) => [fin, opcode, size]),
    [6, 6, 8, 8, 14, 14].map((more, i) => [true, 2, (lengths[i] as number) + more]),
  )
  for (const [i, { payload }] of bench.frames().entries())
    assert.deepEqual(Uint8Array.from(payload), numbered(lengths[i] as number))
  const { sentBytes, sentCalls } = bench.layer.traffic
  assert.deepEqual([sentBytes, sentCalls], [231_323, 6])
})

test('every frame has a masking key of its own, and the same seed has the same ones', () => {
  const keys = (seed: number): string[] => {
    const bench = Bench.opened(seed)
    for (let i = 0; i < 1000; i++) bench.layer.fromAbove(numbered(3), 1)
    return bench.frames().map(({ key }) => key)
  }
  const some = keys(1)
  assert.ok(new Set(some).size > 995)
  assert.deepEqual(keys(1), some)
  assert.notDeepEqual(keys(2), some)
  // Each byte of a key takes on nearly all values.
  for (let at = 0; at < 8; at += 2)
    assert.ok(new Set(some.map((key) => key.slice(at, at + 2))).size > 220)
})

const messages = fc.array(
  fc.record({
    parts: fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 4 }),
    ping: fc.option(fc.uint8Array({ maxLength: 125 }), { nil: null }),
  }),
  { maxLength: 8 },
)

/** Messages in fragments, a Ping or Pong between them. */
const streamOf = (all: readonly { parts: Uint8Array[]; ping: Uint8Array | null }[]): Uint8Array =>
  Buffer.concat(
    all.flatMap(({ parts, ping }) =>
      parts.flatMap((part, i) => {
        const first = (i === parts.length - 1 ? 0x80 : 0) | (i === 0 ? 2 : 0)
        const frame = serverFrame(first, part, part.length < 126 ? 'short' : 'two')
        return ping === null ? [frame] : [serverFrame(0x89, ping), frame, serverFrame(0x8a, ping)]
      }),
    ),
  )

test('fragments, pings between them and any cut of the stream give the same bytes', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 30 })
  fc.assert(
    fc.property(messages, cuts, (all, cuts) => {
      const bench = Bench.opened()
      const bytes = streamOf(all)
      let at = 0
      for (const cut of [...cuts, bytes.length]) {
        bench.feed(Uint8Array.from(bytes.subarray(at, at + cut)))
        at += cut
      }
      const expected = Buffer.concat(all.flatMap(({ parts }) => parts))
      assert.deepEqual(Buffer.from(bench.top.received), expected)
      assert.equal(bench.layer.traffic.receivedBytes, expected.length)
      const pongs = all.flatMap(({ parts, ping }) => parts.flatMap(() => (ping ? [ping] : [])))
      assert.deepEqual(
        bench.frames().map(({ opcode, payload }) => [opcode, payload.toString('hex')]),
        pongs.map((ping) => [10, Buffer.from(ping).toString('hex')]),
      )
      assert.equal(bench.top.cause, null)
    }),
  )
})

test('long frames are handed on as they come: nothing is kept for their length', () => {
  const bench = Bench.opened()
  // 2^40 bytes are announced.
  bench.feed(Uint8Array.of(0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0))
  const before = process.memoryUsage().arrayBuffers
  let length = 0
  bench.top.fromBelow = (bytes) => void (length += bytes.length)
  const piece = numbered(65_536)
  for (let i = 0; i < 50; i++) bench.feed(piece)
  assert.equal(length, 50 * 65_536)
  assert.ok(process.memoryUsage().arrayBuffers - before < 1e6)
})

const VIOLATIONS: readonly (readonly [string, number, string])[] = [
  ['810141', 1003, 'a text frame: MQTT is binary'],
  ['c200', 1002, 'a frame with reserved bits, though no extension was agreed on'],
  ['a200', 1002, 'a frame with reserved bits, though no extension was agreed on'],
  ['9200', 1002, 'a frame with reserved bits, though no extension was agreed on'],
  ['82810000000041', 1002, 'a masked frame from a server'],
  ['8300', 1002, 'a frame of unknown type 0x3'],
  ['8700', 1002, 'a frame of unknown type 0x7'],
  ['8b00', 1002, 'a frame of unknown type 0xb'],
  ['8f00', 1002, 'a frame of unknown type 0xf'],
  ['0900', 1002, 'a control frame 0x9 in fragments'],
  ['0800', 1002, 'a control frame 0x8 in fragments'],
  ['897e007e', 1002, 'a control frame 0x9 of more than 125 bytes'],
  ['887f0000000000000080', 1002, 'a control frame 0x8 of more than 125 bytes'],
  ['8000', 1002, 'a continuation of no message'],
  ['0201418001428000', 1002, 'a continuation of no message'],
  ['020141820142', 1002, 'a new message inside one that has not ended'],
  ['827e007d', 1002, 'a length of 125 in more bytes than it needs'],
  ['827f000000000000ffff', 1002, 'a length of 65535 in more bytes than it needs'],
  ['827f8000000000000000', 1002, 'a length with its first bit set'],
  ['827f0020000000000000', 1009, 'a frame of more than 2^53 bytes'],
  ['880103', 1002, 'a Close frame of one byte'],
  ['880203e7', 1002, 'a Close frame with the code 999'],
  ['880203ed', 1002, 'a Close frame with the code 1005'],
  ['880203f7', 1002, 'a Close frame with the code 1015'],
  ['88020bb7', 1002, 'a Close frame with the code 2999'],
  ['88021388', 1002, 'a Close frame with the code 5000'],
  ['880303e8ff', 1007, 'a Close frame whose reason is not UTF-8'],
]

for (const [hex, code, words] of VIOLATIONS)
  test(`${hex} is ${words}: closed with ${code}, whole or byte by byte`, () => {
    const bytes = Uint8Array.from(Buffer.from(hex, 'hex'))
    for (const step of [bytes.length, 1]) {
      const bench = Bench.opened()
      for (let at = 0; at < bytes.length; at += step) bench.feed(bytes.subarray(at, at + step))
      const close = Buffer.from([code >> 8, code & 255]).toString('hex')
      assert.deepEqual(bench.end(), [`protocol: WebSocket: ${words}`, close])
      assert.equal(bench.below.closes, 1)
      // What follows is not heard.
      bench.feed(binary('more'))
      assert.equal(Buffer.from(bench.top.received).includes('more'), false)
    }
  })

const CLOSES: readonly (readonly [string, string, string])[] = [
  ['8800', 'without a code', ''],
  ['880203e8', '1000 normal closure', '03e8'],
  ['880803e9' + Buffer.from('so sad').toString('hex'), '1001 going away: so sad', '03e9'],
  ['880203f3', '1011 internal error', '03f3'],
  ['88020fa0', '4000', '0fa0'],
]

for (const [hex, words, echo] of CLOSES)
  test(`a Close frame is answered in kind: ${words}`, () => {
    const bench = Bench.opened()
    bench.feed(Uint8Array.from(Buffer.from(hex, 'hex')))
    assert.deepEqual(bench.end(), [`closed: the peer closed the WebSocket (${words})`, echo])
    assert.equal(bench.below.closes, 1)
  })

test('an own close says so with code 1000, once', () => {
  const bench = Bench.opened()
  bench.layer.close(1)
  bench.layer.close(2)
  bench.feed(binary('late'))
  bench.layer.closed({ code: 'closed', detail: 'FIN' }, 3)
  assert.deepEqual(bench.end(), [null, '03e8'])
  assert.deepEqual([bench.frames().length, bench.below.closes], [1, 1])
  assert.equal(bench.layer.fromAbove(numbered(1), 4), false)
})

test('an end without a Close frame is truncated, another end is what the layer below says', () => {
  const ended = Bench.opened()
  ended.layer.closed({ code: 'closed', detail: 'FIN' }, 1)
  assert.deepEqual(ended.top.cause, {
    code: 'truncated',
    detail: 'the peer closed without a Close frame of WebSocket',
  })
  const reset = Bench.opened()
  reset.layer.closed({ code: 'reset', detail: 'RST' }, 1)
  assert.deepEqual(reset.top.cause, { code: 'reset', detail: 'RST' })
  assert.deepEqual([ended.below.closes, reset.layer.deadline()], [0, NEVER])
})

test('data that the layer below refuses are refused, and wanted again when it is ready', () => {
  const bench = Bench.opened()
  bench.below.full = true
  assert.equal(bench.layer.fromAbove(numbered(5), 1), false)
  bench.below.full = false
  bench.layer.ready(2)
  assert.equal(bench.top.readies, 1)
  assert.ok(bench.layer.fromAbove(numbered(5), 3))
  assert.deepEqual([bench.frames().length, bench.layer.traffic.sentCalls], [1, 1])
})

test('of the pings that come meanwhile only the last is answered, before any data', () => {
  const bench = Bench.opened()
  bench.below.full = true
  for (const text of ['one', 'two', 'three']) bench.feed(serverFrame(0x89, text))
  bench.below.full = false
  assert.equal(bench.layer.fromAbove(numbered(5), 1), false, 'a Pong waits')
  bench.layer.ready(2)
  assert.ok(bench.layer.fromAbove(numbered(5), 3))
  assert.deepEqual(
    bench.frames().map(({ opcode, payload }) => [opcode, payload.toString('hex')]),
    [
      [10, Buffer.from('three').toString('hex')],
      [2, '0001020304'],
    ],
  )
})

test('a Close frame that the layer below refuses is sent before that is closed', () => {
  const bench = Bench.opened()
  bench.below.full = true
  bench.feed(serverFrame(0x89, 'ping'))
  bench.layer.close(1)
  assert.equal(bench.below.closes, 0)
  bench.layer.ready(2)
  bench.below.full = false
  bench.layer.ready(3)
  assert.deepEqual(bench.end(), [null, '03e8'])
  assert.deepEqual([bench.frames().length, bench.below.closes], [1, 1])
})

test('whoever closes in the middle of a piece hears nothing more of it', () => {
  const bench = Bench.opened()
  bench.top.onBytes = () => bench.layer.close(1)
  bench.feed(Buffer.concat([binary('one'), binary('two'), serverFrame(0x89), serverFrame(0x88)]))
  assert.equal(Buffer.from(bench.top.received).toString(), 'one')
  assert.deepEqual(bench.end(), [null, '03e8'])
  assert.deepEqual([bench.frames().length, bench.below.closes], [1, 1])
})

const hostile = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .tuple(
      messages,
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
    )
    .map(([all, changes]) => {
      const bytes = Uint8Array.from(streamOf(all))
      for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value
      return bytes
    }),
)

test('random and changed bytes end it at most once and throw nothing, before the answer and after', () => {
  fc.assert(
    fc.property(hostile, fc.integer({ min: 0, max: 2 }), fc.nat(50), (bytes, stage, cut) => {
      const bench = stage === 2 ? Bench.opened() : new Bench()
      if (stage < 2) bench.layer.open(0)
      if (stage === 1) bench.feed(answer(bench.request).subarray(0, 40))
      for (let at = 0; at < bytes.length; at += 1 + cut)
        bench.feed(bytes.subarray(at, at + 1 + cut))
      const ended = bench.top.cause !== null
      assert.equal(bench.below.closes, ended ? 1 : 0)
    }),
    { numRuns: 1000 },
  )
})
