/** The UDP socket of an endpoint, on Node's own event loop. */
import { createSocket, type Socket } from 'node:dgram'
import { monotonic } from '../core/clock.ts'
import {
  peerAddress,
  peerKey,
  type DatagramEndpoint,
  type DatagramSocket,
  type PeerKey,
} from '../core/endpoint.ts'
import type { Traffic } from '../core/layer.ts'
import type { Reactor, Timer } from './reactor.ts'

export class NodeEndpointSocket implements DatagramSocket {
  readonly traffic: Traffic
  readonly #socket: Socket = createSocket('udp4')
  #over = false

  /** @param fd a UDP socket that is bound; it is this object's from now on */
  constructor(
    loop: Pick<Reactor, 'arm'>,
    fd: number,
    traffic: Traffic,
    endpoint: DatagramEndpoint,
    owner: Timer,
  ) {
    this.traffic = traffic
    endpoint.below = this
    this.#socket.on('message', (bytes, { address, port }) => {
      traffic.receivedBytes += bytes.length
      traffic.receivedCalls++
      endpoint.fromPeer(peerKey({ host: address, port }), bytes, monotonic())
      loop.arm(owner)
    })
    this.#socket.bind({ fd })
    loop.arm(owner)
  }

  toPeer(peer: PeerKey, bytes: Uint8Array): void {
    if (this.#over) return
    const { host, port } = peerAddress(peer)
    // A copy: Node may send it later. An error of one datagram is a loss.
    this.#socket.send(Buffer.from(bytes), port, host, () => {})
    this.traffic.sentBytes += bytes.length
    this.traffic.sentCalls++
  }

  close(): void {
    if (this.#over) return
    this.#over = true
    this.#socket.close()
  }
}
