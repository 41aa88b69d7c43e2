/**
 * A QUIC server: an endpoint to the socket below; above it, one session per connection with as many streams as the client opens.
 * Connections are found by connection id, so that a client whose address changes keeps its own (RFC 9000 section 9).
 */
import { randomBytes } from 'node:crypto'
import type { Nanoseconds } from '../core/clock.ts'
import { NEVER } from '../core/clock.ts'
import type { DatagramEndpoint, DatagramSocket, PeerKey } from '../core/endpoint.ts'
import type { Traffic } from '../core/layer.ts'
import type { QuicheHeader } from '../native/quiche.ts'
import { INITIAL, quiche } from '../native/quiche.ts'
import type { ClosedHost } from './quic-closed.ts'
import { ClosedPeer } from './quic-closed.ts'
import type { QuicContext } from './quic-context.ts'
import { DATAGRAM } from './quic-context.ts'
import { destinationOf, ID_LENGTH, isLongHeader } from './quic-packet.ts'
import type { QuicHost, QuicSession, Timers } from './quic-peer.ts'
import { QuicPeer } from './quic-peer.ts'
import { ResetTokens } from './quic-reset.ts'
import { RetryTokens } from './quic-token.ts'

export interface QuicLimits {
  /** Handshakes under way from which a client must first show that it receives at its address (Retry); 0: always. */
  readonly retryFrom: number
  /** Connections, handshakes included; more are refused (CONNECTION_REFUSED), after a Retry. */
  readonly connections: number
}

/** Where nothing else is asked for. */
export const LIMITS: QuicLimits = { retryFrom: 512, connections: 20_000 }

/** Connections that are over and still remembered; more are forgotten at once. */
const MOST_CLOSED = 4096

const output = new Uint8Array(DATAGRAM)

export class QuicServer implements DatagramEndpoint, QuicHost, ClosedHost {
  /** Of the reactor; connections have their own. */
  timerSlot = -1
  below!: DatagramSocket
  readonly context: QuicContext
  readonly timers: Timers
  /** What crosses the upper boundary of streams. */
  readonly traffic: Traffic
  /** Datagrams that belong to no connection and open none. */
  dropped = 0
  /** Retry packets sent. */
  retries = 0
  /** Initials answered with CONNECTION_REFUSED; a client may send more than one. */
  refused = 0
  readonly #accept: (peer: QuicPeer, now: Nanoseconds) => QuicSession
  readonly #limits: QuicLimits
  readonly resets = new ResetTokens()
  readonly #byId = new Map<string, QuicPeer | ClosedPeer>()
  readonly #closed = new Set<ClosedPeer>()
  readonly #peers = new Set<QuicPeer>()
  readonly #handshaking = new Set<QuicPeer>()
  readonly #tokens = new RetryTokens()

  /** `accept` gives the session of a connection when its client opens the first stream. */
  constructor(
    context: QuicContext,
    timers: Timers,
    traffic: Traffic,
    accept: (peer: QuicPeer, now: Nanoseconds) => QuicSession,
    limits: Partial<QuicLimits> = {},
  ) {
    this.context = context
    this.timers = timers
    this.traffic = traffic
    this.#accept = accept
    this.#limits = { ...LIMITS, ...limits }
  }

  /** Connections whose handshake is done. */
  get openConnections(): number {
    return this.#peers.size - this.#handshaking.size
  }

  get handshakes(): number {
    return this.#handshaking.size
  }

  fromPeer(peer: PeerKey, bytes: Uint8Array, now: Nanoseconds): void {
    const id = destinationOf(bytes)
    const known = id === null ? undefined : this.#byId.get(id)
    if (known !== undefined) known.fromPeer(peer, bytes, now)
    else if (!isLongHeader(bytes)) this.#reset(peer, bytes, now)
    // An Initial in less than a full datagram is no client's (RFC 9000 section 14.1).
    else if (bytes.length >= DATAGRAM) this.#stranger(peer, bytes, now)
    else this.dropped++
  }

  #reset(peer: PeerKey, bytes: Uint8Array, now: Nanoseconds): void {
    this.dropped++
    const answer = this.resets.answer(bytes)
    if (answer !== null) this.below.toPeer(peer, answer, now)
  }

  #stranger(peer: PeerKey, bytes: Uint8Array, now: Nanoseconds): void {
    const header = headerOf(bytes)
    if (header === null) this.dropped++
    else if (!quiche().versionIsSupported(header.version)) this.#negotiate(peer, header, now)
    else if (header.ty === INITIAL) this.#initial(peer, header, bytes, now)
    else this.dropped++
  }

  #negotiate(peer: PeerKey, { scid, dcid }: QuicheHeader, now: Nanoseconds): void {
    const length = quiche().negotiateVersion(scid, dcid, output)
    this.below.toPeer(peer, output.subarray(0, length), now)
  }

  #initial(peer: PeerKey, header: QuicheHeader, bytes: Uint8Array, now: Nanoseconds): void {
    const { dcid, token } = header
    const original = token?.length ? this.#tokens.original(token, peer, dcid, now) : null
    const full = this.#peers.size >= this.#limits.connections
    if (original === null && (full || this.#handshaking.size >= this.#limits.retryFrom))
      return this.#retry(peer, header, now)
    const accepted = new QuicPeer(this, peer, dcid, original, now)
    if (full) {
      this.refused++
      return accepted.refuse(bytes, now)
    }
    this.#peers.add(accepted)
    this.#handshaking.add(accepted)
    accepted.fromPeer(peer, bytes, now)
  }

  #retry(peer: PeerKey, { scid, dcid, version }: QuicheHeader, now: Nanoseconds): void {
    const id = randomBytes(ID_LENGTH)
    const token = this.#tokens.make(peer, dcid, id, now)
    const length = quiche().retry(scid, dcid, id, token, version, output)
    this.retries++
    this.below.toPeer(peer, output.subarray(0, length), now)
  }

  named(id: string, peer: QuicPeer): void {
    this.#byId.set(id, peer)
  }

  unnamed(ids: Iterable<string>): void {
    for (const id of ids) this.#byId.delete(id)
  }

  closed(ids: Iterable<string>, words: Uint8Array | null, until: Nanoseconds): void {
    if (this.#closed.size >= MOST_CLOSED) return this.unnamed(ids)
    const closed = new ClosedPeer(this, [...ids], words?.slice() ?? null, until)
    for (const id of ids) this.#byId.set(id, closed)
    this.#closed.add(closed)
    this.timers.arm(closed)
  }

  closedOver(closed: ClosedPeer): void {
    this.#closed.delete(closed)
    this.timers.disarm(closed)
    this.unnamed(closed.names)
  }

  peerOpened(peer: QuicPeer): void {
    this.#handshaking.delete(peer)
  }

  peerOver(peer: QuicPeer): void {
    this.#handshaking.delete(peer)
    this.#peers.delete(peer)
  }

  accept(peer: QuicPeer, now: Nanoseconds): QuicSession {
    return this.#accept(peer, now)
  }

  /** Of a socket; it forgets nobody. */
  peerGone(): void {}

  /** Connections own their deadlines. */
  deadline(): Nanoseconds {
    return NEVER
  }

  expire(): void {}

  /** CONNECTION_CLOSE to every peer, and nothing is left. Sessions are not told. */
  close(now: Nanoseconds): void {
    for (const peer of this.#peers) peer.close(now)
    for (const closed of this.#closed) this.closedOver(closed)
    this.below.close(now)
  }
}

const headerOf = (bytes: Uint8Array): QuicheHeader | null => {
  try {
    return quiche().Header.fromSlice(bytes, ID_LENGTH)
  } catch {
    return null
  }
}
