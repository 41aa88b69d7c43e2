/**
 * Stacks the layers of a device's connection:  session / framing / security / socket.
 * One factory per worker: the TLS or DTLS context is shared by all its devices.
 */
import type { Nanoseconds } from '../core/clock.ts'
import type { Address } from '../core/endpoint.ts'
import { deviceName } from '../core/device-name.ts'
import type { Layer, Lower, Timed, Upper } from '../core/layer.ts'
import { Traffic } from '../core/layer.ts'
import { Random, keyOf } from '../core/random.ts'
import type { TcpRecord } from '../core/tcp.ts'
import type { Reactor } from '../io/reactor.ts'
import { adapterOf } from '../protocols/index.ts'
import type { DeviceSession, ProtocolAdapter } from '../protocols/session.ts'
import { Identities } from '../security/identities.ts'
import { DtlsClient, DtlsContext } from '../transports/dtls.ts'
import { WebSocketClient } from '../transports/websocket.ts'
import type { WebSocketTarget } from '../transports/websocket-handshake.ts'
import type { Device } from './device.ts'
import type { FleetConfig, TicketCount } from './fleet-protocol.ts'
import { hearsOf } from './hears.ts'
import type { QuicEngine } from './quic-engine.ts'
import { quicEngine } from './quic-engine.ts'
import { TlsDevices } from './tls-devices.ts'
import { vanish } from './vanish.ts'
import { webSocketTarget } from './websocket-target.ts'

/** A security layer, as far as a device looks at it. */
export interface SecurityLayer extends Upper, Lower, Timed {
  above: Upper
  /** Version, cipher, group, once the handshake is done. */
  negotiated(): Readonly<Record<string, string>>
}

export interface Pile {
  /** What a device asks of its session; how bytes reach it is between those below. */
  readonly session: Omit<DeviceSession, Exclude<keyof Upper, 'openedAt'>>
  /** Null where sessions need none. */
  readonly framing: Pick<Layer, 'openedAt' | keyof Timed> | null
  /** Null for a plain stack. */
  readonly security: Pick<SecurityLayer, 'openedAt' | 'negotiated' | keyof Timed> | null
  /** Ends all of it without a word to the peer: no close_notify, no DISCONNECT, no FIN. */
  vanish(now: Nanoseconds): void
}

/** The randomness of WebSocket. */
const MASKS = keyOf('websocket')

const stacked = (above: Upper, below: Lower & { above: Upper }): void => {
  below.above = above
  above.below = below
}

export class PileFactory {
  readonly adapter: ProtocolAdapter
  /** What sessions hand to the layer below them. */
  readonly application = new Traffic()
  /** What framing hands to the layer below it; the same object as `application` where there is none. */
  readonly framed: Traffic
  /** What is handed to sockets; the same object as `framed` for a plain stack. */
  readonly transport: Traffic
  /** Handshakes with a session ticket; null where devices keep none. */
  readonly tickets: TicketCount | null
  /** DER bytes of a device's certificate; null where it has none. */
  readonly certificateBytes: number | null
  /** What the first device's connection has. */
  readonly tcp: TcpRecord = { found: null }
  readonly #config: FleetConfig
  readonly #remote: Address
  readonly #identities: Identities
  readonly #tls: TlsDevices | null
  readonly #dtls: DtlsContext | null
  readonly #quic: QuicEngine | null
  readonly #webSocket: WebSocketTarget | null
  readonly #password: string
  #connections = 0

  constructor(config: FleetConfig) {
    const { stack, server } = config
    this.#config = config
    this.adapter = adapterOf(stack.protocol)
    this.#remote = { host: server.address, port: server.device }
    // Mosquitto takes any path; this is the one that is customary.
    this.#webSocket = webSocketTarget(stack, server)
    this.#identities = new Identities(Buffer.from(config.secret, 'hex'))
    this.#password = this.#identities.password
    this.framed = this.#webSocket === null ? this.application : new Traffic()
    this.transport = stack.security === 'none' ? this.framed : new Traffic()
    this.#tls =
      stack.security === 'tls' && stack.tls !== null
        ? new TlsDevices(stack.tls, config, this.#identities)
        : null
    this.#dtls =
      stack.security === 'dtls-psk' && stack.dtls !== null ? DtlsContext.client(stack.dtls) : null
    this.#quic = stack.quic === null ? null : quicEngine(stack.quic, config)
    this.tickets = this.#tls?.tickets ?? this.#quic?.tickets ?? null
    this.certificateBytes = this.#tls?.certificateBytes ?? null
  }

  /** Opens a connection from `local`; `now` is the instant of the first packet. */
  open(reactor: Reactor, device: Device, local: string): Pile {
    const session = this.adapter.device(this.#sessionConfig(device), device)
    const framing = this.#framing(device.index)
    const security = this.#securityFor(device.index)
    if (framing !== null) stacked(session, framing)
    if (security !== null) stacked(framing ?? session, security)
    const options = {
      local: { host: local, port: 0 },
      remote: this.#remote,
      owner: device,
      traffic: this.transport,
    }
    const lowest = security ?? framing ?? session
    const { nodelay: noDelay, ...tcp } = this.#config.stack.tcp
    const { tcp: record } = this
    const port =
      this.#config.stack.carrier === 'stream'
        ? reactor.connectStream({ ...options, ...tcp, noDelay, record }, lowest)
        : reactor.connectDatagram(options, lowest)
    const layers = [session, framing, security]
    return { session, framing, security, vanish: (now) => vanish(layers, port, now) }
  }

  #framing(device: number): Layer | null {
    if (this.#webSocket === null) return null
    // Of each connection its own, and not those of its session.
    const random = new Random(this.#config.seed, device, this.#connections, MASKS)
    return new WebSocketClient(this.#webSocket, this.application, random)
  }

  #securityFor(device: number): SecurityLayer | null {
    if (this.#tls !== null) return this.#tls.client(device, this.framed)
    if (this.#quic !== null) return this.#quic.client(device, this.framed)
    if (this.#dtls !== null)
      return new DtlsClient(
        this.#dtls,
        this.application,
        deviceName(device),
        this.#identities.pskKey(device),
      )
    return null
  }

  #sessionConfig({ index: device, memory, second }: Device) {
    const { stack, server, registration, seed, workload } = this.#config
    return {
      device,
      reliability: stack.reliability,
      options: stack.options,
      serverName: server.name,
      password: this.#password,
      // A new connection of the same device takes other message ids and nonces.
      random: new Random(seed, device, this.#connections++),
      registration,
      hears: hearsOf(workload),
      // A new session has a new association under it.
      unansweredLimit: stack.dtls?.rehandshakeAfter ?? null,
      memory,
      second,
      lanes: stack.quic?.streams === 'per-topic',
    }
  }
}
