/** A QUIC listener in front of a broker that knows TCP alone: each client has a connection of its own to the broker. */
import { readFileSync } from 'node:fs'
import type { Address } from '../../core/endpoint.ts'
import { Traffic } from '../../core/layer.ts'
import type { Reactor } from '../../io/reactor.ts'
import { QuicContext } from '../../transports/quic-context.ts'
import type { QuicPeer } from '../../transports/quic-peer.ts'
import type { QuicLimits } from '../../transports/quic-server.ts'
import { QuicServer } from '../../transports/quic-server.ts'
import type { QuicFrontEnd } from './configuration.ts'
import { FrontSession } from './front-session.ts'

export interface QuicFrontOptions {
  readonly context: QuicContext
  readonly listen: Address
  /** Where the broker takes connections without security. */
  readonly broker: Address
  readonly limits?: Partial<QuicLimits>
}

/** @param certificate PEM of the chain; `key` of its private key */
export const quicContext = (
  { ticketKey, ...options }: QuicFrontEnd,
  certificate: string,
  key: string,
): QuicContext =>
  QuicContext.server({
    ...options,
    certificate,
    key,
    ...(ticketKey === undefined ? {} : { ticketKey: readFileSync(ticketKey) }),
  })

/** Listens at once, until the server that it returns is closed. Throws TB_SYSTEM_CALL when the address cannot be bound. */
export const listenQuic = (
  reactor: Reactor,
  { context, listen, broker, limits }: QuicFrontOptions,
): QuicServer => {
  const behind = new Traffic()
  const accept = (peer: QuicPeer): FrontSession =>
    new FrontSession(peer, (above) =>
      reactor.connectStream({ remote: broker, owner: above, traffic: behind }, above),
    )
  const server = new QuicServer(context, reactor, new Traffic(), accept, limits)
  reactor.bindDatagram(listen, new Traffic(), server, server)
  return server
}
