/** Large messages: in pieces on one byte stream, or on a lane of their own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Lower, Upper } from '../../core/layer.ts'
import { MqttConsumer } from './consumer.ts'
import { MqttDevice } from './device.ts'
import { PIECE } from './outlet.ts'
import { ascii, Below, consumerConfig, deviceConfig, Events, hex } from './scripted-server.cases.ts'

const SMALL = ascii('AAAAAAAA')
const LARGE = 2 ** 31
const BYTES = 3 * PIECE + 100
const payload = Uint8Array.from({ length: BYTES }, (_, i) => 65 + (i % 26))
/** PUBLISH of QoS 1 to b/000042 with identifier `id`, in front of the payload. */
const head = (id: string, first = '32'): string => `${first}f08003 0008622f303030303432 ${id}`.replaceAll(' ', '') // prettier-ignore

/** Takes so many calls before it is full. */
class Narrow extends Below {
  room = Infinity
  readonly lanes: (Narrow & { urgency: number; above: Upper })[] = []
  override fromAbove(bytes: Uint8Array): boolean {
    if (this.room === 0) return false
    this.room--
    return super.fromAbove(bytes)
  }
  get bytes(): number {
    return this.sent.reduce((sum, piece) => sum + piece.length / 2, 0)
  }
}

/** With lanes, as QUIC has them. */
class Laned extends Narrow implements Lower {
  lane(above: Upper, urgency: number, now: number): void {
    const lane = Object.assign(new Narrow(), { urgency, above })
    this.lanes.push(lane)
    above.below = lane
    above.open(now)
  }
}

const connected = (below: Narrow, lanes = false) => {
  const events = new Events()
  const device = new MqttDevice({ ...deviceConfig('acknowledged'), lanes }, events)
  device.below = below
  device.open(0)
  device.fromBelow(hex('2002 0000'), 1)
  events.take()
  below.take()
  return { device, events, below }
}

test('a large message is one PUBLISH to the topic of its own, handed down in pieces', () => {
  const { device, below, events } = connected(new Narrow())
  assert.ok(device.transfer(LARGE, payload, 2))
  const [first = '', ...rest] = below.sent
  assert.ok(first.startsWith(head('0001')))
  assert.ok(below.sent.every((piece) => piece.length / 2 <= PIECE + 20))
  const all = Buffer.from([first, ...rest].join(''), 'hex')
  assert.equal(all.length, head('0001').length / 2 + BYTES)
  assert.deepEqual(all.subarray(-BYTES), Buffer.from(payload))
  assert.deepEqual(events.take(), [`transmitted ${LARGE}`])
  device.fromBelow(hex('40020001'), 3)
  assert.deepEqual(events.take(), [`acknowledged ${LARGE}`])
})

test('nothing goes on the byte stream in the middle of a packet: a message, PINGREQ and DISCONNECT wait or are left out', () => {
  const { device, below, events } = connected(new Narrow())
  below.room = 2
  assert.ok(device.transfer(LARGE, payload, 2))
  assert.equal(below.sent.length, 2)
  assert.equal(device.send(7, SMALL, 3), false)
  assert.equal(device.transfer(LARGE + 1, payload, 3), false)
  device.expire(device.deadline())
  assert.equal(below.sent.length, 2)
  below.room = Infinity
  device.ready(61e9)
  assert.equal(below.sent.at(-1), 'c000')
  const sent = Buffer.from(below.sent.slice(0, -1).join(''), 'hex')
  assert.deepEqual(sent.subarray(-BYTES), Buffer.from(payload))
  assert.deepEqual(events.take(), [`transmitted ${LARGE}`, 'unblocked'])
  assert.ok(device.send(7, SMALL, 62e9))
  below.room = 1
  device.transfer(LARGE + 1, payload, 63e9)
  below.take()
  below.room = Infinity
  device.close(64e9)
  assert.deepEqual([below.take(), below.closes], [[], 1])
})

test('whose layer below is full stays without a piece of it', () => {
  const { device, below, events } = connected(new Narrow())
  below.room = 0
  assert.equal(device.transfer(LARGE, payload, 2), false)
  assert.equal(device.outstanding(), 0)
  below.room = Infinity
  device.ready(3)
  assert.deepEqual(events.take(), ['unblocked'])
  assert.ok(device.transfer(LARGE, payload, 4))
})

test('a byte that goes out puts PINGREQ off', () => {
  const { device, below } = connected(new Narrow())
  below.room = 1
  device.transfer(LARGE, payload, 2)
  below.room = 1
  device.ready(50e9)
  assert.equal(device.deadline(), 110e9)
})

test('with lanes, messages and large messages have a stream each, and CONNECT, PINGREQ and DISCONNECT the first', () => {
  const { device, below, events } = connected(new Laned(), true)
  const [messages, large] = below.lanes
  assert.ok(messages !== undefined && large !== undefined)
  assert.ok(messages.urgency < large.urgency)
  large.room = 1
  device.transfer(LARGE, payload, 2)
  assert.ok(device.send(7, SMALL, 3))
  assert.match(messages.take()[0] ?? '', /^32140008642f3030303034320002/)
  assert.ok((large.take()[0] ?? '').startsWith(head('0001')))
  device.expire(device.deadline())
  assert.deepEqual(below.take(), ['c000'])
  assert.deepEqual(events.take(), [`transmitted ${LARGE}`, 'transmitted 7'])
  messages.above.fromBelow(hex('40020002'), 4)
  assert.deepEqual(events.take(), ['acknowledged 7'])
  device.close(5)
  assert.deepEqual([below.take(), messages.take()], [['e000'], []])
})

test('a lane that is full blocks its topic alone', () => {
  const { device, below, events } = connected(new Laned(), true)
  const [messages, large] = below.lanes
  assert.ok(messages !== undefined && large !== undefined)
  messages.room = 0
  assert.equal(device.send(7, SMALL, 2), false)
  assert.ok(device.transfer(LARGE, payload, 2))
  assert.equal(large.bytes, head('0001').length / 2 + BYTES)
  messages.room = Infinity
  messages.above.ready(3)
  assert.deepEqual(events.take(), [`transmitted ${LARGE}`, 'unblocked'])
})

test('QoS 2 goes on on its own lane: PUBREL answers PUBREC there', () => {
  const events = new Events()
  const below = new Laned()
  const device = new MqttDevice({ ...deviceConfig('exactly-once'), lanes: true }, events)
  device.below = below
  device.open(0)
  device.fromBelow(hex('2002 0000'), 1)
  const [messages] = below.lanes
  assert.ok(messages !== undefined)
  device.send(7, SMALL, 2)
  messages.take()
  messages.above.fromBelow(hex('50020001'), 3)
  assert.deepEqual(messages.take(), ['62020001'])
  messages.above.fromBelow(hex('70020001'), 4)
  assert.equal(events.take().at(-1), 'acknowledged 7')
})

for (const [what, bytes] of [
  ['CONNACK', '2002 0000'],
  ['PINGRESP', 'd000'],
  ['PUBACK with an identifier that is not in flight', '40020009'],
  ['PUBACK with flags', '41020001'],
  ['a Remaining Length of five bytes', '40ffffffff01'],
] as const)
  test(`${what} on a data stream ends the connection`, () => {
    const { device, below, events } = connected(new Laned(), true)
    below.lanes[0]?.above.fromBelow(hex(bytes), 2)
    assert.match(events.take().join(), /^ended protocol: the server sent /)
    assert.ok(device.over)
    assert.equal(below.closes, 1)
  })

test('without lanes below, one stream carries all', () => {
  const { device, below } = connected(new Narrow(), true)
  device.send(7, SMALL, 2)
  device.transfer(LARGE, payload, 3)
  assert.ok(below.sent[1]?.startsWith(head('0002')))
})

test('the second connection of a device has a client identifier of its own', () => {
  const below = new Below()
  const device = new MqttDevice({ ...deviceConfig('acknowledged'), second: true }, new Events())
  device.below = below
  device.open(0)
  const clientId = Buffer.from('d000042-large').toString('hex')
  assert.ok(below.take()[0]?.endsWith(`000d${clientId}`))
})

test('a consumer of large messages subscribes to both topics and tells them apart', () => {
  const events = new Events()
  const large: string[] = []
  const told = Object.assign(events, {
    receivedLarge: (device: number, bytes: Uint8Array) =>
      void large.push(`${device} ${Buffer.from(bytes).toString()}`),
  })
  const below = new Below()
  const consumer = new MqttConsumer({ ...consumerConfig('acknowledged'), large: true }, told)
  consumer.below = below
  consumer.open(0)
  below.take()
  consumer.fromBelow(hex('2002 0000'), 1)
  assert.deepEqual(below.take(), ['82080001 0003 642f2b 01'.replaceAll(' ', '')])
  consumer.fromBelow(hex('9003 0001 01'), 2)
  assert.deepEqual([below.take(), events.take()], [['82080001 0003 622f2b 01'.replaceAll(' ', '')], []]) // prettier-ignore
  consumer.fromBelow(hex('9003 0001 01'), 3)
  assert.deepEqual(events.take(), ['ready'])
  consumer.fromBelow(hex('320e 0008 622f303030303432 0001 6869'), 4)
  consumer.fromBelow(hex('320e 0008 642f303030303432 0002 6869'), 5)
  assert.deepEqual([large, events.take()], [['42 hi'], ['received 42 hi']])
})
