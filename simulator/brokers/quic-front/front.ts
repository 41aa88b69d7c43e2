/** A QUIC listener in front of a broker that knows TCP alone: each client has a connection of its own to the broker. */
import type { Nanoseconds } from '../../core/clock.ts'
import type { Address } from '../../core/endpoint.ts'
import { Traffic } from '../../core/layer.ts'
import type { Reactor } from '../../io/reactor.ts'
import type { QuicContext } from '../../transports/quic-context.ts'
import type { QuicLimits } from '../../transports/quic-server.ts'
import { QuicServer } from '../../transports/quic-server.ts'
import { FrontSession } from './front-session.ts'

export interface QuicFrontOptions {
  readonly context: QuicContext
  readonly listen: Address
  /** Where the broker takes connections without security. */
  readonly broker: Address
  readonly limits?: Partial<QuicLimits>
}

export class QuicFront {
  readonly server: QuicServer

  /** Listens at once. Throws TB_SYSTEM_CALL when the address cannot be bound. */
  constructor(reactor: Reactor, { context, listen, broker, limits }: QuicFrontOptions) {
    const [datagrams, behind] = [new Traffic(), new Traffic()]
    this.server = new QuicServer(
      context,
      reactor,
      new Traffic(),
      (peer) =>
        new FrontSession(peer, (above) =>
          reactor.connectStream({ remote: broker, owner: above, traffic: behind }, above),
        ),
      limits,
    )
    reactor.bindDatagram(listen, datagrams, this.server, this.server)
  }

  close(now: Nanoseconds): void {
    this.server.close(now)
  }
}
