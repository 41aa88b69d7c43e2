import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProtocolOptions, Reliability } from '../../core/types.ts'
import { MqttConsumer } from './consumer.ts'
import { Below, consumerConfig, Events, hex } from './scripted-server.cases.ts'

const opened = (reliability: Reliability, options: ProtocolOptions = {}) => {
  const events = new Events()
  const below = new Below()
  const consumer = new MqttConsumer(consumerConfig(reliability, options), events)
  consumer.below = below
  consumer.open(0)
  below.take()
  return { consumer, below, events }
}

const subscribed = (reliability: Reliability) => {
  const all = opened(reliability)
  all.consumer.fromBelow(hex('20020000'), 1)
  all.consumer.fromBelow(hex(`90030001 ${reliability === 'best-effort' ? '00' : '01'}`), 2)
  assert.deepEqual(all.events.take(), ['ready'])
  all.below.take()
  return all
}

/** PUBLISH of QoS 1, 3.1.1, to d/000007 with payload "hi". */
const publish = (id: string): string => `320e 0008642f303030303037 ${id} 6869`

for (const [version, reliability, connack, subscribe, suback] of [
  ['3.1.1', 'best-effort', '20020000', '820800010003642f2b00', '9003000100'],
  ['3.1.1', 'acknowledged', '20020000', '820800010003642f2b01', '9003000101'],
  ['5', 'best-effort', '2003000000', '82090001000003642f2b00', '900400010000'],
  ['5', 'acknowledged', '2003000000', '82090001000003642f2b01', '900400010001'],
] as const)
  test(`subscribes to all devices and is ready at SUBACK (${version}, ${reliability})`, () => {
    const { consumer, below, events } = opened(reliability, { version })
    consumer.fromBelow(hex(connack), 1)
    assert.deepEqual(below.take(), [subscribe])
    assert.deepEqual(events.take(), [])
    consumer.fromBelow(hex(suback), 2)
    assert.deepEqual(events.take(), ['ready'])
  })

test('connects as collector', () => {
  const below = new Below()
  const consumer = new MqttConsumer(consumerConfig('best-effort'), new Events())
  consumer.below = below
  consumer.open(0)
  assert.deepEqual(below.take(), ['101500044d5154540402003c0009636f6c6c6563746f72'])
})

test('hands messages on with their device, and acknowledges QoS 1 in one write per call from below', () => {
  const { consumer, below, events } = subscribed('acknowledged')
  consumer.fromBelow(
    hex(`${publish('0001')} ${publish('0002')} 30 0c 0008642f303030303038 6869`),
    3,
  )
  assert.deepEqual(events.take(), ['received 7 hi', 'received 7 hi', 'received 8 hi'])
  assert.deepEqual(below.take(), ['4002000140020002'])
})

test('duplicates are handed on: the consumer counts them', () => {
  const { consumer, below, events } = subscribed('acknowledged')
  consumer.fromBelow(hex(`${publish('0001')} ${publish('0001').replace('32', '3a')}`), 3)
  assert.deepEqual(events.take(), ['received 7 hi', 'received 7 hi'])
  assert.deepEqual(below.take(), ['4002000140020001'])
})

test('a topic of no device is handed on as device -1', () => {
  const { consumer, events } = subscribed('best-effort')
  consumer.fromBelow(hex('3007 0003642f78 6869'), 3)
  assert.deepEqual(events.take(), ['received -1 hi'])
})

test('acknowledgements that the layer below refuses are sent in order when it is ready', () => {
  const { consumer, below } = subscribed('acknowledged')
  below.blocked = true
  consumer.fromBelow(hex(publish('0001')), 3)
  consumer.fromBelow(hex(publish('0002')), 4)
  below.blocked = false
  consumer.fromBelow(hex(publish('0003')), 5)
  assert.deepEqual(below.take(), [])
  consumer.ready(6)
  assert.deepEqual(below.take(), ['400200014002000240020003'])
  consumer.fromBelow(hex(publish('0004')), 7)
  assert.deepEqual(below.take(), ['40020004'])
})

test('a server that takes no acknowledgement but sends on cannot fill the memory', () => {
  const { consumer, below, events } = subscribed('acknowledged')
  below.blocked = true
  const many = hex(publish('0001').repeat(1000))
  for (let i = 0; i < 66; i++) consumer.fromBelow(many, 3 + i)
  assert.match(events.take().at(-1) as string, /^ended protocol: .*takes no acknowledgement/)
})

test('more messages in one piece than there is room for acknowledgements', () => {
  const { consumer, below } = subscribed('acknowledged')
  consumer.fromBelow(hex(publish('0001').repeat(1000)), 3)
  assert.deepEqual(below.take(), ['40020001'.repeat(1000)])
})

for (const [what, bytes, ended] of [
  ['a refused subscription', '90030001 80', /SUBSCRIBE to d\/\+ refused: unspecified error/],
  ['a lower QoS than asked for', '90030001 00', /granted QoS 0 instead of 1/],
  ['a SUBACK of another SUBSCRIBE', '90030002 01', /MQTT-3\.8\.4-2/],
  ['a QoS over the one granted', '340e 0008642f303030303037 0001 6869', /PUBLISH of QoS 2/],
  ['an acknowledgement of nothing', '40020001', /PUBACK to a client that only receives/],
] as const)
  test(`${what} ends the session`, () => {
    const { consumer, below, events } = opened('acknowledged')
    consumer.fromBelow(hex('20020000'), 1)
    consumer.fromBelow(hex(bytes), 2)
    const [line, ...more] = events.take()
    assert.match(line as string, /^ended protocol: /)
    assert.match(line as string, ended)
    assert.deepEqual(more, [])
    assert.equal(below.closes, 1)
  })
