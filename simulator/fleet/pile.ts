/**
 * Stacks the layers of a device's connection:  session / security / socket.
 * One factory per worker: the TLS or DTLS context is shared by all its devices.
 */
import type { Address } from '../core/endpoint.ts'
import { deviceName } from '../core/device-name.ts'
import type { Lower, Timed, Upper } from '../core/layer.ts'
import { Traffic } from '../core/layer.ts'
import { Random } from '../core/random.ts'
import type { TcpRecord } from '../core/tcp.ts'
import type { Reactor } from '../io/reactor.ts'
import { adapterOf } from '../protocols/index.ts'
import type { DeviceSession, ProtocolAdapter } from '../protocols/session.ts'
import { Identities } from '../security/identities.ts'
import { DtlsClient, DtlsContext } from '../transports/dtls.ts'
import { TlsClient, TlsContext } from '../transports/tls.ts'
import type { Device } from './device.ts'
import type { FleetConfig } from './fleet-protocol.ts'

/** A security layer, as far as a device looks at it. */
export interface SecurityLayer extends Upper, Lower, Timed {
  above: Upper
  /** Version, cipher, group, once the handshake is done. */
  negotiated(): Readonly<Record<string, string>>
}

export interface Pile {
  /** What a device asks of its session; how bytes reach it is between those below. */
  readonly session: Omit<DeviceSession, Exclude<keyof Upper, 'openedAt'>>
  /** Null for a plain stack. */
  readonly security: Pick<SecurityLayer, 'openedAt' | 'negotiated' | keyof Timed> | null
}

export class PileFactory {
  readonly adapter: ProtocolAdapter
  /** What sessions hand to the layer below them. */
  readonly application = new Traffic()
  /** What is handed to sockets; the same object as `application` for a plain stack. */
  readonly transport: Traffic
  /** What the first device's connection has. */
  readonly tcp: TcpRecord = { found: null }
  readonly #config: FleetConfig
  readonly #remote: Address
  readonly #identities: Identities
  readonly #tls: TlsContext | null
  readonly #dtls: DtlsContext | null
  readonly #password: string
  #connections = 0

  constructor(config: FleetConfig) {
    const { stack, server } = config
    this.#config = config
    this.adapter = adapterOf(stack.protocol)
    this.#remote = {
      host: server.address,
      port: stack.security === 'none' ? server.plain : server.secure,
    }
    this.#identities = new Identities(Buffer.from(config.secret, 'hex'))
    this.#password = this.#identities.password
    this.transport = stack.security === 'none' ? this.application : new Traffic()
    this.#tls =
      stack.security === 'tls' && stack.tls !== null
        ? TlsContext.client({ ...stack.tls, authority: config.authority ?? '' })
        : null
    this.#dtls =
      stack.security === 'dtls-psk' && stack.dtls !== null ? DtlsContext.client(stack.dtls) : null
  }

  /** Opens a connection from `local`; `now` is the instant of the first packet. */
  open(reactor: Reactor, device: Device, local: string): Pile {
    const session = this.adapter.device(this.#sessionConfig(device.index), device)
    const security = this.#securityFor(device.index)
    if (security !== null) {
      security.above = session
      session.below = security
    }
    const options = {
      local: { host: local, port: 0 },
      remote: this.#remote,
      owner: device,
      traffic: this.transport,
    }
    const lowest = security ?? session
    if (this.adapter.carrier === 'stream') {
      const { nodelay: noDelay, keepalive, userTimeout } = this.#config.stack.tcp
      const { tcp: record } = this
      reactor.connectStream({ ...options, noDelay, keepalive, userTimeout, record }, lowest)
    } else reactor.connectDatagram(options, lowest)
    return { session, security }
  }

  #securityFor(device: number): SecurityLayer | null {
    if (this.#tls !== null)
      return new TlsClient(this.#tls, this.application, this.#config.server.name)
    if (this.#dtls !== null)
      return new DtlsClient(
        this.#dtls,
        this.application,
        deviceName(device),
        this.#identities.pskKey(device),
      )
    return null
  }

  #sessionConfig(device: number) {
    const { stack, server, registration, seed } = this.#config
    return {
      device,
      reliability: stack.reliability,
      options: stack.options,
      serverName: server.name,
      password: this.#password,
      // A new connection of the same device takes other message ids and nonces.
      random: new Random(seed, device, this.#connections++),
      registration,
      // A new session has a new association under it.
      unansweredLimit: stack.dtls?.rehandshakeAfter ?? null,
    }
  }
}
