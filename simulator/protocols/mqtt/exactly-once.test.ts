/** QoS 2 on both sides: [MQTT-4.3.3-1] to [MQTT-4.3.3-13]. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProtocolOptions } from '../../core/types.ts'
import { MqttConsumer } from './consumer.ts'
import { MqttDevice } from './device.ts'
import { ascii, Below, consumerConfig, deviceConfig, Events, hex } from './scripted-server.cases.ts'

const PAYLOAD = ascii('AAAAAAAA')

const sender = (options: ProtocolOptions = {}, connack = '2002 0000') => {
  const events = new Events()
  const below = new Below()
  const device = new MqttDevice(deviceConfig('exactly-once', options), events)
  device.below = below
  device.open(0)
  device.fromBelow(hex(connack), 1)
  assert.deepEqual(events.take(), ['ready'])
  below.take()
  return { device, below, events }
}

test('PUBLISH, PUBREC, PUBREL, PUBCOMP: acknowledged at the last of them', () => {
  const { device, below, events } = sender()
  assert.equal(device.send(7, PAYLOAD, 2), true)
  assert.deepEqual(below.take(), ['34140008642f30303030343200014141414141414141'])
  assert.deepEqual(events.take(), ['transmitted 7'])
  device.fromBelow(hex('50020001'), 3)
  assert.deepEqual(below.take(), ['62020001'])
  assert.deepEqual(events.take(), [])
  assert.equal(device.outstanding(), 1)
  device.fromBelow(hex('70020001'), 4)
  assert.deepEqual(events.take(), ['acknowledged 7'])
  assert.equal(device.outstanding(), 0)
})

test('several PUBREC in one piece are answered in their order, in one write [MQTT-4.6.0-4]', () => {
  const { device, below } = sender()
  for (let i = 0; i < 3; i++) device.send(i, PAYLOAD, 2)
  below.take()
  device.fromBelow(hex('50020002 50020001 50020003'), 3)
  assert.deepEqual(below.take(), ['620200026202000162020003'])
})

test('a PUBREL that the layer below refuses is sent when it is ready', () => {
  const { device, below, events } = sender()
  device.send(7, PAYLOAD, 2)
  below.take()
  below.blocked = true
  device.fromBelow(hex('50020001'), 3)
  below.blocked = false
  device.ready(4)
  assert.deepEqual(below.take(), ['62020001'])
  device.fromBelow(hex('70020001'), 5)
  assert.deepEqual(events.take(), ['transmitted 7', 'acknowledged 7'])
})

test('a second PUBREC is answered by PUBREL again', () => {
  const { device, below, events } = sender()
  device.send(7, PAYLOAD, 2)
  device.fromBelow(hex('50020001'), 3)
  below.take()
  device.fromBelow(hex('50020001'), 4)
  assert.deepEqual(below.take(), ['62020001'])
  assert.deepEqual(events.take(), ['transmitted 7'])
})

test('a PUBREC that refuses gives the message up, and frees its identifier', () => {
  const { device, below, events } = sender({ version: '5' }, '2003 0000 00')
  device.send(7, PAYLOAD, 2)
  below.take()
  device.fromBelow(hex('5009 0001 97 05 1f0002 6e6f'), 3)
  assert.deepEqual(events.take(), ['transmitted 7', 'gave up 7: PUBREC: quota exceeded (0x97): no'])
  assert.deepEqual(below.take(), [])
  assert.equal(device.outstanding(), 0)
})

test('a PUBREC with a reason that is none, such as no matching subscribers, goes on', () => {
  const { device, below } = sender({ version: '5' }, '2003 0000 00')
  device.send(7, PAYLOAD, 2)
  below.take()
  device.fromBelow(hex('5003 0001 10'), 3)
  assert.deepEqual(below.take(), ['62020001'])
})

test('a PUBCOMP that does not know the identifier, without a reconnect before it, gives the message up', () => {
  const { device, events } = sender({ version: '5' }, '2003 0000 00')
  device.send(7, PAYLOAD, 2)
  device.fromBelow(hex('50020001 7003 0001 92'), 3)
  assert.deepEqual(events.take(), [
    'transmitted 7',
    'gave up 7: PUBCOMP: packet identifier not found (0x92)',
  ])
})

test('Receive Maximum counts QoS 2 from PUBLISH to PUBCOMP [MQTT-3.3.4-7]', () => {
  const { device, events } = sender({ version: '5' }, '2006 0000 03 210002')
  assert.equal(device.send(1, PAYLOAD, 2), true)
  assert.equal(device.send(2, PAYLOAD, 2), true)
  assert.equal(device.send(3, PAYLOAD, 2), false)
  device.fromBelow(hex('50020001'), 3)
  assert.equal(device.send(3, PAYLOAD, 3), false, 'PUBREC frees nothing')
  events.take()
  device.fromBelow(hex('70020001'), 4)
  assert.deepEqual(events.take(), ['acknowledged 1', 'unblocked'])
  assert.equal(device.send(3, PAYLOAD, 5), true)
  assert.equal(device.send(4, PAYLOAD, 5), false)
})

test('a PUBREC that refuses frees its place under Receive Maximum (section 4.9)', () => {
  const { device, events } = sender({ version: '5' }, '2006 0000 03 210001')
  device.send(1, PAYLOAD, 2)
  assert.equal(device.send(2, PAYLOAD, 2), false)
  events.take()
  device.fromBelow(hex('5003 0001 97'), 3)
  assert.deepEqual(events.take(), ['gave up 1: PUBREC: quota exceeded (0x97)', 'unblocked'])
  assert.equal(device.send(2, PAYLOAD, 4), true)
})

for (const [what, bytes] of [
  ['PUBACK for a message of QoS 2', '40020001'],
  ['PUBCOMP before PUBREC', '70020001'],
  ['PUBREC of an unknown identifier', '50020009'],
  ['PUBCOMP of an unknown identifier', '70020009'],
  ['a second PUBCOMP', '50020001 70020001 70020001'],
] as const)
  test(`${what} ends the session`, () => {
    const { device, below, events } = sender()
    device.send(7, PAYLOAD, 2)
    device.fromBelow(hex(bytes), 3)
    assert.match(events.take().at(-1) as string, /^ended protocol: .*MQTT-2\.3\.1-6/)
    assert.equal(below.closes, 1)
  })

const receiver = (options: ProtocolOptions = {}) => {
  const events = new Events()
  const below = new Below()
  const consumer = new MqttConsumer(consumerConfig('exactly-once', options), events)
  consumer.below = below
  consumer.open(0)
  const v5 = options.version === '5'
  consumer.fromBelow(hex(v5 ? '2003000000' : '20020000'), 1)
  assert.deepEqual(below.take().at(-1), v5 ? '82090001000003642f2b02' : '820800010003642f2b02')
  consumer.fromBelow(hex(v5 ? '900400010002' : '9003000102'), 2)
  assert.deepEqual(events.take(), ['ready'])
  return { consumer, below, events }
}
/** PUBLISH of QoS 2, 3.1.1, to d/000007 with payload "hi". */
const publish = (id: string, first = '34'): string => `${first}0e 0008642f303030303037 ${id} 6869`

test('a message of QoS 2 is handed on at PUBLISH and once, and answered each time', () => {
  const { consumer, below, events } = receiver()
  consumer.fromBelow(hex(publish('0001')), 3)
  assert.deepEqual(events.take(), ['received 7 hi'])
  assert.deepEqual(below.take(), ['50020001'])
  consumer.fromBelow(hex(publish('0001', '3c')), 4)
  assert.deepEqual(events.take(), [], 'the same message, before PUBREL')
  assert.deepEqual(below.take(), ['50020001'])
  consumer.fromBelow(hex('62020001'), 5)
  assert.deepEqual(below.take(), ['70020001'])
  consumer.fromBelow(hex(publish('0001')), 6)
  assert.deepEqual(events.take(), ['received 7 hi'], 'a new message')
})

test('answers to QoS 1 and 2 of one piece leave in one write, in order', () => {
  const { consumer, below } = receiver()
  consumer.fromBelow(hex(`${publish('0001')} ${publish('0002', '32')} 62020001`), 3)
  assert.deepEqual(below.take(), ['500200014002000270020001'])
})

test('a PUBREL of an unknown identifier is answered: its PUBCOMP may have been lost', () => {
  const { consumer, below, events } = receiver()
  consumer.fromBelow(hex('62020009'), 3)
  assert.deepEqual(below.take(), ['70020009'])
  const five = receiver({ version: '5' })
  five.consumer.fromBelow(hex('62020009'), 3)
  assert.deepEqual(five.below.take(), ['7003000992'])
  assert.deepEqual(events.take(), [])
})

test('more messages of QoS 2 at a time than Receive Maximum says end the session with 0x93 [MQTT-3.3.4-9]', () => {
  const { consumer, below, events } = receiver({ version: '5', receive_maximum: 2 })
  const five = (id: string): string => `340f 0008642f303030303037 ${id} 00 6869`
  consumer.fromBelow(hex(`${five('0001')} ${five('0002')}`), 3)
  consumer.fromBelow(hex('62020001'), 4)
  consumer.fromBelow(hex(five('0003')), 5)
  events.take()
  below.take()
  consumer.fromBelow(hex(five('0004')), 6)
  assert.match(events.take().join(), /^ended protocol: .*more than 2 PUBLISH.*MQTT-3\.3\.4-9/)
  assert.deepEqual(below.take(), ['e00193'])
})

test('PUBREL without its flags ends the session [MQTT-3.6.1-1]', () => {
  const { consumer, events } = receiver()
  consumer.fromBelow(hex('60020001'), 3)
  assert.match(events.take().join(), /PUBREL with flags 0 instead of 2/)
})
