/** One cause for each way in which a server ends a connection. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from '../../core/clock.ts'
import { MqttConsumer } from './consumer.ts'
import { MqttDevice } from './device.ts'
import { Below, consumerConfig, deviceConfig, Events, hex } from './scripted-server.cases.ts'

const device = (version: string) => {
  const events = new Events()
  const session = new MqttDevice(deviceConfig('acknowledged', { version }), events)
  session.below = new Below()
  session.open(0)
  return { session, events }
}

/** What the server says, and how the session of a device ends. */
const ENDINGS: readonly (readonly [version: string, says: string, ended: string])[] = [
  ['3.1.1', '20020004', 'authentication: CONNECT refused: bad user name or password (0x04)'],
  ['3.1.1', '20020005', 'authentication: CONNECT refused: not authorized (0x05)'],
  ['5', '2003008600', 'authentication: CONNECT refused: bad user name or password (0x86)'],
  ['5', '2003008700', 'authentication: CONNECT refused: not authorized (0x87)'],
  ['5', '2003008a00', 'authentication: CONNECT refused: banned (0x8a)'],
  ['5', '2003009700', 'quota: CONNECT refused: quota exceeded (0x97)'],
  ['5', '2003009f00', 'quota: CONNECT refused: connection rate exceeded (0x9f)'],
  ['5', '2003009500', 'protocol: CONNECT refused: packet too large (0x95)'],
  ['5', '2003000000 e0018e', 'taken-over: DISCONNECT from the server: session taken over (0x8e)'],
  ['5', '2003000000 e00197', 'quota: DISCONNECT from the server: quota exceeded (0x97)'],
  ['5', '2003000000 e00196', 'quota: DISCONNECT from the server: message rate too high (0x96)'],
  ['5', '2003000000 e0018d', 'timeout: DISCONNECT from the server: keep alive timeout (0x8d)'],
  ['5', '2003000000 e00193', 'protocol: DISCONNECT from the server: receive maximum exceeded (0x93)'],
  ['5', '2003000000 e00189', 'closed: DISCONNECT from the server: server busy (0x89)'],
  ['5', '2003000000 e000', 'closed: DISCONNECT from the server: success (0x00)'],
] // prettier-ignore

for (const [version, says, ended] of ENDINGS)
  test(`${says} to a device of MQTT ${version}: ${ended}`, () => {
    const { session, events } = device(version)
    session.fromBelow(hex(says), 1)
    assert.deepEqual(
      events.take().filter((line) => line !== 'ready'),
      [`ended ${ended}`],
    )
  })

test('a server that never answers: timeout, once, with what was waited for', () => {
  const { session, events } = device('5')
  assert.equal(session.deadline(), 60 * SECOND)
  session.expire(60 * SECOND)
  assert.deepEqual(events.take(), ['ended timeout: no CONNACK within 60 s'])
  session.fromBelow(hex('2003000000'), 61 * SECOND)
  assert.deepEqual(events.take(), [])
})

test('a subscription over the quota of the server', () => {
  const events = new Events()
  const consumer = new MqttConsumer(consumerConfig('acknowledged', { version: '5' }), events)
  consumer.below = new Below()
  consumer.open(0)
  consumer.fromBelow(hex('2003000000 9004 0001 00 97'), 1)
  assert.deepEqual(events.take(), ['ended quota: SUBSCRIBE to d/+ refused: quota exceeded (0x97)'])
})
