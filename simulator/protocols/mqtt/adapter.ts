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
  reliabilities: ['best-effort', 'acknowledged'],
  mapping: {
    connect: 'CONNECT with clean start; ready when CONNACK accepts',
    send: 'PUBLISH, not retained, to the topic of the device: QoS 0 (best-effort) or QoS 1 (acknowledged)',
    acknowledgement: 'PUBACK: the broker has the message; it says nothing about the consumer',
    receive: 'the client "collector" subscribes to d/+ at the same QoS and gets PUBLISH',
    name: 'device 42 is the client d000042 and publishes to d/000042',
  },
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
