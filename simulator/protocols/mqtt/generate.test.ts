import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { connect } from './connect.ts'
import type { ConnectFields } from './connect.ts'
import { disconnect, pingreq, publish, pubrel, putAnswer, subscribe } from './generate.ts'
import type { PublishStyle } from './generate.ts'
import { PUBACK, PUBCOMP, PUBREC, PUBREL } from './packet.ts'
import { answerId, answerReason, parsePublish, publishFields } from './parse.ts'
import { PacketReader } from './reader.ts'
import { ascii, hex } from './scripted-server.cases.ts'
import { topicDevice } from './topic.ts'

const answer = (type: number, id: number, reason = 0): Uint8Array => {
  const out = new Uint8Array(5)
  return out.subarray(0, putAnswer(out, 0, type, id, reason))
}

const hello = (fields: Partial<ConnectFields> = {}): Uint8Array =>
  connect({
    v5: false,
    clientId: 'd000042',
    keepAlive: 60,
    cleanStart: true,
    sessionExpiry: 0,
    receiveMaximum: 65_535,
    will: null,
    credentials: null,
    ...fields,
  })
const WILL = { topic: 'w/000042', payload: ascii('gone'), qos: 1 } as const

const style = (v5: boolean, qos: 0 | 1 | 2, more: Partial<PublishStyle> = {}): PublishStyle => ({
  v5,
  qos,
  retain: false,
  userProperties: new Uint8Array(),
  ...more,
})
const PAIR = hex('26 0001 61 0001 62')

const ROWS: readonly (readonly [name: string, generate: () => Uint8Array, bytes: string])[] = [
  ['CONNECT 3.1.1', () => hello(), '1013 00044d515454 04 02 003c 000764303030303432'],
  ['CONNECT 5', () => hello({ v5: true }), '1014 00044d515454 05 02 003c 00 000764303030303432'],
  ['CONNECT without keep alive', () => hello({ clientId: 'collector', keepAlive: 0 }), '1015 00044d515454 04 02 0000 0009636f6c6c6563746f72'],
  ['CONNECT with the longest keep alive', () => hello({ clientId: 'd', keepAlive: 65_535 }), '100d 00044d515454 04 02 ffff 000164'],
  ['CONNECT without clean session', () => hello({ clientId: 'd', cleanStart: false, sessionExpiry: 60 }), '100d 00044d515454 04 00 003c 000164'],
  ['CONNECT 5 with session expiry and receive maximum', () => hello({ v5: true, clientId: 'd', cleanStart: false, sessionExpiry: 0x01020304, receiveMaximum: 20 }),
    '1016 00044d515454 05 00 003c 08 1101020304 210014 000164'],
  ['CONNECT with a will', () => hello({ clientId: 'd', will: WILL }), '101d 00044d515454 04 0e 003c 000164 0008772f303030303432 0004676f6e65'],
  ['CONNECT 5 with a will', () => hello({ v5: true, clientId: 'd', will: WILL }), '101f 00044d515454 05 0e 003c 00 000164 00 0008772f303030303432 0004676f6e65'],
  ['CONNECT with a will of QoS 2', () => hello({ clientId: 'd', will: { ...WILL, topic: 'w', payload: ascii(''), qos: 2 } }), '1012 00044d515454 04 16 003c 000164 000177 0000'],
  ['CONNECT with user and password', () => hello({ clientId: 'd', credentials: { user: 'me', password: 'pw' } }), '1015 00044d515454 04 c2 003c 000164 00026d65 00027077'],
  ['CONNECT with everything', () => hello({ v5: true, clientId: 'd', will: WILL, credentials: { user: 'me', password: 'pw' } }),
    '1027 00044d515454 05 ce 003c 00 000164 00 0008772f303030303432 0004676f6e65 00026d65 00027077'],
  ['PUBLISH QoS 0, 3.1.1', () => publish(style(false, 0), 42, 0, false, 'name', ascii('hi')), '300c 0008 642f303030303432 6869'],
  ['PUBLISH QoS 1, 3.1.1', () => publish(style(false, 1), 999_999, 0x1234, false, 'name', ascii('hi')), '320e 0008 642f393939393939 1234 6869'],
  ['PUBLISH QoS 2, 3.1.1', () => publish(style(false, 2), 42, 0x1234, false, 'name', ascii('hi')), '340e 0008 642f303030303432 1234 6869'],
  ['PUBLISH QoS 1 again', () => publish(style(false, 1), 42, 0x1234, true, 'name', ascii('hi')), '3a0e 0008 642f303030303432 1234 6869'],
  ['PUBLISH QoS 2 again', () => publish(style(false, 2), 42, 0x1234, true, 'name', ascii('hi')), '3c0e 0008 642f303030303432 1234 6869'],
  ['PUBLISH to be retained', () => publish(style(false, 1, { retain: true }), 42, 1, false, 'name', ascii('hi')), '330e 0008 642f303030303432 0001 6869'],
  ['PUBLISH QoS 0, 5', () => publish(style(true, 0), 0, 0, false, 'name', ascii('hi')), '300d 0008 642f303030303030 00 6869'],
  ['PUBLISH QoS 1, 5', () => publish(style(true, 1), 42, 1, false, 'name', ascii('hi')), '320f 0008 642f303030303432 0001 00 6869'],
  ['PUBLISH that sets an alias', () => publish(style(true, 0), 42, 0, false, 'name-and-alias', ascii('hi')), '3010 0008 642f303030303432 03 230001 6869'],
  ['PUBLISH by alias', () => publish(style(true, 0), 42, 0, false, 'alias', ascii('hi')), '3008 0000 03 230001 6869'],
  ['PUBLISH with User Properties', () => publish(style(true, 0, { userProperties: PAIR }), 42, 0, false, 'name', ascii('hi')), '3014 0008 642f303030303432 07 26000161000162 6869'],
  ['PUBLISH by alias with User Properties', () => publish(style(true, 1, { userProperties: PAIR }), 42, 7, false, 'alias', ascii('hi')), '3211 0000 0007 0a 230001 26000161000162 6869'],
  ['PUBLISH without payload', () => publish(style(false, 0), 42, 0, false, 'name', ascii('')), '300a 0008 642f303030303432'],
  ['PUBACK', () => answer(PUBACK, 0xfffe), '4002 fffe'],
  ['PUBREC', () => answer(PUBREC, 1), '5002 0001'],
  ['PUBREL', () => answer(PUBREL, 1), '6202 0001'],
  ['PUBREL alone', () => pubrel(0x1234), '6202 1234'],
  ['PUBCOMP', () => answer(PUBCOMP, 1), '7002 0001'],
  ['PUBCOMP with a reason', () => answer(PUBCOMP, 1, 0x92), '7003 0001 92'],
  ['SUBSCRIBE 3.1.1', () => subscribe(false, 1, 'd/+', 1), '8208 0001 0003 642f2b 01'],
  ['SUBSCRIBE 5', () => subscribe(true, 1, 'd/+', 0), '8209 0001 00 0003 642f2b 00'],
  ['SUBSCRIBE QoS 2', () => subscribe(false, 1, 'd/+', 2), '8208 0001 0003 642f2b 02'],
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
    qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
    again: fc.boolean(),
    retain: fc.boolean(),
    user: fc.integer({ min: 0, max: 40 }),
    id: fc.integer({ min: 1, max: 65_535 }),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ minLength: 16_360, maxLength: 16_400 }),
    ),
  })
  fc.assert(
    fc.property(cases, ({ v5, device, qos, id, again, retain, user, payload }) => {
      let packets = 0
      const userProperties = v5
        ? Buffer.concat(Array<Uint8Array>(user).fill(PAIR))
        : PAIR.subarray(0, 0)
      const look = { v5, qos, retain, userProperties }
      const duplicate = again && qos > 0
      const packet = (first: number, bytes: Uint8Array, start: number, end: number): void => {
        packets++
        const fields = publishFields()
        parsePublish(v5, first, bytes, start, end, fields)
        assert.equal(topicDevice(bytes, fields.topicStart, fields.topicEnd), device)
        assert.equal(fields.qos, qos)
        assert.equal(fields.duplicate, duplicate)
        assert.equal(fields.id, qos === 0 ? 0 : id)
        assert.deepEqual(bytes.slice(fields.payloadStart, end), payload)
      }
      const whole = publish(look, device, id, duplicate, 'name', payload)
      new PacketReader(1e6).read(whole, 0, { over: false, packet })
      assert.equal(packets, 1)
    }),
    { numRuns: 200 },
  )
})

test('an answer of any type, identifier and reason reads back as it was', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(PUBACK, PUBREC, PUBREL, PUBCOMP),
      fc.integer({ min: 1, max: 65_535 }),
      fc.constantFrom(0, 0x10, 0x92, 0x97),
      (type, id, reason) => {
        const bytes = answer(type, id, reason)
        assert.equal(answerId(true, type, bytes, 2, bytes.length), id)
        if (reason > 0) assert.equal(answerReason(type, bytes, 2, bytes.length).code, reason)
      },
    ),
  )
})

test('messages of one size are built without a new view', () => {
  const first = publish(style(false, 1), 1, 1, false, 'name', ascii('12345678'))
  assert.equal(publish(style(false, 1), 2, 2, false, 'name', ascii('abcdefgh')), first)
})
