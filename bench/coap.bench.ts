/**
 * CPU of one CoAP exchange, both ends, without sockets: a CON request of 100 B answered by a piggybacked 2.04, and a NON
 * that nothing answers; 1 000 devices take turns.
 *
 *     node bench/coap.bench.ts [messages]
 */
import { SECOND } from '../simulator/core/clock.ts'
import { Traffic } from '../simulator/core/layer.ts'
import { Random } from '../simulator/core/random.ts'
import type { Reliability } from '../simulator/core/types.ts'
import { CoapServer } from '../simulator/protocols/coap/server.ts'
import { CoapDevice } from '../simulator/protocols/coap/session.ts'
import type { DeviceEvents } from '../simulator/protocols/session.ts'

const DEVICES = 1000
const messages = Number(process.argv[2] ?? 1000000)
const payload = new Uint8Array(100).fill(0x41)
const config = { options: {}, serverName: '', password: '' }
const traffic = new Traffic()
const close = (): void => {}

let acknowledged = 0
let received = 0
const events: DeviceEvents = {
  sessionReady: () => {},
  transmitted: () => {},
  acknowledged: () => acknowledged++,
  gaveUp: () => {},
  unblocked: () => {},
  ended: () => {},
}

/** Devices and a server whose datagrams are handed over after the call that sent them has returned. */
const stand = (reliability: Reliability) => {
  const server = new CoapServer(
    { ...config, devices: DEVICES, reliability, random: new Random(1) },
    { consumerReady: () => {}, received: () => received++, ended: () => {} },
  )
  let up: Uint8Array | null = null
  let down: Uint8Array | null = null
  server.below = { toPeer: (_, bytes) => void (down = bytes), close, traffic }
  const below = { fromAbove: (bytes: Uint8Array) => (up = bytes) !== null, close, traffic }
  const devices = Array.from({ length: DEVICES }, (_, device) => {
    const session = new CoapDevice(
      {
        ...config,
        device,
        reliability,
        random: new Random(device),
        registration: 'resource-directory',
      },
      events,
    )
    session.below = below
    return session
  })
  const exchange = (device: number, now: number): void => {
    down = null
    if (up !== null) server.fromPeer(1e12 + device, up, now)
    if (down !== null) devices[device]?.fromBelow(down, now)
  }
  for (let i = 0; i < DEVICES; i++) {
    devices[i]?.open(0)
    exchange(i, 0)
  }
  return { devices, exchange }
}

for (const reliability of ['acknowledged', 'best-effort'] as const) {
  const { devices, exchange } = stand(reliability)
  // One message per device and second: the deduplication tables reach their full size.
  const run = (from: number, to: number): void => {
    for (let i = from; i < to; i++) {
      const now = (i / DEVICES) * SECOND
      devices[i % DEVICES]?.send(i, payload, now)
      exchange(i % DEVICES, now)
    }
  }
  run(0, messages / 2)
  const before = process.cpuUsage()
  run(messages / 2, messages)
  const { user, system } = process.cpuUsage(before)
  const each = (user + system) / (messages / 2)
  const verb = reliability === 'acknowledged' ? 'CON exchange' : 'NON message'
  console.log(`${verb}: ${each.toFixed(2)} us CPU, session and server together`)
}
if (received !== 2 * messages || acknowledged !== messages)
  throw new Error(`${received} received, ${acknowledged} acknowledged`)
