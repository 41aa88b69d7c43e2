/** Sockets that wait for others: the TCP listener and the UDP socket of an endpoint. */
import { constants } from 'node:os'
import { monotonic, type Nanoseconds } from '../core/clock.ts'
import {
  peerAddress,
  type Address,
  type DatagramEndpoint,
  type DatagramSocket,
  type PeerKey,
} from '../core/endpoint.ts'
import type { Traffic } from '../core/layer.ts'
import { systemError } from '../native/libc.ts'
import { EPOLLIN, IPPROTO_TCP, TCP_NODELAY } from '../native/linux.ts'
import type { Loop, Source } from './loop.ts'
import type { Accepted, Closable, Timer } from './reactor.ts'
import type { Sockets } from './sockets.ts'
import { StreamPort } from './stream-port.ts'

const ACCEPTS_PER_TURN = 64
const DATAGRAMS_PER_TURN = 64

/** What accept reports about a connection that died while it waited, or that there is none. */
const NO_CONNECTION: ReadonlySet<number> = new Set([
  constants.errno.EAGAIN,
  constants.errno.EINTR,
  constants.errno.ECONNABORTED,
])

/** The descriptor, or a failed bind in words. */
export const bound = (fd: number, kind: string, { host, port }: Address): number => {
  if (fd >= 0) return fd
  const advice = 'The address must belong to this network namespace and the port must be free.'
  throw systemError(`bind of ${kind} ${host}:${port}`, -fd, advice)
}

abstract class BoundSocket implements Source {
  readonly traffic: Traffic
  protected readonly loop: Loop
  protected readonly sockets: Sockets
  /** -1: closed. */
  protected fd: number
  readonly #slot: number

  constructor(loop: Loop, sockets: Sockets, fd: number, traffic: Traffic) {
    this.loop = loop
    this.sockets = sockets
    this.fd = fd
    this.traffic = traffic
    this.#slot = loop.add(fd, this, EPOLLIN)
  }

  abstract readiness(): void

  close(): void {
    if (this.fd < 0) return
    this.loop.remove(this.#slot)
    this.sockets.close(this.fd)
    this.fd = -1
  }

  abandon(): void {
    this.close()
  }
}

export class Listener extends BoundSocket implements Closable {
  readonly #accept: (peer: Address, now: Nanoseconds) => Accepted

  constructor(
    loop: Loop,
    sockets: Sockets,
    fd: number,
    traffic: Traffic,
    accept: (peer: Address, now: Nanoseconds) => Accepted,
  ) {
    super(loop, sockets, fd, traffic)
    this.#accept = accept
  }

  readiness(): void {
    for (let i = 0; i < ACCEPTS_PER_TURN && this.fd >= 0; i++) {
      const fd = this.sockets.accept(this.fd)
      if (NO_CONNECTION.has(-fd)) return
      // It stays ready, so going on would spin for ever.
      if (fd < 0) throw systemError('accept', -fd, 'Raise the limit of open files (ulimit -n).')
      this.sockets.option(fd, IPPROTO_TCP, TCP_NODELAY, 1)
      const now = monotonic()
      const { above, owner } = this.#accept(peerAddress(this.sockets.peer()), now)
      this.loop.deadlines.admit(owner)
      const port = new StreamPort(this.loop, this.sockets, fd, above, owner, this.traffic)
      port.establish(now)
    }
  }
}

export class EndpointSocket extends BoundSocket implements DatagramSocket {
  readonly #endpoint: DatagramEndpoint
  readonly #owner: Timer

  constructor(
    loop: Loop,
    sockets: Sockets,
    fd: number,
    traffic: Traffic,
    endpoint: DatagramEndpoint,
    owner: Timer,
  ) {
    super(loop, sockets, fd, traffic)
    this.#endpoint = endpoint
    this.#owner = owner
    endpoint.below = this
    loop.deadlines.admit(owner)
  }

  toPeer(peer: PeerKey, bytes: Uint8Array): void {
    if (this.fd < 0) return
    this.sockets.sendTo(this.fd, bytes, peer)
    this.traffic.sentBytes += bytes.length
    this.traffic.sentCalls++
  }

  readiness(): void {
    for (let i = 0; i < DATAGRAMS_PER_TURN && this.fd >= 0; i++) {
      const length = this.sockets.receiveFrom(this.fd)
      const now = monotonic()
      if (length < 0) return
      this.traffic.receivedBytes += length
      this.traffic.receivedCalls++
      this.#endpoint.fromPeer(this.sockets.peer(), this.sockets.received(length), now)
      this.loop.deadlines.touch(this.#owner)
    }
  }
}
