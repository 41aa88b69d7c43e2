/** A device with clean_start: false over several connections: MQTT 5 sections 4.1 and 4.4. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from '../../core/clock.ts'
import type { ProtocolOptions, Reliability } from '../../core/types.ts'
import type { SessionMemory } from '../session.ts'
import { MqttDevice } from './device.ts'
import { ascii, Below, deviceConfig, Events, hex } from './scripted-server.cases.ts'

const PAYLOAD = ascii('AAAAAAAA')
const CONNACK = { '3.1.1': { new: '20020000', present: '20020100' }, 5: { new: '2003000000', present: '2003010000' } } // prettier-ignore

/** A device's connections, one after the other, on one memory. */
class Connections {
  readonly memory: SessionMemory = { kept: null }
  readonly #reliability: Reliability
  readonly #options: ProtocolOptions
  constructor(reliability: Reliability, options: ProtocolOptions = {}) {
    this.#reliability = reliability
    this.#options = { clean_start: false, ...options }
  }
  open() {
    const events = new Events()
    const below = new Below()
    const config = { ...deviceConfig(this.#reliability, this.#options), memory: this.memory }
    const device = new MqttDevice(config, events)
    device.below = below
    device.open(0)
    const connect = below.take()
    return { device, below, events, connect }
  }
  connect(connack: string) {
    const all = this.open()
    all.device.fromBelow(hex(connack), 1)
    assert.deepEqual(all.events.take(), ['ready'])
    return all
  }
}

const publish = (first: string, id: string, text = '4141414141414141'): string =>
  `${first}140008642f303030303432${id}${text}`

test('CONNECT asks for the session that is there, and in MQTT 5 says how long to keep it', () => {
  assert.deepEqual(new Connections('acknowledged').open().connect, [
    '101300044d5154540400003c000764303030303432',
  ])
  const five = new Connections('acknowledged', { version: '5', session_expiry: 90 * SECOND })
  assert.deepEqual(five.open().connect, ['101900044d5154540500003c05110000005a000764303030303432'])
})

test('what was not acknowledged is sent again under its identifier with DUP, before what is new [MQTT-4.4.0-1]', () => {
  const connections = new Connections('acknowledged')
  const first = connections.connect(CONNACK['3.1.1'].new)
  for (const sequence of [0, 1, 2]) first.device.send(sequence, PAYLOAD, 2)
  first.device.fromBelow(hex('40020002'), 3)
  first.device.closed({ code: 'reset', detail: '' }, 4)

  const { device, below, events } = connections.connect(CONNACK['3.1.1'].present)
  assert.equal(device.outstanding(), 2)
  for (const sequence of [0, 2, 3]) assert.equal(device.send(sequence, PAYLOAD, 5), true)
  assert.deepEqual(below.take(), [
    publish('3a', '0001'),
    publish('3a', '0003'),
    publish('32', '0004'),
  ])
  assert.deepEqual(events.take(), ['transmitted 3'], 'the others were transmitted before')
  device.fromBelow(hex('40020001 40020003 40020004'), 6)
  assert.deepEqual(events.take(), ['acknowledged 0', 'acknowledged 2', 'acknowledged 3'])
  assert.equal(device.outstanding(), 0)
})

test('QoS 2 goes on where it stopped: PUBLISH with DUP before PUBREC, PUBREL after it', () => {
  const connections = new Connections('exactly-once')
  const first = connections.connect(CONNACK['3.1.1'].new)
  for (const sequence of [0, 1]) first.device.send(sequence, PAYLOAD, 2)
  first.device.fromBelow(hex('50020001'), 3)
  first.device.closed({ code: 'reset', detail: '' }, 4)

  const { device, below, events } = connections.connect(CONNACK['3.1.1'].present)
  for (const sequence of [0, 1]) assert.equal(device.send(sequence, PAYLOAD, 5), true)
  assert.deepEqual(below.take(), ['62020001', publish('3c', '0002')])
  device.fromBelow(hex('70020001 50020002'), 6)
  assert.deepEqual(below.take(), ['62020002'])
  device.fromBelow(hex('70020002'), 7)
  assert.deepEqual(events.take(), ['acknowledged 0', 'acknowledged 1'])
})

test('the PUBREL of a message that the server has settled is answered with 0x92, which is no error then (section 3.7.2.1)', () => {
  const connections = new Connections('exactly-once', { version: '5' })
  const first = connections.connect(CONNACK['5'].new)
  first.device.send(0, PAYLOAD, 2)
  first.device.fromBelow(hex('50020001'), 3)
  first.device.closed({ code: 'reset', detail: '' }, 4)
  const { device, events } = connections.connect(CONNACK['5'].present)
  device.send(0, PAYLOAD, 5)
  device.fromBelow(hex('7003 0001 92'), 6)
  assert.deepEqual(events.take(), ['acknowledged 0'])
})

test('a server that has lost the session gets everything as new [MQTT-3.2.2-5]', () => {
  for (const reliability of ['acknowledged', 'exactly-once'] as const) {
    const header = reliability === 'acknowledged' ? '32' : '34'
    const connections = new Connections(reliability)
    const first = connections.connect(CONNACK['3.1.1'].new)
    for (const sequence of [0, 1]) first.device.send(sequence, PAYLOAD, 2)
    if (reliability === 'exactly-once') first.device.fromBelow(hex('50020001'), 3)
    first.device.closed({ code: 'reset', detail: '' }, 4)
    const { device, below, events } = connections.connect(CONNACK['3.1.1'].new)
    assert.equal(device.outstanding(), 0)
    for (const sequence of [0, 1]) device.send(sequence, PAYLOAD, 5)
    assert.deepEqual(below.take(), [publish(header, '0003'), publish(header, '0004')])
    assert.deepEqual(events.take(), ['transmitted 0', 'transmitted 1'])
  }
})

test('a session present that the client does not know ends the session [MQTT-3.2.2-4]', () => {
  const { device, events } = new Connections('acknowledged', { version: '5' }).open()
  device.fromBelow(hex(CONNACK['5'].present), 1)
  assert.match(events.take().join(), /^ended protocol: .*does not know \[MQTT-3\.2\.2-4\]/)
})

test('a session whose CONNACK was lost is known: its CONNECT had gone out', () => {
  const connections = new Connections('acknowledged', { version: '5' })
  connections.open().device.closed({ code: 'reset', detail: '' }, 1)
  connections.connect(CONNACK['5'].present)
})

test('an answer to what this connection has not sent again settles it', () => {
  const connections = new Connections('acknowledged', { version: '5' })
  const first = connections.connect(CONNACK['5'].new)
  first.device.send(0, PAYLOAD, 2)
  first.device.closed({ code: 'reset', detail: '' }, 3)
  const { device, events } = connections.connect('2006 0100 03 210001')
  device.fromBelow(hex('40020001'), 4)
  assert.deepEqual(events.take(), ['acknowledged 0'])
  assert.equal(device.send(1, PAYLOAD, 5), true)
  assert.equal(device.send(2, PAYLOAD, 5), false, 'Receive Maximum is 1 still')
})

test('Receive Maximum holds for what is sent again, too, and starts anew with each connection (section 4.9)', () => {
  const connections = new Connections('acknowledged', { version: '5' })
  const first = connections.connect(CONNACK['5'].new)
  for (const sequence of [0, 1, 2]) first.device.send(sequence, PAYLOAD, 2)
  first.device.closed({ code: 'reset', detail: '' }, 3)
  const { device, events } = connections.connect('2006 0100 03 210002')
  assert.deepEqual([0, 1, 2].map((sequence) => device.send(sequence, PAYLOAD, 4)), [true, true, false]) // prettier-ignore
  device.fromBelow(hex('40020001'), 5)
  assert.deepEqual(events.take(), ['acknowledged 0', 'unblocked'])
  assert.equal(device.send(2, PAYLOAD, 6), true)
})

test('a message sent again that the layer below refuses keeps its identifier', () => {
  const connections = new Connections('exactly-once')
  const first = connections.connect(CONNACK['3.1.1'].new)
  for (const sequence of [0, 1]) first.device.send(sequence, PAYLOAD, 2)
  first.device.fromBelow(hex('50020001'), 3)
  first.device.closed({ code: 'reset', detail: '' }, 4)
  const { device, below, events } = connections.connect(CONNACK['3.1.1'].present)
  for (const expected of ['62020001', publish('3c', '0002')]) {
    const sequence = expected === '62020001' ? 0 : 1
    below.blocked = true
    assert.equal(device.send(sequence, PAYLOAD, 5), false)
    below.blocked = false
    device.ready(6)
    assert.deepEqual(events.take(), ['unblocked'])
    assert.equal(device.send(sequence, PAYLOAD, 7), true)
    assert.deepEqual(below.take(), [expected])
  }
})

test('with clean start nothing is taken over, whatever the memory holds', () => {
  const connections = new Connections('acknowledged', { clean_start: true })
  const first = connections.connect(CONNACK['3.1.1'].new)
  first.device.send(0, PAYLOAD, 2)
  first.device.closed({ code: 'reset', detail: '' }, 3)
  const { device, below } = connections.connect(CONNACK['3.1.1'].new)
  assert.equal(device.outstanding(), 0)
  device.send(0, PAYLOAD, 4)
  assert.deepEqual(below.take(), [publish('32', '0001')])
})

test('an orderly close keeps the session', () => {
  const connections = new Connections('acknowledged')
  const first = connections.connect(CONNACK['3.1.1'].new)
  first.device.send(0, PAYLOAD, 2)
  first.below.take()
  first.device.close(3)
  assert.deepEqual(first.below.take(), ['e000'])
  assert.equal(connections.connect(CONNACK['3.1.1'].present).device.outstanding(), 1)
})
