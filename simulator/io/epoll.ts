/**
 * The reactor on Linux sockets: epoll through libc, in a thread that does nothing else. It costs about as much per
 * message as a C program (bench/reactor.bench.ts).
 */
import { monotonic, type Nanoseconds } from '../core/clock.ts'
import type { Address, DatagramEndpoint, DatagramSocket } from '../core/endpoint.ts'
import type { Traffic, Upper } from '../core/layer.ts'
import { EPOLLIN, SOCK_DGRAM, SOCK_STREAM } from '../native/linux.ts'
import { bound, EndpointSocket, Listener } from './bound-sockets.ts'
import { DatagramPort } from './datagram-port.ts'
import { Loop, type Source } from './loop.ts'
import type {
  Accepted,
  Closable,
  ConnectOptions,
  Port,
  Reactor,
  StreamOptions,
  Timer,
} from './reactor.ts'
import { Sockets } from './sockets.ts'
import { StreamPort } from './stream-port.ts'
import { askTcp } from './tcp-options.ts'

class Watch implements Source, Closable {
  readonly #loop: Loop
  readonly #ready: () => void
  #slot: number

  constructor(loop: Loop, fd: number, ready: () => void) {
    this.#loop = loop
    this.#ready = ready
    this.#slot = loop.add(fd, this, EPOLLIN)
  }

  readiness(): void {
    this.#ready()
  }

  close(): void {
    if (this.#slot >= 0) this.#loop.remove(this.#slot)
    this.#slot = -1
  }

  abandon(): void {
    this.close()
  }
}

export class EpollReactor implements Reactor, Disposable {
  readonly #loop = new Loop()
  readonly #sockets = new Sockets()

  now(): Nanoseconds {
    return monotonic()
  }

  connectStream(options: StreamOptions, above: Upper): Port {
    const fd = this.#connect(SOCK_STREAM, options, options)
    const { owner, traffic, record } = options
    return new StreamPort(this.#loop, this.#sockets, fd, above, owner, traffic, record)
  }

  connectDatagram(options: ConnectOptions, above: Upper): Port {
    const fd = this.#connect(SOCK_DGRAM, options, null)
    const { owner, traffic } = options
    return new DatagramPort(this.#loop, this.#sockets, fd, above, owner, traffic)
  }

  /** Throws TB_SYSTEM_CALL when the address cannot be bound. */
  listenStream(
    local: Address,
    traffic: Traffic,
    accept: (peer: Address, now: Nanoseconds) => Accepted,
  ): Closable {
    const fd = bound(this.#sockets.openListener(local), 'TCP', local)
    return new Listener(this.#loop, this.#sockets, fd, traffic, accept)
  }

  /** Throws TB_SYSTEM_CALL when the address cannot be bound. */
  bindDatagram(
    local: Address,
    traffic: Traffic,
    endpoint: DatagramEndpoint,
    owner: Timer,
  ): DatagramSocket {
    const fd = bound(this.#sockets.openServer(local), 'UDP', local)
    return new EndpointSocket(this.#loop, this.#sockets, fd, traffic, endpoint, owner)
  }

  /** Calls `ready` from the loop whenever the descriptor can be read or its other end is gone. The descriptor stays the caller's. */
  watch(fd: number, ready: () => void): Closable {
    return new Watch(this.#loop, fd, ready)
  }

  arm(owner: Timer): void {
    this.#loop.deadlines.arm(owner)
  }

  disarm(owner: Timer): void {
    this.#loop.deadlines.disarm(owner)
  }

  run(): void {
    this.#loop.run()
  }

  stop(): void {
    this.#loop.stop()
  }

  /** Closes all sockets as they are; nobody is told. */
  [Symbol.dispose](): void {
    this.#loop.dispose()
  }

  /** A connecting socket, or minus the error number. */
  #connect(
    type: number,
    { local, remote, owner }: ConnectOptions,
    tcp: StreamOptions | null,
  ): number {
    this.#loop.deadlines.admit(owner)
    const fd = this.#sockets.open(type, local)
    if (fd < 0) return fd
    if (tcp !== null) askTcp(this.#sockets, fd, tcp)
    const connected = this.#sockets.connect(fd, remote)
    if (connected === 0) return fd
    this.#sockets.close(fd)
    return connected
  }
}
