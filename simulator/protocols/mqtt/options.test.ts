/** What each key of `mqtt:` changes in the packets of devices and consumer. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProtocolOptions, Reliability } from '../../core/types.ts'
import { MqttConsumer } from './consumer.ts'
import { MqttDevice } from './device.ts'
import { ascii, Below, consumerConfig, deviceConfig, Events, hex } from './scripted-server.cases.ts'

const PAYLOAD = ascii('AAAAAAAA')
const SECRET = 'p'.repeat(22)

const opened = (
  options: ProtocolOptions,
  connack = '2003 0000 00',
  reliability: Reliability = 'acknowledged',
) => {
  const events = new Events()
  const below = new Below()
  const config = { ...deviceConfig(reliability, options), password: SECRET }
  const device = new MqttDevice(config, events)
  device.below = below
  device.open(0)
  const [connect = ''] = below.take()
  device.fromBelow(hex(connack), 1)
  events.take()
  return { device, below, events, connect }
}
const published = (all: ReturnType<typeof opened>, sequence: number): string => {
  assert.equal(all.device.send(sequence, PAYLOAD, 2), true)
  return all.below.take().join()
}

const consumerSays = (options: ProtocolOptions, connack: string): string[] => {
  const below = new Below()
  const config = { ...consumerConfig('acknowledged', options), password: SECRET }
  const consumer = new MqttConsumer(config, new Events())
  consumer.below = below
  consumer.open(0)
  consumer.fromBelow(hex(connack), 1)
  return below.take()
}

const text = (words: string): string =>
  words.length.toString(16).padStart(4, '0') + Buffer.from(words).toString('hex')

test('username: CONNECT of devices and consumer shows it, with the password of the run', () => {
  const credentials = `${text('me')}${text(SECRET)}`
  const { connect } = opened({ username: 'me' }, '20020000')
  assert.equal(connect, `102f00044d51545404c2003c${text('d000042')}${credentials}`)
  const [first] = consumerSays({ username: 'me' }, '20020000')
  assert.equal(first, `103100044d51545404c2003c${text('collector')}${credentials}`)
})

test('will: CONNECT of a device leaves it, under a topic of its own; the consumer leaves none', () => {
  const options = { 'will.topic': 'w', 'will.payload': 3, 'will.qos': 1 }
  const { connect } = opened(options, '20020000')
  assert.equal(
    connect,
    `102300044d515454040e003c${text('d000042')}${text('w/d000042')}${text('www')}`,
  )
  assert.equal(consumerSays(options, '20020000')[0]?.slice(0, 24), '101500044d5154540402003c')
})

test('receive_maximum: CONNECT of devices and consumer announces it in MQTT 5', () => {
  const options = { version: '5', receive_maximum: 20 }
  assert.match(opened(options).connect, /^101700044d5154540502003c03210014/)
  assert.match(consumerSays(options, '2003000000')[0] ?? '', /^101900044d5154540502003c03210014/)
  assert.match(opened({ receive_maximum: 20 }).connect, /^101300044d5154540402003c0007/)
})

test('retain: messages of devices are to be kept', () => {
  assert.match(published(opened({ retain: true }, '20020000'), 1), /^3314/)
})

test('topic_alias: the second message of a connection names its topic by number, and is 5 bytes shorter', () => {
  const all = opened({ version: '5', topic_alias: true }, '2006 0000 03 22000a')
  const plain = published(opened({ version: '5' }), 0)
  const [first, second, third] = [0, 1, 2].map((sequence) => published(all, sequence))
  assert.equal(
    first,
    '3218 0008642f303030303432 0001 03230001 4141414141414141'.replaceAll(' ', ''),
  )
  assert.equal(second, '3210 0000 0002 03230001 4141414141414141'.replaceAll(' ', ''))
  assert.equal(third?.length, second?.length)
  assert.equal(second.length, plain.length - 2 * 5)
})

test('topic_alias: a message that the layer below refuses has set no alias', () => {
  const all = opened({ version: '5', topic_alias: true }, '2006 0000 03 22000a')
  all.below.blocked = true
  assert.equal(all.device.send(0, PAYLOAD, 2), false)
  all.below.blocked = false
  all.device.ready(3)
  assert.match(published(all, 0), /^32180008642f/)
})

test('topic_alias: not where the server allows none [MQTT-3.2.2-18]', () => {
  for (const connack of ['2003 0000 00', '2006 0000 03 220000']) {
    const all = opened({ version: '5', topic_alias: true }, connack)
    assert.match(published(all, 0), /^32150008642f/)
    assert.match(published(all, 1), /^32150008642f/)
  }
})

test('user_properties: each message of MQTT 5 has so many, of 16 bytes', () => {
  const none = published(opened({ version: '5', user_properties: 0 }), 0)
  for (const count of [1, 2, 6])
    assert.equal(
      published(opened({ version: '5', user_properties: count }), 0).length,
      none.length + 32 * count,
    )
  // From 8 on the length of the list takes two bytes, and with the packet over 127 bytes its length does, too.
  assert.equal(
    published(opened({ version: '5', user_properties: 8 }), 0).length,
    none.length + 2 * (8 * 16 + 2),
  )
  const [pair] = [published(opened({ version: '5', user_properties: 1 }), 0)]
  assert.ok(
    pair.includes(
      `10260003${Buffer.from('k00').toString('hex')}0008${Buffer.from('00000000').toString('hex')}`,
    ),
  )
})

test('shared_subscription: the consumer subscribes as the member of a group', () => {
  const filter = text('$share/collector/d/+')
  assert.deepEqual(consumerSays({ shared_subscription: true }, '20020000').slice(1), [
    `82190001${filter}01`,
  ])
})

test('a server of MQTT 5 that has no shared subscriptions says so', () => {
  const events = new Events()
  const consumer = new MqttConsumer(
    consumerConfig('acknowledged', { version: '5', shared_subscription: true }),
    events,
  )
  consumer.below = new Below()
  consumer.open(0)
  consumer.fromBelow(hex('2003000000 9004 0001 00 9e'), 1)
  assert.deepEqual(events.take(), [
    'ended protocol: SUBSCRIBE to $share/collector/d/+ refused: shared subscriptions not supported (0x9e)',
  ])
})
