/** QUIC for the devices of one worker: the context that they share, and what they keep of their connections. */
import type { Layer, Traffic } from '../core/layer.ts'
import type { Stack, StackQuic } from '../core/types.ts'
import { adapterOf } from '../protocols/index.ts'
import { quicOptions } from '../transports/quic-options.ts'
import { QuicTickets } from '../transports/quic-tickets.ts'
import { QuicClient, QuicContext } from '../transports/quic.ts'
import type { FleetConfig } from './fleet-protocol.ts'

export class QuicDevices {
  /** Null where devices do not resume. */
  readonly tickets: QuicTickets | null
  readonly #context: QuicContext
  readonly #serverName: string

  constructor(quic: StackQuic, { stack, authority, server }: FleetConfig) {
    this.#serverName = server.name
    this.tickets = quic.resumption ? new QuicTickets() : null
    this.#context = QuicContext.client({
      ...quicOptions(quic, stack.protocol, keepAliveOf(stack)),
      authority: authority ?? '',
    })
  }

  /** The security layer of a new connection. `traffic` counts what crosses its upper boundary. */
  client(device: number, traffic: Traffic): Layer & Pick<QuicClient, 'negotiated'> {
    const { tickets } = this
    const identity = tickets === null ? { device } : { device, tickets }
    return new QuicClient(this.#context, traffic, this.#serverName, identity)
  }
}

/** How often the session above says something when it has nothing to say; null: it does not. */
export const keepAliveOf = ({ protocol, options }: Stack): number | null =>
  adapterOf(protocol).keepAlive?.(options) ?? null
