/** Strangers at a QUIC listener: what they send without end, and what one hears who comes once. */
import type { Nanoseconds } from '../../simulator/core/clock.ts'
import { MILLISECOND, NEVER } from '../../simulator/core/clock.ts'
import type { DatagramEndpoint, DatagramSocket, PeerKey } from '../../simulator/core/endpoint.ts'
import { peerKey } from '../../simulator/core/endpoint.ts'
import { Traffic } from '../../simulator/core/layer.ts'
import { Random } from '../../simulator/core/random.ts'
import type { Reactor, Timer } from '../../simulator/io/reactor.ts'
import { quiche } from '../../simulator/native/quiche.ts'
import { deviceAddress, SERVER_ADDRESS } from '../../simulator/network/link-protocol.ts'
import { mqtt } from '../../simulator/protocols/mqtt/adapter.ts'
import { DEVICE, DeviceLog } from '../../simulator/protocols/session-bench.cases.ts'
import type { QuicContext } from '../../simulator/transports/quic-context.ts'
import { clientContext, NAME } from '../../simulator/transports/quic-world.cases.ts'
import { QuicClient } from '../../simulator/transports/quic.ts'

const DATAGRAM = 1200
const TICK = 10 * MILLISECOND
/** Of each kind in each tick: 1 600 datagrams a second in all. */
const EACH = 4

const random = new Random(6)
const noise = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.integer(256))

/** A long header of QUIC version 1 with two ids of 8 bytes, and behind it what no key opens. */
const forgedInitial = (): Uint8Array => {
  const bytes = noise(DATAGRAM)
  bytes.set([0xc0 | random.integer(16), 0, 0, 0, 1, 8])
  bytes[14] = 8
  // No token, and a length of two bytes that is that of the rest (RFC 9000 section 17.2.2).
  bytes.set([0, 0x40 | ((DATAGRAM - 26) >> 8), (DATAGRAM - 26) & 0xff], 23)
  return bytes
}

/** A short header, and an id that no connection has. */
const shortHeader = (): Uint8Array => {
  const bytes = noise(40 + random.integer(DATAGRAM - 40))
  bytes[0] = 0x40 | random.integer(64)
  return bytes
}

const garbage = (): Uint8Array => noise(1 + random.integer(DATAGRAM))

/** The first datagram of clients that never say another word: a ClientHello that is in order. */
export const hellos = (count: number): Uint8Array[] => {
  const { config } = clientContext()
  const [local, remote] = [{ host: '192.0.2.2', port: 1 }, { host: '192.0.2.1', port: 1 }] // prettier-ignore
  const into = new Uint8Array(DATAGRAM)
  return Array.from({ length: count }, () => {
    const client = quiche().Connection.connect(NAME, new Uint8Array(0), local, remote, config)
    const sent = client.send(into)
    return into.slice(0, sent?.[0] ?? 0)
  })
}

/** A socket of a stranger, who reads only how much comes. */
class Port implements DatagramEndpoint {
  below!: DatagramSocket
  timerSlot = -1
  heard = 0
  fromPeer(_peer: PeerKey, bytes: Uint8Array): void {
    this.heard += bytes.length
  }
  peerGone(): void {}
  deadline(): Nanoseconds {
    return NEVER
  }
  expire(): void {}
}

/** Sends from `ports` ports of each of so many devices. Make it where they are. */
export class Flood implements Timer {
  timerSlot = -1
  sent = 0
  sentBytes = 0
  readonly #ports: Port[] = []
  readonly #server: PeerKey
  readonly #hellos: Uint8Array[]
  #next: Nanoseconds

  constructor(
    reactor: Reactor,
    devices: number,
    ports: number,
    port: number,
    hellos: Uint8Array[],
  ) {
    this.#server = peerKey({ host: SERVER_ADDRESS, port })
    this.#hellos = hellos
    for (let i = 0; i < devices * ports; i++) {
      const one = new Port()
      const local = { host: deviceAddress(i % devices), port: 0 }
      reactor.bindDatagram(local, new Traffic(), one, one)
      this.#ports.push(one)
    }
    this.#next = reactor.now()
    reactor.arm(this)
  }

  get heardBytes(): number {
    return this.#ports.reduce((sum, { heard }) => sum + heard, 0)
  }

  stop(): void {
    this.#next = NEVER
  }

  deadline(): Nanoseconds {
    return this.#next
  }

  expire(now: Nanoseconds): void {
    for (let i = 0; i < EACH; i++) {
      this.#send(garbage(), now)
      this.#send(forgedInitial(), now)
      this.#send(shortHeader(), now)
      const hello = this.#hellos.pop()
      if (hello !== undefined) this.#send(hello, now)
    }
    this.#next += TICK
  }

  #send(bytes: Uint8Array, now: Nanoseconds): void {
    this.#ports[this.sent++ % this.#ports.length]?.below.toPeer(this.#server, bytes, now)
    this.sentBytes += bytes.length
  }
}

/** A device with MQTT over QUIC. */
export class Visitor implements Timer {
  timerSlot = -1
  readonly log = new DeviceLog()
  readonly #client: QuicClient
  readonly #session: ReturnType<typeof mqtt.device>

  /** From the address of device 0. Make it where that is. */
  constructor(reactor: Reactor, context: QuicContext, serverName: string, port: number) {
    this.#client = new QuicClient(context, new Traffic(), serverName)
    const common = { options: {}, reliability: 'acknowledged', serverName, password: '', random } as const // prettier-ignore
    this.#session = mqtt.device(
      { ...common, device: DEVICE, hears: null, registration: 'resource-directory' },
      this.log,
    )
    this.#client.above = this.#session
    this.#session.below = this.#client
    const local = { host: deviceAddress(0), port: 0 }
    const remote = { host: SERVER_ADDRESS, port }
    reactor.connectDatagram({ local, remote, owner: this, traffic: new Traffic() }, this.#client)
  }

  get hasHeard(): boolean {
    return this.log.lines.length > 0
  }

  /** `ready`, or why not. */
  get end(): string {
    const { cause, lines } = this.log
    return cause === null ? lines.join() : `${cause.code}: ${cause.detail}`
  }

  deadline(): Nanoseconds {
    return Math.min(this.#session.deadline(), this.#client.deadline())
  }

  expire(now: Nanoseconds): void {
    if (this.#session.deadline() <= now) this.#session.expire(now)
    if (this.#client.deadline() <= now) this.#client.expire(now)
  }
}

/** A context of clients that take any certificate: that of a run is signed by nobody whom others could know. */
export const trustingContext = (): QuicContext => {
  const { options } = clientContext()
  const config = quiche().Config.withBoringSslCtx(false, true)
  config.setApplicationProtos([options.alpn])
  config.setInitialMaxData(1 << 20)
  config.setInitialMaxStreamDataBidiLocal(1 << 18)
  return { config, options }
}
