/**
 * The reactor for tests: an IPv4 network in memory and virtual time. Streams are reliable and in order, and a connect
 * takes one round trip; datagrams are delayed and may be lost. There is no bandwidth and no jitter, so every instant can
 * be computed by hand.
 */
import { constants } from 'node:os'
import { NEVER, type Nanoseconds } from '../core/clock.ts'
import {
  peerAddress,
  peerKey,
  type Address,
  type DatagramEndpoint,
  type DatagramSocket,
  type PeerKey,
} from '../core/endpoint.ts'
import type { Cause, Lower, Traffic, Upper } from '../core/layer.ts'
import { systemError } from '../native/libc.ts'
import {
  MemoryDatagramPort,
  MemoryDatagrams,
  MemoryEndpointSocket,
  type Loss,
} from './memory-datagram.ts'
import { VirtualTime } from './memory-network.ts'
import { MemoryStream, RESET } from './memory-stream.ts'
import type {
  Accepted,
  Closable,
  ConnectOptions,
  Port,
  Reactor,
  StreamOptions,
  Timer,
} from './reactor.ts'

const LOCALHOST = '127.0.0.1'
const FIRST_EPHEMERAL_PORT = 49152

const REFUSED: Cause = { code: 'refused', detail: 'nobody listens at the remote port' }
const IN_USE: Cause = { code: 'limit', detail: 'the local address is in use' }

export interface MemoryNetwork {
  /** One way. */
  readonly delay: Nanoseconds
  /** Which datagrams are lost; default none. */
  readonly loss?: Loss
}

interface Listening {
  readonly traffic: Traffic
  readonly accept: (peer: Address, now: Nanoseconds) => Accepted
}

/** Time starts at 0 and stands still outside `run` and `runUntil`. */
export class MemoryReactor implements Reactor {
  readonly #time: VirtualTime
  readonly #datagrams: MemoryDatagrams
  readonly #listening = new Map<PeerKey, Listening>()
  #ephemeralPort = FIRST_EPHEMERAL_PORT

  constructor({ delay, loss = () => false }: MemoryNetwork) {
    this.#time = new VirtualTime(delay)
    this.#datagrams = new MemoryDatagrams(this.#time, loss)
  }

  now(): Nanoseconds {
    return this.#time.now()
  }

  connectStream(options: StreamOptions, above: Upper): Port {
    const { remote, owner, traffic } = options
    this.#time.deadlines.admit(owner)
    const client = new MemoryStream(this.#time, above, owner, traffic)
    const local = this.#localKey(options)
    this.#time.across(() => this.#synArrives(client, local, peerKey(remote)))
    return client
  }

  connectDatagram(options: ConnectOptions, above: Upper): Port {
    const { remote, owner, traffic } = options
    this.#time.deadlines.admit(owner)
    const local = this.#localKey(options)
    const to = peerKey(remote)
    const port = new MemoryDatagramPort(this.#datagrams, local, to, above, owner, traffic)
    if (this.#datagrams.isBound(local)) this.#time.soon(() => port.end(IN_USE))
    else port.establish()
    return port
  }

  /** Throws TB_SYSTEM_CALL when somebody listens there. */
  listenStream(
    local: Address,
    traffic: Traffic,
    accept: (peer: Address, now: Nanoseconds) => Accepted,
  ): Closable {
    const key = peerKey(local)
    const listening = { traffic, accept }
    if (this.#listening.has(key)) throw inUse('TCP', local)
    this.#listening.set(key, listening)
    return {
      close: () => {
        if (this.#listening.get(key) === listening) this.#listening.delete(key)
      },
    }
  }

  /** Throws TB_SYSTEM_CALL when the address is bound. */
  bindDatagram(
    local: Address,
    traffic: Traffic,
    endpoint: DatagramEndpoint,
    owner: Timer,
  ): DatagramSocket {
    const key = peerKey(local)
    if (this.#datagrams.isBound(key)) throw inUse('UDP', local)
    this.#time.deadlines.admit(owner)
    return new MemoryEndpointSocket(this.#datagrams, key, traffic, endpoint, owner)
  }

  /** Resets a stream that this reactor made, as a peer that crashed would: the other end gets RST, this end no call. */
  reset(stream: Lower): void {
    if (!(stream instanceof MemoryStream)) throw new TypeError('not a stream of a MemoryReactor')
    stream.reset()
  }

  arm(owner: Timer): void {
    this.#time.deadlines.arm(owner)
  }

  disarm(owner: Timer): void {
    this.#time.deadlines.disarm(owner)
  }

  /** Until nothing is left to happen, or `stop`. */
  run(): void {
    this.#time.run(NEVER)
  }

  /** Until `end`, which is then the time, or `stop`. */
  runUntil(end: Nanoseconds): void {
    this.#time.run(end)
  }

  stop(): void {
    this.#time.stop()
  }

  #synArrives(client: MemoryStream, local: PeerKey, remote: PeerKey): void {
    if (this.#listening.has(remote)) {
      this.#time.across(() => this.#synAckArrives(client, local, remote))
    } else this.#time.across(() => client.end(REFUSED))
  }

  #synAckArrives(client: MemoryStream, local: PeerKey, remote: PeerKey): void {
    if (client.over) return
    // The client's acknowledgement is on its way before the bytes that `open` may send.
    this.#time.across(() => this.#ackArrives(client, local, remote))
    client.establish()
  }

  #ackArrives(client: MemoryStream, local: PeerKey, remote: PeerKey): void {
    const listening = this.#listening.get(remote)
    if (listening === undefined) {
      this.#time.across(() => client.end(RESET))
      return
    }
    const { above, owner } = listening.accept(peerAddress(local), this.#time.now())
    this.#time.deadlines.admit(owner)
    const server = new MemoryStream(this.#time, above, owner, listening.traffic)
    server.join(client)
    server.establish()
  }

  #localKey({ local }: ConnectOptions): PeerKey {
    const port = local === undefined || local.port === 0 ? this.#ephemeralPort++ : local.port
    return peerKey({ host: local?.host ?? LOCALHOST, port })
  }
}

const inUse = (kind: string, { host, port }: Address): Error =>
  systemError(`bind of ${kind} ${host}:${port}`, constants.errno.EADDRINUSE)
