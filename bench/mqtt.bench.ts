/**
 * CPU of MQTT session logic alone, without sockets: a device's PUBLISH of 100 B and the PUBACK that comes back, and the
 * consumer's side of the same message; 1 000 devices take turns. The consumer gets ten packets in a piece.
 *
 *     node bench/mqtt.bench.ts [messages]
 */
import type { Nanoseconds } from '../simulator/core/clock.ts'
import { Traffic } from '../simulator/core/layer.ts'
import { Random } from '../simulator/core/random.ts'
import type { Reliability } from '../simulator/core/types.ts'
import { MqttConsumer } from '../simulator/protocols/mqtt/consumer.ts'
import { MqttDevice } from '../simulator/protocols/mqtt/device.ts'
import type { DeviceEvents } from '../simulator/protocols/session.ts'

const DEVICES = 1000
const PIECE = 10
const messages = Number(process.argv[2] ?? 1_000_000)
const payload = new Uint8Array(100).fill(0x41)
const config = { serverName: '', password: '', random: new Random(1) }
const traffic = new Traffic()
const CONNACK = { '3.1.1': Uint8Array.of(0x20, 2, 0, 0), '5': Uint8Array.of(0x20, 3, 0, 0, 0) }

let acknowledged = 0
let received = 0
const events: DeviceEvents = {
  sessionReady: () => {},
  transmitted: () => {},
  acknowledged: () => acknowledged++,
  gaveUp: () => {},
  unblocked: () => {},
  ended: (cause) => {
    throw new Error(cause.detail)
  },
}
let latest: Uint8Array = new Uint8Array()
const below = {
  fromAbove: (bytes: Uint8Array): boolean => {
    latest = bytes
    return true
  },
  close: (): void => {},
  traffic,
}

const connectedDevices = (version: '3.1.1' | '5', reliability: Reliability): MqttDevice[] =>
  Array.from({ length: DEVICES }, (_, device) => {
    const session = new MqttDevice(
      { ...config, device, reliability, options: { version }, registration: 'resource-directory' },
      events,
    )
    session.below = below
    session.open(0)
    session.fromBelow(CONNACK[version], 1)
    return session
  })

/** One message: PUBLISH down, PUBACK with its identifier up. */
const publishing = (version: '3.1.1' | '5', reliability: Reliability) => {
  const devices = connectedDevices(version, reliability)
  const puback = Uint8Array.of(0x40, 2, 0, 0)
  return (i: number): void => {
    const device = devices[i % DEVICES] as MqttDevice
    device.send(i, payload, i)
    if (reliability === 'best-effort') return
    puback[2] = latest[12] as number
    puback[3] = latest[13] as number
    device.fromBelow(puback, i)
  }
}

const receiving = (version: '3.1.1' | '5', reliability: Reliability) => {
  const consumer = new MqttConsumer(
    { ...config, devices: DEVICES, reliability, options: { version } },
    {
      consumerReady: () => {},
      received: () => received++,
      ended: (cause) => events.ended(cause, 0),
    },
  )
  consumer.below = below
  consumer.open(0)
  consumer.fromBelow(CONNACK[version], 1)
  const sender = publishing(version, reliability)
  sender(0)
  const piece = Buffer.concat(Array.from({ length: PIECE }, () => latest.slice()))
  return (i: number): void => {
    if (i % PIECE === 0) consumer.fromBelow(piece, i)
  }
}

/** CPU of `messages` calls, after as many to warm up (at most 200 000). */
const measure = (name: string, one: (i: number) => void): void => {
  for (let i = 0; i < Math.min(messages, 200_000); i++) one(i)
  const start = process.cpuUsage()
  for (let i = 0; i < messages; i++) one(i)
  const { user, system } = process.cpuUsage(start)
  const perMessage: Nanoseconds = ((user + system) * 1000) / messages
  console.log(`${name.padEnd(44)} ${(perMessage / 1000).toFixed(3).padStart(8)} us/message`)
}

for (const version of ['3.1.1', '5'] as const) {
  measure(`device, QoS 0 (${version})`, publishing(version, 'best-effort'))
  measure(`device, QoS 1: PUBLISH and PUBACK (${version})`, publishing(version, 'acknowledged'))
  measure(`consumer, QoS 0 (${version})`, receiving(version, 'best-effort'))
  measure(`consumer, QoS 1: PUBLISH and PUBACK (${version})`, receiving(version, 'acknowledged'))
}
if (acknowledged === 0 || received === 0) throw new Error('nothing was exchanged')
