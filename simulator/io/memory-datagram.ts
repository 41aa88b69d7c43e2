/** UDP in memory: sockets by address, and datagrams that are delayed or lost. */
import type { Nanoseconds } from '../core/clock.ts'
import {
  peerAddress,
  type Address,
  type DatagramEndpoint,
  type DatagramSocket,
  type PeerKey,
} from '../core/endpoint.ts'
import type { Cause, Traffic, Upper } from '../core/layer.ts'
import { STALE, type VirtualTime } from './memory-network.ts'
import type { Port, Timer } from './reactor.ts'

const REFUSED: Cause = { code: 'refused', detail: 'nobody is bound to the remote port' }

/** Whether the datagram of this index (from 0, all datagrams counted in the order sent) is lost. */
export type Loss = (index: number, from: Address, to: Address) => boolean

interface Socket {
  arrive(from: PeerKey, bytes: Uint8Array, now: Nanoseconds): void
  /** Nobody is bound to where a datagram of this socket went. */
  unreachable(): void
}

export class MemoryDatagrams {
  readonly time: VirtualTime
  readonly #loss: Loss
  readonly #bound = new Map<PeerKey, Socket>()
  #sent = 0

  constructor(time: VirtualTime, loss: Loss) {
    this.time = time
    this.#loss = loss
  }

  isBound(key: PeerKey): boolean {
    return this.#bound.has(key)
  }

  bind(key: PeerKey, socket: Socket): void {
    this.#bound.set(key, socket)
  }

  release(key: PeerKey, socket: Socket): void {
    if (this.#bound.get(key) === socket) this.#bound.delete(key)
  }

  send(from: PeerKey, to: PeerKey, bytes: Uint8Array): void {
    if (this.#loss(this.#sent++, peerAddress(from), peerAddress(to))) return
    // Not `bytes.slice()`, which does not copy when the bytes are a Buffer.
    const copy = new Uint8Array(bytes)
    this.time.across(() => {
      const receiver = this.#bound.get(to)
      if (receiver !== undefined) receiver.arrive(from, copy, this.time.now())
      else this.time.across(() => this.#bound.get(from)?.unreachable())
    })
  }
}

/** A connected socket: takes datagrams from its remote address alone. */
export class MemoryDatagramPort implements Port, Socket {
  readonly traffic: Traffic
  readonly #network: MemoryDatagrams
  readonly #local: PeerKey
  readonly #remote: PeerKey
  readonly #above: Upper
  readonly #owner: Timer
  #over = false

  constructor(
    network: MemoryDatagrams,
    local: PeerKey,
    remote: PeerKey,
    above: Upper,
    owner: Timer,
    traffic: Traffic,
  ) {
    this.#network = network
    this.#local = local
    this.#remote = remote
    this.#above = above
    this.#owner = owner
    this.traffic = traffic
    above.below = this
  }

  establish(): void {
    this.#network.bind(this.#local, this)
    this.#above.open(this.#network.time.now())
    this.#network.time.deadlines.touch(this.#owner)
  }

  fromAbove(bytes: Uint8Array): boolean {
    if (this.#over) return false
    this.traffic.sentBytes += bytes.length
    this.traffic.sentCalls++
    this.#network.send(this.#local, this.#remote, bytes)
    return true
  }

  close(): void {
    if (this.#over) return
    this.#over = true
    this.#network.release(this.#local, this)
  }

  vanish(): void {
    this.close()
  }

  arrive(from: PeerKey, bytes: Uint8Array, now: Nanoseconds): void {
    if (from !== this.#remote) return
    this.traffic.receivedBytes += bytes.length
    this.traffic.receivedCalls++
    this.#above.fromBelow(bytes, now)
    bytes.fill(STALE)
    this.#network.time.deadlines.touch(this.#owner)
  }

  unreachable(): void {
    this.end(REFUSED)
  }

  end(cause: Cause): void {
    if (this.#over) return
    this.close()
    this.#above.closed(cause, this.#network.time.now())
    this.#network.time.deadlines.touch(this.#owner)
  }
}

export class MemoryEndpointSocket implements DatagramSocket, Socket {
  readonly traffic: Traffic
  readonly #network: MemoryDatagrams
  readonly #local: PeerKey
  readonly #endpoint: DatagramEndpoint
  readonly #owner: Timer
  #over = false

  constructor(
    network: MemoryDatagrams,
    local: PeerKey,
    traffic: Traffic,
    endpoint: DatagramEndpoint,
    owner: Timer,
  ) {
    this.#network = network
    this.#local = local
    this.#endpoint = endpoint
    this.#owner = owner
    this.traffic = traffic
    endpoint.below = this
    network.bind(local, this)
  }

  toPeer(peer: PeerKey, bytes: Uint8Array): void {
    if (this.#over) return
    this.traffic.sentBytes += bytes.length
    this.traffic.sentCalls++
    this.#network.send(this.#local, peer, bytes)
  }

  close(): void {
    if (this.#over) return
    this.#over = true
    this.#network.release(this.#local, this)
  }

  arrive(from: PeerKey, bytes: Uint8Array, now: Nanoseconds): void {
    this.traffic.receivedBytes += bytes.length
    this.traffic.receivedCalls++
    this.#endpoint.fromPeer(from, bytes, now)
    bytes.fill(STALE)
    this.#network.time.deadlines.touch(this.#owner)
  }

  /** A socket that is not connected does not learn of it. */
  unreachable(): void {}
}
