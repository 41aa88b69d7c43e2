/**
 * The same front end for clients on TCP, with TLS or without: what QUIC is compared with has as many hops, and its packets go
 * through the same hands.
 */
import type { Nanoseconds } from '../../core/clock.ts'
import { NEVER } from '../../core/clock.ts'
import type { Address } from '../../core/endpoint.ts'
import type { Cause, Lower, Upper } from '../../core/layer.ts'
import { Traffic } from '../../core/layer.ts'
import type { Closable, Reactor, Timer } from '../../io/reactor.ts'
import type { TlsContext } from '../../transports/tls-context.ts'
import { TlsServer } from '../../transports/tls.ts'
import type { BrokerSide } from './broker-side.ts'
import type { FrontStream } from './client-stream.ts'
import type { FrontPeer } from './front-session.ts'
import { FrontSession } from './front-session.ts'

export interface StreamFrontOptions {
  /** Null: without security. */
  readonly context: TlsContext | null
  readonly listen: Address
  /** Where the broker takes connections without security. */
  readonly broker: Address
}

/** Listens at once. Throws TB_SYSTEM_CALL when the address cannot be bound. */
export const listenStreams = (
  reactor: Reactor,
  { context, listen, broker }: StreamFrontOptions,
): Closable => {
  const [inFront, plain, behind] = [new Traffic(), new Traffic(), new Traffic()]
  const connect = (above: BrokerSide): void =>
    void reactor.connectStream({ remote: broker, owner: above, traffic: behind }, above)
  return reactor.listenStream(listen, inFront, () => {
    const security = context === null ? null : new TlsServer(context, plain)
    const client = new StreamClient(connect, security)
    return { above: security ?? client, owner: client }
  })
}

/** A client with one stream, and the owner of the deadlines of its connection. */
class StreamClient implements Upper, FrontStream, FrontPeer, Timer {
  below!: Lower
  timerSlot = -1
  openedAt: Nanoseconds = Number.NaN
  readonly id = 0
  readonly #connect: (above: BrokerSide) => void
  readonly #security: TlsServer | null
  #session: FrontSession | null = null
  #pile: Upper | null = null

  constructor(connect: (above: BrokerSide) => void, security: TlsServer | null) {
    this.#connect = connect
    this.#security = security
    if (security === null) return
    security.above = this
    this.below = security
  }

  /** Only now the broker is troubled: handshakes that come to nothing are our own affair. */
  open(now: Nanoseconds): void {
    this.openedAt = now
    this.#session = new FrontSession(this, this.#connect)
    this.#pile = this.#session.streamOpened(this)
    this.#pile.open(now)
  }

  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    this.#pile?.fromBelow(bytes, now)
  }

  ready(now: Nanoseconds): void {
    this.#pile?.ready(now)
  }

  closed(cause: Cause, now: Nanoseconds): void {
    this.#pile?.closed(cause, now)
  }

  fromAbove(bytes: Uint8Array, now: Nanoseconds): boolean {
    return this.below.fromAbove(bytes, now)
  }

  close(now: Nanoseconds): void {
    this.below.close(now)
  }

  /** What TLS has read already still comes, and waits at the broker's side. */
  pause(): void {
    this.#socket.pause?.()
  }

  resume(now: Nanoseconds): void {
    this.#socket.resume?.(now)
  }

  get #socket(): Lower {
    return (this.#security ?? this).below
  }

  deadline(): Nanoseconds {
    return this.#security?.deadline() ?? NEVER
  }

  expire(now: Nanoseconds): void {
    this.#security?.expire(now)
  }
}
