import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  connect,
  disconnect,
  pingreq,
  publish,
  PUBACK_SIZE,
  putPuback,
  subscribe,
} from './generate.ts'
import { parsePublish, pubackId, publishFields } from './parse.ts'
import { PacketReader } from './reader.ts'
import { ascii, hex } from './scripted-server.cases.ts'
import { topicDevice } from './topic.ts'

const puback = (id: number): Uint8Array => {
  const out = new Uint8Array(PUBACK_SIZE)
  putPuback(out, 0, id)
  return out
}

const ROWS: readonly (readonly [name: string, generate: () => Uint8Array, bytes: string])[] = [
  ['CONNECT 3.1.1', () => connect(false, 'd000042', 60), '1013 00044d515454 04 02 003c 000764303030303432'],
  ['CONNECT 5', () => connect(true, 'd000042', 60), '1014 00044d515454 05 02 003c 00 000764303030303432'],
  ['CONNECT without keep alive', () => connect(false, 'collector', 0), '1015 00044d515454 04 02 0000 0009636f6c6c6563746f72'],
  ['CONNECT with the longest keep alive', () => connect(false, 'd', 65_535), '100d 00044d515454 04 02 ffff 000164'],
  ['PUBLISH QoS 0, 3.1.1', () => publish(false, 42, 0, 0, ascii('hi')), '300c 0008 642f303030303432 6869'],
  ['PUBLISH QoS 1, 3.1.1', () => publish(false, 999_999, 1, 0x1234, ascii('hi')), '320e 0008 642f393939393939 1234 6869'],
  ['PUBLISH QoS 0, 5', () => publish(true, 0, 0, 0, ascii('hi')), '300d 0008 642f303030303030 00 6869'],
  ['PUBLISH QoS 1, 5', () => publish(true, 42, 1, 1, ascii('hi')), '320f 0008 642f303030303432 0001 00 6869'],
  ['PUBLISH without payload', () => publish(false, 42, 0, 0, ascii('')), '300a 0008 642f303030303432'],
  ['PUBACK', () => puback(0xfffe), '4002 fffe'],
  ['SUBSCRIBE 3.1.1', () => subscribe(false, 1, 'd/+', 1), '8208 0001 0003 642f2b 01'],
  ['SUBSCRIBE 5', () => subscribe(true, 1, 'd/+', 0), '8209 0001 00 0003 642f2b 00'],
  ['PINGREQ', pingreq, 'c000'],
  ['DISCONNECT', () => disconnect(0), 'e000'],
  ['DISCONNECT with a reason', () => disconnect(0x82), 'e001 82'],
] // prettier-ignore

for (const [name, generate, bytes] of ROWS)
  test(`generates ${name}`, () =>
    assert.deepEqual(Buffer.from(generate()), Buffer.from(hex(bytes))))

test('a PUBLISH of any device, identifier and payload reads back as it was', () => {
  const cases = fc.record({
    v5: fc.boolean(),
    device: fc.integer({ min: 0, max: 999_999 }),
    qos: fc.constantFrom(0 as const, 1 as const),
    id: fc.integer({ min: 1, max: 65_535 }),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ minLength: 16_360, maxLength: 16_400 }),
    ),
  })
  fc.assert(
    fc.property(cases, ({ v5, device, qos, id, payload }) => {
      let packets = 0
      const packet = (first: number, bytes: Uint8Array, start: number, end: number): void => {
        packets++
        const fields = publishFields()
        parsePublish(v5, first, bytes, start, end, fields)
        assert.equal(topicDevice(bytes, fields.topicStart, fields.topicEnd), device)
        assert.equal(fields.qos, qos)
        assert.equal(fields.id, qos === 0 ? 0 : id)
        assert.deepEqual(bytes.slice(fields.payloadStart, end), payload)
      }
      new PacketReader(1e6).read(publish(v5, device, qos, id, payload), 0, { over: false, packet })
      assert.equal(packets, 1)
    }),
    { numRuns: 200 },
  )
})

test('a PUBACK of any identifier reads back as it was', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 65_535 }), fc.boolean(), (id, v5) =>
      assert.equal(pubackId(v5, puback(id), 2, 4), id),
    ),
  )
})

test('messages of one size are built without a new view', () => {
  const first = publish(false, 1, 1, 1, ascii('12345678'))
  assert.equal(publish(false, 2, 1, 2, ascii('abcdefgh')), first)
})
