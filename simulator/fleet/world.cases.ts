/** A fleet and a consumer on a network in virtual time, where every instant can be computed by hand. */
import { PLAIN_TCP } from '../core/tcp.ts'
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND, NEVER } from '../core/clock.ts'
import type { Cause, Lower, Upper } from '../core/layer.ts'
import { Traffic } from '../core/layer.ts'
import { Random } from '../core/random.ts'
import type { BulkCarriage, Framing, Reliability, Stack, Workload } from '../core/types.ts'
import type { Loss } from '../io/memory-datagram.ts'
import { MemoryReactor } from '../io/memory.ts'
import type { Closable, Timer } from '../io/reactor.ts'
import { adapterOf } from '../protocols/index.ts'
import type { Speech } from '../protocols/session.ts'
import { Application } from './application.ts'
import { Consumer } from './consumer.ts'
import type { ConsumerEvent, FleetConfig, FleetEvent } from './fleet-protocol.ts'
import { ECHO_PORT } from './fleet-protocol.ts'
import { Fleet } from './fleet.ts'
import { hearsOf } from './hears.ts'
import type { Accounts } from './ledger.ts'
import { settle } from './ledger.ts'
import { bulkPlanOf } from './schedule-bulk.ts'
import { Echo } from './probe.ts'
import { PileFactory } from './pile.ts'
import type { PhasePlan } from './schedule.ts'
import { WebSocketPeer } from './websocket-peer.cases.ts'

/** One way through the network. */
export const DELAY = 10 * MILLISECOND
export const SERVER = '10.63.0.1'
const PORT = 1000

export const addressOf = (device: number): string => `10.64.0.${device + 1}`

export interface Wish {
  readonly protocol?: 'coap' | 'mqtt'
  readonly framing?: Framing
  readonly reliability?: Reliability
  readonly devices?: number
  readonly probes?: number
  readonly interval?: Nanoseconds
  /** Not telemetry: the application speaks. CoAP only. */
  readonly kind?: 'command' | 'fan-out'
  /** Instead of telemetry at the interval. */
  readonly workload?: Workload
  readonly connectLimit?: number
  readonly loss?: Loss
  /** How MQTT sends large messages. */
  readonly bulk?: BulkCarriage
}

const stackOf = (protocol: string, framing: Framing, reliability: Reliability): Stack => ({
  name: `${protocol}-test`,
  kind: `${protocol}-test`,
  protocol,
  carrier: adapterOf(protocol).carrier,
  framing,
  security: 'none',
  broker: 'test',
  via: 'direct',
  client: 'lean',
  reliability,
  tls: null,
  dtls: null,
  quic: null,
  tcp: PLAIN_TCP,
  options: {},
})

export const configOf = (wish: Wish): FleetConfig => {
  const { protocol = 'coap', framing = 'none', reliability = 'acknowledged' } = wish
  const stack = {
    ...stackOf(protocol, framing, reliability),
    ...(wish.bulk && { bulk: wish.bulk }),
  }
  return {
    namespace: '',
    cpu: null,
    stack,
    workload: wish.workload ?? {
      name: wish.kind ?? 'telemetry',
      kind: wish.kind ?? 'telemetry',
      interval: wish.interval ?? 250 * MILLISECOND,
      arrivals: 'constant',
      payload: 20,
    },
    devices: wish.devices ?? 1,
    probes: wish.probes ?? 0,
    seed: 7,
    server: { address: SERVER, plain: PORT, device: PORT, name: 'server.test' },
    secret: '00'.repeat(32),
    registration: 'resource-directory',
    authority: null,
    deviceAuthority: null,
    canary: 'canary-',
    connectLimit: wish.connectLimit ?? 50,
    watchesAck: true,
    probeRoundTrip: 2 * DELAY,
  }
}

/** One connection at an MQTT server that knows CONNECT and PUBLISH of QoS 0 and 1 with short packets, one or more per call. */
class MqttPeer implements Upper, Timer {
  timerSlot = -1
  below!: Lower
  openedAt: Nanoseconds = NaN
  readonly #world: World
  constructor(world: World) {
    this.#world = world
  }
  open(now: Nanoseconds): void {
    this.openedAt = now
    this.#world.streams.add(this.below)
  }
  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    for (let at = 0; at < bytes.length; at += 2 + (bytes[at + 1] as number))
      this.#packet(Buffer.from(bytes.subarray(at, at + 2 + (bytes[at + 1] as number))), now)
  }
  #packet(packet: Buffer, now: Nanoseconds): void {
    const type = packet.readUInt8(0) >> 4
    if (type === 1) this.below.fromAbove(Uint8Array.of(0x20, 2, 0, 0), now)
    if (type !== 3) return
    const acknowledged = (packet.readUInt8(0) & 0b110) !== 0
    const topicEnd = 4 + packet.readUInt16BE(2)
    const device = Number(packet.toString('latin1', 4 + 'd/'.length, topicEnd))
    const payload = packet.subarray(topicEnd + (acknowledged ? 2 : 0))
    const { consumer } = this.#world
    if (packet[4] === 0x62) consumer.receivedLarge(device, payload, now)
    else consumer.received(device, payload, now)
    if (acknowledged && !this.#world.silent)
      this.below.fromAbove(
        Uint8Array.of(0x40, 2, packet.readUInt8(topicEnd), packet.readUInt8(topicEnd + 1)),
        now,
      )
  }
  ready(): void {}
  expire(): void {}
  deadline(): Nanoseconds {
    return NEVER
  }
  closed(_cause: Cause): void {
    this.#world.streams.delete(this.below)
  }
}

export class World {
  readonly config: FleetConfig
  readonly reactor: MemoryReactor
  readonly consumer: Consumer
  /** Null where devices speak; it takes the place of the consumer. */
  readonly application: Application | null
  readonly fleet: Fleet
  /** Events with the instant at which they were told, ms. */
  readonly told: (readonly [Nanoseconds, FleetEvent | ConsumerEvent])[] = []
  /** Open connections, as the server has them. */
  readonly streams = new Set<Lower>()
  /** Of a server that takes TCP connections. */
  listener!: Closable
  /** The server takes messages and acknowledges none. */
  silent = false
  /** The server takes connections and says nothing on them. */
  mute = false

  constructor(wish: Wish = {}) {
    this.config = configOf(wish)
    const { devices, workload, seed, stack } = this.config
    this.reactor = new MemoryReactor({ delay: DELAY, ...(wish.loss ? { loss: wish.loss } : {}) })
    const tell = (event: FleetEvent | ConsumerEvent): void => {
      this.told.push([this.reactor.now() / MILLISECOND, event])
    }
    this.application =
      hearsOf(workload) === null ? null : new Application(this.config, this.reactor, tell)
    this.consumer = new Consumer(devices, workload, seed, tell, bulkPlanOf(workload, stack))
    this.fleet = new Fleet(this.config, this.reactor, addressOf, tell, new PileFactory(this.config))
    const echo = new Echo()
    this.reactor.bindDatagram({ host: SERVER, port: ECHO_PORT }, new Traffic(), echo, echo)
    this.#serve(stack)
  }

  #serve({ protocol, framing, reliability }: Stack): void {
    const local = { host: SERVER, port: PORT }
    const path = adapterOf(protocol).consumer
    if (path.kind === 'subscribe') {
      this.listener = this.reactor.listenStream(local, new Traffic(), () => {
        const session = new MqttPeer(this)
        const peer = framing === 'none' ? session : new WebSocketPeer(session)
        if (this.mute) peer.fromBelow = () => {}
        return { above: peer, owner: peer }
      })
      return
    }
    const { devices, server, workload } = this.config
    const endpoint = path.create(
      {
        devices,
        reliability,
        options: {},
        serverName: server.name,
        password: '',
        random: new Random(1),
        says: hearsOf(workload),
      },
      this.application ?? this.consumer,
    )
    const owner = Object.assign(endpoint, { timerSlot: -1 })
    if (endpoint.command) this.application?.speakThrough(endpoint as Speech, owner)
    this.reactor.bindDatagram(local, new Traffic(), endpoint, owner)
  }

  /** Connects all devices from time 0 on. */
  connect(ramp: Nanoseconds = 0, deadline: Nanoseconds = 60e9): void {
    this.fleet.connect(0, ramp, deadline)
  }

  begin(plan: PhasePlan): void {
    ;(this.application ?? this.consumer).begin(plan)
    this.fleet.begin(plan)
  }

  /** Resets every connection from the server's side. */
  reset(): void {
    for (const stream of this.streams) this.reactor.reset(stream)
    this.streams.clear()
  }

  /** When events of that name were told, ms. */
  when(event: string): Nanoseconds[] {
    return this.told.filter(([, e]) => e.event === event).map(([at]) => at)
  }

  accounts(): Accounts {
    const flags = (base64: string): Uint8Array => Buffer.from(base64, 'base64')
    return settle(
      flags(this.fleet.report().ledger),
      flags((this.application ?? this.consumer).report().ledger),
    )
  }
}
