/** Whose QUIC the devices of a worker have: one of two libraries, which share nothing. */
import type { Layer, Traffic } from '../core/layer.ts'
import type { StackQuic } from '../core/types.ts'
import { OpenSslQuicClient, OpenSslQuicContext } from '../transports/openssl-quic.ts'
import { quicOptions } from '../transports/quic-options.ts'
import { TlsTickets } from '../transports/tls-tickets.ts'
import type { FleetConfig, TicketCount } from './fleet-protocol.ts'
import { keepAliveOf, QuicDevices } from './quic-devices.ts'

/** The QUIC of a worker's devices. */
export interface QuicEngine {
  /** Null where devices do not resume. */
  readonly tickets: TicketCount | null
  /** The security layer of a new connection. `traffic` counts what crosses its upper boundary. */
  client(
    device: number,
    traffic: Traffic,
  ): Layer & { negotiated(): Readonly<Record<string, string>> }
}

class OpenSslQuicDevices implements QuicEngine {
  readonly tickets: TlsTickets | null
  readonly #context: OpenSslQuicContext
  readonly #serverName: string

  constructor(quic: StackQuic, { stack, authority, server }: FleetConfig) {
    this.#serverName = server.name
    this.tickets = quic.resumption ? new TlsTickets() : null
    const { alpn, idleTimeout } = quicOptions(quic, stack.protocol, keepAliveOf(stack))
    this.#context = new OpenSslQuicContext({ alpn, idleTimeout, authority: authority ?? '' })
  }

  client(device: number, traffic: Traffic): OpenSslQuicClient {
    const { tickets } = this
    const identity = tickets === null ? { device } : { device, tickets }
    return new OpenSslQuicClient(this.#context, traffic, this.#serverName, identity)
  }
}

export const quicEngine = (quic: StackQuic, config: FleetConfig): QuicEngine =>
  quic.engine === 'openssl' ? new OpenSslQuicDevices(quic, config) : new QuicDevices(quic, config)
