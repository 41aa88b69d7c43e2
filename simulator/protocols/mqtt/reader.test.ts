import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { LARGEST_VARIABLE, putVariable, variableAt, variableSize } from './variable-integer.ts'
import { PacketReader } from './reader.ts'
import { hex } from './scripted-server.cases.ts'

/** Packets as [first byte, body in hex], collected over any number of reads. */
const collector = (limit = 1e6) => {
  const packets: (readonly [number, string])[] = []
  const reader = new PacketReader(limit)
  const to = {
    over: false,
    packet: (first: number, bytes: Uint8Array, start: number, end: number): void => {
      packets.push([first, Buffer.from(bytes.subarray(start, end)).toString('hex')])
    },
  }
  return { packets, reader, to, read: (bytes: Uint8Array) => reader.read(bytes, 0, to) }
}

const packetOf = (first: number, body: Uint8Array): Uint8Array => {
  const out = new Uint8Array(1 + variableSize(body.length) + body.length)
  out[0] = first
  out.set(body, putVariable(out, 1, body.length))
  return out
}

test('variable byte integers at their borders', () => {
  for (const [value, bytes] of [
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [16_383, 'ff7f'],
    [16_384, '808001'],
    [2_097_151, 'ffff7f'],
    [2_097_152, '80808001'],
    [LARGEST_VARIABLE, 'ffffff7f'],
  ] as const) {
    const out = new Uint8Array(4)
    const end = putVariable(out, 0, value)
    assert.equal(Buffer.from(out.subarray(0, end)).toString('hex'), bytes)
    assert.equal(variableSize(value), end)
    assert.equal(variableAt(out, 0, end), value)
    assert.equal(variableAt(out, 0, end - 1), -1, 'incomplete')
  }
  assert.equal(variableAt(hex('80808080 01'), 0, 5), -2, 'five bytes')
  assert.equal(variableAt(hex('8000'), 0, 2), -2, 'longer than it must be')
})

test('packets come out the same, whatever pieces the stream comes in', () => {
  const packet = fc.tuple(
    fc.integer({ min: 0, max: 255 }),
    fc.oneof(
      { weight: 5, arbitrary: fc.uint8Array({ maxLength: 40 }) },
      { weight: 1, arbitrary: fc.uint8Array({ minLength: 120, maxLength: 400 }) },
      { weight: 1, arbitrary: fc.constant(new Uint8Array(16_384).fill(7)) },
    ),
  )
  const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(fc.array(packet, { minLength: 1, maxLength: 8 }), cuts, (packets, cuts) => {
      const stream = Buffer.concat(packets.map(([first, body]) => packetOf(first, body)))
      const { packets: got, reader, read } = collector()
      for (let at = 0, i = 0; at < stream.length; i++) {
        const size = cuts[i] ?? stream.length
        read(stream.subarray(at, at + size))
        at += size
      }
      assert.deepEqual(
        got,
        packets.map(([first, body]) => [first, Buffer.from(body).toString('hex')]),
      )
      assert.equal(reader.midPacket, false)
    }),
    { numRuns: 150 },
  )
})

test('says when the stream stops in the middle of a packet', () => {
  const { reader, read } = collector()
  read(hex('4002'))
  assert.equal(reader.midPacket, true)
  read(hex('0001'))
  assert.equal(reader.midPacket, false)
})

test('stops reading when the handler is over', () => {
  const { packets, reader, to } = collector()
  const packet = to.packet
  to.packet = (...all) => {
    packet(...all)
    to.over = true
  }
  reader.read(hex('d000 d000 d000'), 0, to)
  assert.equal(packets.length, 1)
})

test('refuses a length of five bytes, one longer than it must be, and a packet over the limit', () => {
  assert.throws(() => collector().read(hex('30ffffffff01')), /Remaining Length.*MQTT-1\.5\.5-1/)
  assert.throws(() => collector().read(hex('308000')), /Remaining Length/)
  const limited = collector(100)
  limited.read(packetOf(0x30, new Uint8Array(98)))
  assert.throws(() => limited.read(packetOf(0x30, new Uint8Array(99))), /101 bytes; .* at most 100/)
})

test('refuses a packet over the limit from its length, before its content comes', () => {
  const { reader, read } = collector(100)
  read(hex('30ff'))
  assert.throws(() => read(hex('ff7f')), /at most 100/)
  assert.equal(reader.midPacket, true)
})
