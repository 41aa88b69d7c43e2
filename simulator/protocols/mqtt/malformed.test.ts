/** Packets that a client must not get, or not now: each ends the session as a violation, in MQTT 5 with its reason code [MQTT-4.13.1-1]. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MqttConsumer } from './consumer.ts'
import { MqttDevice } from './device.ts'
import { Below, consumerConfig, deviceConfig, Events, hex } from './scripted-server.cases.ts'

type Who = 'device' | 'consumer'

/** A session of MQTT 5 at QoS 2 that is ready, and what it said. */
const ready = (who: Who) => {
  const events = new Events()
  const below = new Below()
  const options = { version: '5' }
  const session =
    who === 'device'
      ? new MqttDevice(deviceConfig('exactly-once', options), events)
      : new MqttConsumer(consumerConfig('exactly-once', options), events)
  session.below = below
  session.open(0)
  session.fromBelow(hex('2003000000'), 1)
  if (who === 'consumer') session.fromBelow(hex('9004000100 02'), 1)
  assert.deepEqual(events.take(), ['ready'])
  below.take()
  return { session, events, below }
}

const CASES: readonly (readonly [who: Who, what: string, bytes: string, says: RegExp, reason: string])[] = [
  ['device', 'packet type 0', '0000', /packet type 0/, '82'],
  ['device', 'CONNECT', '1000', /CONNECT to a client/, '82'],
  ['device', 'SUBSCRIBE', '8200', /SUBSCRIBE to a client/, '82'],
  ['device', 'SUBSCRIBE with flags 0', '8000', /SUBSCRIBE with flags 0 instead of 2/, '81'],
  ['device', 'UNSUBSCRIBE with flags 0', 'a000', /UNSUBSCRIBE with flags 0 instead of 2/, '81'],
  ['device', 'UNSUBACK of nothing', 'b0020001', /UNSUBACK to a client/, '82'],
  ['device', 'SUBACK of nothing', '9004000100 01', /SUBACK to a client/, '82'],
  ['device', 'PINGREQ', 'c000', /PINGREQ to a client/, '82'],
  ['device', 'PINGRESP with content', 'd00100', /PINGRESP with content/, '81'],
  ['device', 'PINGRESP with flags', 'd100', /PINGRESP with flags 1/, '81'],
  ['device', 'AUTH, which was not asked for [MQTT-4.12.0-6]', 'f000', /AUTH to a client/, '82'],
  ['device', 'a second CONNACK [MQTT-3.2.0-2]', '2003000000', /second CONNACK/, '82'],
  ['device', 'CONNACK with flags', '2103000000', /CONNACK with flags 1/, '81'],
  ['device', 'PUBREC with flags', '52020001', /PUBREC with flags 2/, '81'],
  ['device', 'PUBCOMP with flags', '72020001', /PUBCOMP with flags 2/, '81'],
  ['device', 'PUBREC of an unknown identifier', '50020001', /PUBREC with an identifier/, '82'],
  ['device', 'PUBCOMP of one byte', '700101', /PUBCOMP that ends/, '81'],
  ['device', 'PUBREC with identifier 0', '50020000', /PUBREC with packet identifier 0/, '81'],
  ['device', 'DISCONNECT with flags', 'e100', /DISCONNECT with flags 1/, '81'],
  ['device', 'a Remaining Length of five bytes [MQTT-1.5.5-1]', '50ffffffff01', /Remaining Length/, '81'],
  ['device', 'a Remaining Length longer than it must be [MQTT-1.5.5-1]', '508200 0001', /Remaining Length/, '81'],
  ['device', 'a packet over the limit', '30ffff7f', /at most 65536/, '95'],
  ['consumer', 'PUBLISH with both QoS bits [MQTT-3.3.1-4]', '360d0008642f303030303037 0001 00', /both QoS bits/, '81'],
  ['consumer', 'PUBLISH of QoS 0 with DUP [MQTT-3.3.1-2]', '380b0008642f303030303037 00', /with DUP/, '81'],
  ['consumer', 'PUBLISH with identifier 0 [MQTT-2.2.1-4]', '340d0008642f303030303037 0000 00', /identifier 0/, '81'],
  ['consumer', 'PUBLISH without a topic', '3003 0000 00', /without a topic/, '82'],
  ['consumer', 'PUBLISH to a wildcard [MQTT-3.3.2-2]', '3006 0003642f2b 00', /wildcard/, '81'],
  ['consumer', 'PUBLISH to a topic that is not UTF-8 [MQTT-3.3.2-1]', '3005 0002c328 00', /no UTF-8/, '81'],
  ['consumer', 'PUBLISH by an alias that was not allowed [MQTT-3.1.2-27]', '3006 0000 03 230001', /Topic Alias/, '82'],
  ['consumer', 'PUBLISH without a property list', '300a0008642f303030303037', /Property Length/, '81'],
  ['consumer', 'PUBLISH shorter than its topic', '3003 0008 64', /PUBLISH that ends/, '81'],
  ['consumer', 'PUBREL without its flags [MQTT-3.6.1-1]', '60020001', /PUBREL with flags 0/, '81'],
  ['consumer', 'PUBREL with identifier 0', '62020000', /PUBREL with packet identifier 0/, '81'],
  ['consumer', 'a second SUBACK', '9004000100 02', /SUBACK without its SUBSCRIBE/, '82'],
  ['consumer', 'PUBACK of nothing', '40020001', /PUBACK to a client/, '82'],
] // prettier-ignore

for (const [who, what, bytes, says, reason] of CASES)
  test(`${what} ends the session of a ${who} with 0x${reason}`, () => {
    const { session, events, below } = ready(who)
    session.fromBelow(hex(bytes), 2)
    const [ended = '', ...more] = events.take()
    assert.match(ended, /^ended protocol: the server sent /u)
    assert.match(ended, says)
    assert.deepEqual(more, [])
    assert.deepEqual(below.take(), [`e001${reason}`])
    assert.equal(below.closes, 1)
  })

for (const [what, bytes] of [
  ['a reserved return code [MQTT-3.9.3-2]', '90030001 03'],
  ['a code between QoS and failure', '90030001 7f'],
] as const)
  test(`SUBACK with ${what} ends the session`, () => {
    const events = new Events()
    const consumer = new MqttConsumer(consumerConfig('acknowledged'), events)
    consumer.below = new Below()
    consumer.open(0)
    consumer.fromBelow(hex(`20020000 ${bytes}`), 1)
    assert.match(events.take().join(), /^ended protocol: SUBSCRIBE .* was granted QoS \d+ instead/u)
  })
