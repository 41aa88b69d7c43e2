/** MQTT over QUIC inside the broker's own process: what the front end does before other brokers, without the connection between the two. */
import type { Duplex } from 'node:stream'
import type { Address } from '../core/endpoint.ts'
import { Traffic } from '../core/layer.ts'
import { NodeLoop } from '../io/node-loop.ts'
import type { QuicContext } from '../transports/quic-context.ts'
import type { QuicPeer } from '../transports/quic-peer.ts'
import { QuicServer } from '../transports/quic-server.ts'
import { BrokerStream } from './front-end/broker-stream.ts'
import { FrontSession } from './front-end/front-session.ts'

/**
 * Listens at once. Throws TB_SYSTEM_CALL when the address cannot be bound.
 * @param serve takes the stream of each client, on which it speaks MQTT as on a connection of its own
 */
export const listenQuic = (
  context: QuicContext,
  listen: Address,
  serve: (stream: Duplex) => void,
): QuicServer => {
  const inside = new Traffic()
  const accept = (peer: QuicPeer): FrontSession =>
    new FrontSession(peer, (above) => serve(new BrokerStream(above, inside)))
  const loop = new NodeLoop()
  const server = new QuicServer(context, loop, new Traffic(), accept)
  loop.bindDatagram(listen, new Traffic(), server, server)
  return server
}
