/** Commands and broadcasts of MQTT, byte by byte. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reliability } from '../../core/types.ts'
import { ALL_DEVICES, type Hears } from '../session.ts'
import { MqttConsumer } from './consumer.ts'
import { MqttDevice } from './device.ts'
import { ascii, Below, consumerConfig, deviceConfig, Events, hex } from './scripted-server.cases.ts'

const CONNACK = hex('20020000')
const SUBACK_1 = hex('9003 0001 01')

class HearingEvents extends Events {
  heard(payload: Uint8Array): void {
    this.lines.push(`heard ${Buffer.from(payload).toString()}`)
  }
}

class SpeakingEvents extends Events {
  readonly speech = {
    transmitted: (device: number, sequence: number): void =>
      void this.lines.push(`transmitted ${device} ${sequence}`),
    acknowledged: (device: number, sequence: number): void =>
      void this.lines.push(`acknowledged ${device} ${sequence}`),
    gaveUp: (device: number, sequence: number, reason: string): void =>
      void this.lines.push(`gave up ${device} ${sequence}: ${reason}`),
    unblocked: (device: number): void => void this.lines.push(`unblocked ${device}`),
  }
}

const device = (hears: Hears, reliability: Reliability = 'acknowledged', options = {}) => {
  const events = new HearingEvents()
  const session = new MqttDevice({ ...deviceConfig(reliability, options), hears }, events)
  const below = new Below()
  session.below = below
  session.open(0)
  below.take()
  return { session, events, below }
}

const consumer = (reliability: Reliability = 'acknowledged', options = {}) => {
  const events = new SpeakingEvents()
  const session = new MqttConsumer(consumerConfig(reliability, options), events)
  const below = new Below()
  session.below = below
  session.open(0)
  session.fromBelow(CONNACK, 1)
  session.fromBelow(reliability === 'best-effort' ? hex('9003 0001 00') : SUBACK_1, 2)
  below.take()
  events.lines.length = 0
  return { session, events, below }
}

for (const [hears, topic] of [
  ['commands', 'c/000042'],
  ['broadcasts', 'f/000000'],
] as const)
  test(`a device that hears ${hears} subscribes to ${topic}, and is ready at SUBACK`, () => {
    const { session, events, below } = device(hears)
    session.fromBelow(CONNACK, 1)
    const filter = Buffer.from(topic).toString('hex')
    assert.deepEqual(below.take(), [`820d00010008${filter}01`])
    assert.deepEqual(events.lines, [])
    assert.equal(session.send(0, ascii('AAAAAAAA'), 1), false)
    session.fromBelow(SUBACK_1, 2)
    assert.deepEqual(events.lines, ['ready'])
  })

test('a command of QoS 1 is heard and acknowledged, and its answer is a PUBLISH like others', () => {
  const { session, events, below } = device('commands')
  session.fromBelow(CONNACK, 1)
  session.fromBelow(SUBACK_1, 2)
  below.take()
  session.fromBelow(hex('320e 0008 632f303030303432 0007 6869'), 3)
  assert.equal(events.lines.at(-1), 'heard hi')
  assert.deepEqual(below.take(), ['40020007'])
  assert.equal(session.answer(5, ascii('hi'), 3), true)
  assert.deepEqual(below.take(), ['320e0008642f30303030343200016869'])
  session.fromBelow(hex('40020001'), 4)
  assert.equal(events.lines.at(-1), 'acknowledged 5')
})

test('a refused subscription, or one of a lower QoS, ends the session', () => {
  for (const code of ['80', '00']) {
    const { session, events } = device('commands')
    session.fromBelow(CONNACK, 1)
    session.fromBelow(hex(`9003 0001 ${code}`), 2)
    assert.match(events.lines.join(), /^ended protocol.*SUBSCRIBE to c\/000042/)
  }
})

test('a session that the broker kept may bring commands before SUBACK', () => {
  const { session, events } = device('commands', 'acknowledged', { clean_start: false })
  session.fromBelow(CONNACK, 1)
  session.fromBelow(hex('320e 0008 632f303030303432 0007 6869'), 2)
  session.fromBelow(SUBACK_1, 3)
  assert.deepEqual(events.lines, ['heard hi', 'ready'])
})

test('a device that only sends does not take PUBLISH', () => {
  const { session, events } = device(null)
  session.fromBelow(CONNACK, 1)
  session.fromBelow(hex('300c 0008 632f303030303432 6869'), 2)
  assert.match(events.lines.at(-1) ?? '', /^ended protocol/)
})

test('the application publishes a command to the topic of its device, and PUBACK acknowledges it', () => {
  const { session, events, below } = consumer()
  assert.equal(session.command(42, 9, ascii('hi'), 3), true)
  assert.equal(session.command(7, 3, ascii('ho'), 3), true)
  assert.deepEqual(below.take(), [
    '320e0008632f30303030343200016869',
    '320e0008632f3030303030370002686f',
  ])
  session.fromBelow(hex('40020002 40020001'), 4)
  assert.deepEqual(events.lines, [
    'transmitted 42 9',
    'transmitted 7 3',
    'acknowledged 7 3',
    'acknowledged 42 9',
  ])
})

test('what is said to all is one PUBLISH, never retained', () => {
  const { session, events, below } = consumer('best-effort', { retain: true })
  assert.equal(session.broadcast(4, ascii('hi'), 3), true)
  assert.deepEqual(below.take(), ['300c0008662f3030303030306869'])
  assert.deepEqual(events.lines, [`transmitted ${ALL_DEVICES} 4`])
})

test('a command that the layer below refuses is not taken, and its number and identifier are free again', () => {
  const { session, events, below } = consumer()
  below.blocked = true
  assert.equal(session.command(1, 0, ascii('hi'), 3), false)
  below.blocked = false
  session.ready(4)
  assert.deepEqual(events.lines, [`unblocked ${ALL_DEVICES}`])
  assert.equal(session.command(2, 0, ascii('hi'), 5), true)
  session.fromBelow(hex(`4002 ${below.take()[0]?.slice(24, 28) ?? ''}`), 6)
  assert.equal(events.lines.at(-1), 'acknowledged 2 0')
})

test('at most Receive Maximum commands are unacknowledged [MQTT-3.3.4-9]', () => {
  const events = new SpeakingEvents()
  const session = new MqttConsumer(consumerConfig('acknowledged', { version: '5' }), events)
  session.below = new Below()
  session.open(0)
  session.fromBelow(hex('2006 0000 03 210002'), 1)
  session.fromBelow(hex('9004 0001 00 01'), 2)
  const say = (sequence: number): boolean => session.command(1, sequence, ascii('hi'), 3)
  assert.deepEqual([say(0), say(1), say(2)], [true, true, false])
  session.fromBelow(hex('40020001'), 4)
  assert.deepEqual(events.lines.slice(-2), ['acknowledged 1 0', `unblocked ${ALL_DEVICES}`])
})

test('before SUBACK, and after the end, nothing is said', () => {
  const events = new SpeakingEvents()
  const session = new MqttConsumer(consumerConfig('acknowledged', {}), events)
  session.below = new Below()
  session.open(0)
  session.fromBelow(CONNACK, 1)
  assert.equal(session.command(1, 0, ascii('hi'), 2), false)
  session.fromBelow(SUBACK_1, 3)
  session.close(4)
  assert.equal(session.command(1, 0, ascii('hi'), 5), false)
})
