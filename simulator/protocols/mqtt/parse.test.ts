import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PUBACK, PUBCOMP, PUBREC, PUBREL } from './packet.ts'
import {
  answerId,
  answerReason,
  checkTopic,
  parseConnack,
  parseDisconnect,
  parsePublish,
  parseSuback,
  publishFields,
} from './parse.ts'
import { ascii, hex } from './scripted-server.cases.ts'
import { topicDevice } from './topic.ts'

const connack = (v5: boolean, body: string) => {
  const bytes = hex(body)
  return parseConnack(v5, bytes, 0, bytes.length)
}
const publish = (v5: boolean, first: number, body: string) => {
  const bytes = hex(body)
  const fields = publishFields()
  parsePublish(v5, first, bytes, 0, bytes.length, fields)
  return {
    ...fields,
    topic: Buffer.from(bytes.subarray(fields.topicStart, fields.topicEnd)).toString(),
    payload: Buffer.from(bytes.subarray(fields.payloadStart)).toString(),
  }
}
const suback = (v5: boolean, body: string) => {
  const bytes = hex(body)
  return parseSuback(v5, bytes, 0, bytes.length)
}
const answer = (v5: boolean, body: string, type = PUBACK) => {
  const bytes = hex(body)
  return answerId(v5, type, bytes, 0, bytes.length)
}
const reason = (type: number, body: string) => {
  const bytes = hex(body)
  return answerReason(type, bytes, 0, bytes.length)
}

const PLAIN = {
  code: 0,
  sessionPresent: false,
  receiveMaximum: 65_535,
  maximumQos: 2,
  maximumPacketSize: Infinity,
  serverKeepAlive: null,
  topicAliasMaximum: 0,
  reasonString: '',
}

const PARSED: readonly (readonly [name: string, parse: () => unknown, expected: unknown])[] = [
  ['CONNACK 3.1.1', () => connack(false, '0000'), PLAIN],
  ['CONNACK 3.1.1 with a session present', () => connack(false, '0100'), { ...PLAIN, sessionPresent: true }],
  ['a refusing CONNACK 3.1.1', () => connack(false, '0005'), { ...PLAIN, code: 5 }],
  ['CONNACK 5 without properties', () => connack(true, '0000 00'), PLAIN],
  ['CONNACK 5 with limits', () => connack(true, '0000 0f 210014 2400 2700001000 130005 2501'),
    { ...PLAIN, receiveMaximum: 20, maximumQos: 0, maximumPacketSize: 4096, serverKeepAlive: 5 }],
  ['CONNACK 5 with a session present and topic aliases', () => connack(true, '0100 03 22000a'), { ...PLAIN, sessionPresent: true, topicAliasMaximum: 10 }],
  ['CONNACK 5 with text and User Properties', () => connack(true, '0087 13 1f0002 6e6f 260001610001 62 260001610001 63'),
    { ...PLAIN, code: 0x87, reasonString: 'no' }],
  ['the refusal of a 3.1.1 server to a client of MQTT 5', () => connack(true, '0001'), { ...PLAIN, code: 1 }],
  ['PUBLISH QoS 0, 3.1.1', () => publish(false, 0x30, '0003 642f31 6869'),
    { qos: 0, duplicate: false, topicStart: 2, topicEnd: 5, id: 0, payloadStart: 5, topic: 'd/1', payload: 'hi' }],
  ['a duplicate PUBLISH QoS 1, 5, with properties', () => publish(true, 0x3a, '0003 642f31 0102 07 0101 0200000001 6869'),
    { qos: 1, duplicate: true, topicStart: 2, topicEnd: 5, id: 0x102, payloadStart: 15, topic: 'd/1', payload: 'hi' }],
  ['PUBLISH QoS 2', () => publish(false, 0x34, '0001 64 0001').qos, 2],
  ['PUBLISH with two Subscription Identifiers', () => publish(true, 0x30, '0001 64 05 0b01 0b8001').payload, ''],
  ['PUBACK 3.1.1', () => answer(false, '1234'), 0x1234],
  ['PUBACK 5 with a reason code', () => answer(true, '1234 10'), 0x1234],
  ...([['PUBACK', PUBACK], ['PUBREC', PUBREC], ['PUBREL', PUBREL], ['PUBCOMP', PUBCOMP]] as const).flatMap(([name, type]) => [
    [`${name} 3.1.1 by itself`, () => answer(false, '1234', type), 0x1234],
    [`${name} 5 of three bytes`, () => answer(true, '1234 92', type), 0x1234],
    [`the reason of a ${name} 5`, () => reason(type, '1234 87'), { code: 0x87, reasonString: '' }],
    [`the reason of a ${name} 5 with an empty property list`, () => reason(type, '1234 87 00'), { code: 0x87, reasonString: '' }],
    [`the reason of a ${name} 5 with properties`, () => reason(type, '1234 97 0c 1f0002 6e6f 260001 61 0001 62'), { code: 0x97, reasonString: 'no' }],
  ] as const),
  ['SUBACK 3.1.1', () => suback(false, '0001 01'), { id: 1, code: 1, reasonString: '' }],
  ['a refusing SUBACK 3.1.1', () => suback(false, '0001 80'), { id: 1, code: 0x80, reasonString: '' }],
  ['SUBACK 5', () => suback(true, '0001 00 01'), { id: 1, code: 1, reasonString: '' }],
  ['SUBACK 5 with properties', () => suback(true, '0001 05 1f0002 6e6f 87'), { id: 1, code: 0x87, reasonString: 'no' }],
  ['DISCONNECT without reason', () => parseDisconnect(hex(''), 0, 0), { code: 0, reasonString: '' }],
  ['DISCONNECT with reason', () => parseDisconnect(hex('8e'), 0, 1), { code: 0x8e, reasonString: '' }],
  ['DISCONNECT with properties', () => parseDisconnect(hex('8b 05 1f0002 6e6f'), 0, 7), { code: 0x8b, reasonString: 'no' }],
] // prettier-ignore

for (const [name, parse, expected] of PARSED)
  test(`parses ${name}`, () => assert.deepEqual(parse(), expected))

const REFUSED: readonly (readonly [name: string, parse: () => unknown, message: RegExp])[] = [
  ['CONNACK of one byte', () => connack(false, '00'), /CONNACK that ends before/],
  ['CONNACK 3.1.1 with properties', () => connack(false, '0000 00'), /CONNACK with 1 bytes after/],
  ['CONNACK 5 without a property list', () => connack(true, '0000'), /Property Length/],
  ['CONNACK with reserved acknowledge flags', () => connack(false, '0200'), /MQTT-3\.2\.2-1/],
  ['CONNACK with bytes after its properties', () => connack(true, '0000 00 00'), /CONNACK with 1 bytes after/],
  ['a property list longer than its packet', () => connack(true, '0000 05 210014'), /section 2\.2\.2\.1/],
  ['an unknown property', () => connack(true, '0000 02 0701'), /property 0x7 in a CONNACK.*2\.2\.2\.2/],
  ['a property of another packet', () => connack(true, '0000 02 0101'), /property 0x1 in a CONNACK/],
  ['a property twice', () => connack(true, '0000 06 210014 210014'), /Receive Maximum twice/],
  ['a Receive Maximum of 0', () => connack(true, '0000 03 210000'), /Receive Maximum of 0/],
  ['a Maximum Packet Size of 0', () => connack(true, '0000 05 2700000000'), /Maximum Packet Size of 0/],
  ['a Maximum QoS of 2', () => connack(true, '0000 02 2402'), /Maximum QoS other/],
  ['a property cut short', () => connack(true, '0000 02 2100'), /Receive Maximum that is not of its data type/],
  ['a string longer than the list', () => connack(true, '0000 04 1f0009 61'), /Reason String that is not/],
  ['a string that is not UTF-8', () => connack(true, '0000 05 1f0002 c328'), /Reason String that is not/],
  ['a string with a null character', () => connack(true, '0000 05 1f0002 6100'), /Reason String that is not/],
  ['a surrogate in a string', () => connack(true, '0000 06 1f0003 eda080'), /Reason String that is not/],
  ['a User Property whose value is not UTF-8', () => connack(true, '0000 08 260001 61 0002 c328'), /User Property that is not/],
  ['a Property Length longer than it must be', () => connack(true, '0000 8000'), /section 2\.2\.2\.1/],
  ['a Property Length of five bytes', () => connack(true, '0000 8080808001'), /section 2\.2\.2\.1/],
  ['a refusal with a session present', () => connack(false, '0105'), /MQTT-3\.2\.2-4, in MQTT 5 MQTT-3\.2\.2-6/],
  ['a Retain Available of 2', () => connack(true, '0000 02 2502'), /Retain Available other/],
  ['a Wildcard Subscription Available of 2', () => connack(true, '0000 02 2802'), /Wildcard Subscription Available other/],
  ['a Subscription Identifier Available of 2', () => connack(true, '0000 02 2902'), /Subscription Identifier Available other/],
  ['a Shared Subscription Available of 2', () => connack(true, '0000 02 2a02'), /Shared Subscription Available other/],
  ['an Authentication Method that was not asked for', () => connack(true, '0000 04 150001 61'), /MQTT-4\.12\.0-6/],
  ['Authentication Data that was not asked for', () => connack(true, '0000 04 160001 61'), /MQTT-4\.12\.0-6/],
  ['Response Information that was not asked for', () => connack(true, '0000 04 1a0001 61'), /MQTT-3\.1\.2-28/],
  ['a Session Expiry Interval from a server that disconnects [MQTT-3.14.2-2]', () => parseDisconnect(hex('00 05 1100000001'), 0, 7), /property 0x11 in a DISCONNECT/],
  ['DISCONNECT with bytes after its properties', () => parseDisconnect(hex('00 00 00'), 0, 3), /DISCONNECT with 1 bytes after/],
  ['a Topic Alias of 0', () => publish(true, 0x30, '0001 64 03 230000'), /Topic Alias of 0/],
  ['a Subscription Identifier of 0', () => publish(true, 0x30, '0001 64 02 0b00'), /Subscription Identifier of 0/],
  ['a Subscription Identifier of five bytes', () => publish(true, 0x30, '0001 64 06 0b80808080 01'), /Subscription Identifier that is not/],
  ['a Response Topic with a wildcard', () => publish(true, 0x30, '0001 64 06 080003 612f2b'), /MQTT-3\.3\.2-14/],
  ['a Content Type twice', () => publish(true, 0x30, '0001 64 08 030001 61 030001 61'), /Content Type twice/],
  ['Correlation Data cut short', () => publish(true, 0x30, '0001 64 04 090009 61'), /Correlation Data that is not/],
  ['a property of CONNACK in a PUBLISH', () => publish(true, 0x30, '0001 64 03 210001'), /property 0x21 in a PUBLISH/],
  ['PUBACK with packet identifier 0', () => answer(false, '0000'), /PUBACK with packet identifier 0/],
  ['PUBREL with packet identifier 0', () => answer(true, '0000', PUBREL), /PUBREL with packet identifier 0/],
  ['PUBREC with a property of another packet', () => reason(PUBREC, '0001 00 03 210001'), /property 0x21 in a PUBREC/],
  ['PUBCOMP with bytes after its properties', () => reason(PUBCOMP, '0001 00 00 00'), /PUBCOMP with 1 bytes after/],
  ['an empty topic', () => checkTopic(ascii('')), /MQTT-4\.7\.3-1/],
  ['a topic that is not UTF-8', () => checkTopic(hex('642fc328')), /MQTT-1\.5\.4-1/],
  ['a topic with a null character', () => checkTopic(hex('642f00')), /MQTT-1\.5\.4-2/],
  ['a topic with +', () => checkTopic(ascii('d/+')), /MQTT-3\.3\.2-2/],
  ['a topic with #', () => checkTopic(ascii('d/#')), /MQTT-3\.3\.2-2/],
  ['a pair without its value', () => connack(true, '0000 04 260001 61'), /User Property that is not/],
  ['PUBLISH with both QoS bits', () => publish(false, 0x36, '0001 64 0001'), /MQTT-3\.3\.1-4/],
  ['PUBLISH QoS 0 with DUP', () => publish(false, 0x38, '0001 64'), /MQTT-3\.3\.1-2/],
  ['PUBLISH with packet identifier 0', () => publish(false, 0x32, '0001 64 0000'), /MQTT-2\.3\.1-1/],
  ['PUBLISH with a topic longer than the packet', () => publish(false, 0x30, '0009 64'), /PUBLISH that ends before/],
  ['PUBLISH that ends in its identifier', () => publish(false, 0x32, '0001 64 00'), /PUBLISH that ends before/],
  ['PUBLISH of one byte', () => publish(false, 0x30, '00'), /PUBLISH that ends before/],
  ['PUBLISH with a Topic Alias', () => publish(true, 0x30, '0001 64 03 230001'), /MQTT-3\.1\.2-27/],
  ['PUBLISH 5 without a property list', () => publish(true, 0x30, '0001 64'), /Property Length/],
  ['PUBACK of one byte', () => answer(false, '12'), /PUBACK that ends before/],
  ['PUBACK 3.1.1 with a reason code', () => answer(false, '1234 00'), /PUBACK with 1 bytes after/],
  ['SUBACK without code', () => suback(false, '0001'), /SUBACK that ends before/],
  ['SUBACK with two codes', () => suback(false, '0001 01 01'), /SUBACK with 2 codes/],
] // prettier-ignore

for (const [name, parse, message] of REFUSED)
  test(`refuses ${name}`, () => assert.throws(parse, { name: 'Violation', message }))

test('only the topic of a device names a device', () => {
  const device = (topic: string): number => topicDevice(ascii(topic), 0, topic.length)
  assert.equal(device('d/000042'), 42)
  assert.equal(device('d/999999'), 999_999)
  for (const topic of ['d/42', 'd/0000042', 'e/000042', 'd-000042', 'd/00004x', 'd/00004 ', ''])
    assert.equal(device(topic), -1, topic)
})
