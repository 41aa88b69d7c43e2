/** MQTT 3.1.1 and 5 (OASIS standards) for fleet and consumer. */
import { SECOND } from '../../core/clock.ts'
import type { ProtocolAdapter } from '../session.ts'
import { MqttConsumer } from './consumer.ts'
import { MqttDevice } from './device.ts'
import { settingsOf } from './options.ts'

export { mqttOptions, mqttPlannedOptions } from './options.ts'

export const mqtt: ProtocolAdapter = {
  name: 'mqtt',
  carrier: 'stream',
  ports: { plain: 1883, secure: 8883 },
  reliabilities: ['best-effort', 'acknowledged', 'exactly-once'],
  mapping: {
    connect: 'CONNECT; ready when CONNACK accepts',
    send: 'PUBLISH to the topic of the device: QoS 0 (best-effort), QoS 1 (acknowledged) or QoS 2 (exactly-once)',
    acknowledgement:
      'PUBACK of QoS 1: the broker has the message; PUBCOMP of QoS 2: the broker has it, once, and has forgotten its identifier; neither says anything about the consumer',
    receive:
      'the client "collector" subscribes to d/+ at the same QoS and gets PUBLISH; a message of QoS 2 counts as received at its PUBLISH',
    name: 'device 42 is the client d000042 and publishes to d/000042',
  },
  speech: {
    command:
      'PUBLISH to c/<number>, to which the device subscribes at the same QoS (SUBSCRIBE and SUBACK are part of becoming ready in these workloads)',
    answer: 'PUBLISH to the topic of the device, as a report',
    'fan-out': 'one PUBLISH to f/000000, to which every device subscribes',
  },
  large:
    'PUBLISH to b/<number>, to which "collector" subscribes beside d/+; it goes down in pieces, and nothing else goes on its byte stream meanwhile',
  silence: (options) => {
    const { keepAlive } = settingsOf(options)
    return keepAlive === 0
      ? null
      : `MQTT keep alive: PINGREQ after ${keepAlive} s in which nothing was sent, PINGRESP due within ${keepAlive / 2} s`
  },
  keepAlive: (options) => {
    const { keepAlive } = settingsOf(options)
    return keepAlive === 0 ? null : keepAlive * SECOND
  },
  consumer: { kind: 'subscribe', create: (config, events) => new MqttConsumer(config, events) },
  device: (config, events) => new MqttDevice(config, events),
}
