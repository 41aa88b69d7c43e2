/**
 * The reactor: the only holder of sockets and timers. Two implementations obey this contract and one case suite
 * (reactor.cases.ts): `epoll.ts` (Linux sockets) and `memory.ts` (a network in virtual time, for tests).
 *
 * After every call that the reactor makes into a pile or an endpoint, it asks the owner for its deadline again.
 * A call that comes from elsewhere and may have moved a deadline is followed by `arm(owner)`.
 */
import type { Nanoseconds } from '../core/clock.ts'
import type { Address, DatagramEndpoint, DatagramSocket } from '../core/endpoint.ts'
import type { Lower, Timed, Traffic, Upper } from '../core/layer.ts'
import type { TcpRecord } from '../core/tcp.ts'

/** An owner of deadlines. `timerSlot` belongs to the reactor and starts at -1. */
export interface Timer extends Timed {
  timerSlot: number
}

export interface ConnectOptions {
  /** The source address; port 0 or no address lets the system choose. */
  readonly local?: Address
  readonly remote: Address
  /** Asked for its deadline after each call into the pile. */
  readonly owner: Timer
  /** Where the port counts; shared by many connections. */
  readonly traffic: Traffic
}

export interface StreamOptions extends ConnectOptions {
  /** TCP_NODELAY; default true. */
  readonly noDelay?: boolean
  /** Idle time before the first keep-alive probe and between probes, rounded up to whole seconds; default none. */
  readonly keepalive?: Nanoseconds | null
  /** TCP_USER_TIMEOUT, whole milliseconds; default none. A connection that stands ends with `timeout` when its bytes have waited so long. */
  readonly userTimeout?: Nanoseconds | null
  /** TCP_NOTSENT_LOWAT, bytes; default none. The port is full while the kernel has so many that it has not sent. */
  readonly notsentLowat?: number | null
  /** Where the first connection writes what the kernel gave it; a network in memory has nothing to say. */
  readonly record?: TcpRecord
}

/** One accepted stream: the pile's lowest Upper, and who owns its deadlines. */
export interface Accepted {
  readonly above: Upper
  readonly owner: Timer
}

export interface Closable {
  close(): void
}

/** The socket under a pile. */
export interface Port extends Lower {
  /**
   * The device has gone without a word (no power, no radio): nothing is sent from now on, and nobody above is called. What the
   * peer still sends to a TCP connection is answered with RST, as by a device that has come back and forgotten it.
   */
  vanish(): void
}

export interface Reactor {
  /** Stamped just before the call in which it is read. */
  now(): Nanoseconds
  /**
   * Starts a TCP connection; `now()` at the call is the instant of the first packet. Sets `above.below` before anything else.
   * `above.open` or `above.closed` follows from the loop, never from inside this call.
   */
  connectStream(options: StreamOptions, above: Upper): Port
  /** Opens a connected UDP socket. Sets `above.below`, then calls `above.open` before it returns. A failure to open comes as `above.closed` from the loop. */
  connectDatagram(options: ConnectOptions, above: Upper): Port
  /** Listens for TCP connections; `accept` gives the pile for each. Throws when the address cannot be bound. */
  listenStream(
    local: Address,
    traffic: Traffic,
    accept: (peer: Address, now: Nanoseconds) => Accepted,
  ): Closable
  /** Binds a UDP socket for an endpoint and sets `endpoint.below`. `owner` is the endpoint itself or what wraps it. Throws when the address cannot be bound. */
  bindDatagram(
    local: Address,
    traffic: Traffic,
    endpoint: DatagramEndpoint,
    owner: Timer,
  ): DatagramSocket
  /** Reads the owner's deadline again (and learns of a new owner). */
  arm(owner: Timer): void
  /** Forgets the owner. */
  disarm(owner: Timer): void
  /** Runs until `stop` is called, or, on virtual time, until nothing is left to happen. */
  run(): void
  stop(): void
}
