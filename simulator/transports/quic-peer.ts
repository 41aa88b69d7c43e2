/** The server's side of one QUIC connection. */
import { randomBytes } from 'node:crypto'
import type { Nanoseconds } from '../core/clock.ts'
import { SECOND } from '../core/clock.ts'
import type { DatagramSocket, PeerKey } from '../core/endpoint.ts'
import { peerAddress, peerKey } from '../core/endpoint.ts'
import type { Cause, Timed, Traffic, Upper } from '../core/layer.ts'
import type { HostPort, QuicheConnection } from '../native/quiche.ts'
import { quiche } from '../native/quiche.ts'
import { closingPeriod } from './quic-closed.ts'
import { CONNECTION_REFUSED, NO_ERROR } from './quic-causes.ts'
import { QuicConnection } from './quic-connection.ts'
import type { QuicContext } from './quic-context.ts'
import { ID_LENGTH, idKey } from './quic-packet.ts'
import type { ResetTokens } from './quic-reset.ts'
import { QuicStream } from './quic-stream.ts'

/** What stands on one connection. */
export interface QuicSession {
  /** The client opened a stream, perhaps in 0-RTT: the pile on it. Its `below` is set and its `open` called afterwards. */
  streamOpened(stream: QuicStream, now: Nanoseconds): Upper
  /** The connection ended by itself; the piles on its streams have been told. */
  over(cause: Cause, now: Nanoseconds): void
}

/** The reactor, as far as connections need it: each owns its deadline, and calls may come from elsewhere. */
export interface Timers {
  arm(owner: Timed & { timerSlot: number }): void
  disarm(owner: Timed & { timerSlot: number }): void
}

/** The server, as far as a connection needs it. */
export interface QuicHost {
  readonly below: DatagramSocket
  readonly context: QuicContext
  readonly timers: Timers
  /** What crosses the upper boundary of all streams. */
  readonly traffic: Traffic
  readonly resets: ResetTokens
  /** The session of a connection whose client opened its first stream. */
  accept(peer: QuicPeer, now: Nanoseconds): QuicSession
  /** The connection can be reached by `id`. */
  named(id: string, peer: QuicPeer): void
  /** It can no longer be reached by `ids`. */
  unnamed(ids: Iterable<string>): void
  /** The same, and until then, what comes there is answered by `words`, or by nothing. */
  closed(ids: Iterable<string>, words: Uint8Array | null, until: Nanoseconds): void
  /** The handshake is done. */
  peerOpened(peer: QuicPeer): void
  peerOver(peer: QuicPeer): void
}

/** Ids of a connection at a time, however many the client would take. */
const MOST_IDS = 4

/** The socket below knows its address: for quiche it is always the same one. */
const SERVER: HostPort = { host: '192.0.2.1', port: 1 }

export class QuicPeer extends QuicConnection {
  /** Of the reactor. */
  timerSlot = -1
  /** Half-open connections are what an attacker makes. */
  protected readonly handshakeLimit = 10 * SECOND
  protected readonly peerCertificate = "the client's certificate"
  readonly #host: QuicHost
  /** Ids under which datagrams find it. */
  readonly #names = new Set<string>()
  /** The one that the client made up. */
  readonly #first: string
  #session: QuicSession | null = null
  /** Where the last datagram came from. */
  #from: PeerKey
  #address: HostPort
  #moved = false

  /**
   * @param id the destination of the Initial that opens it
   * @param original that of the Initial before a Retry, whose id `id` then is; null: there was no Retry
   */
  constructor(
    host: QuicHost,
    from: PeerKey,
    id: Uint8Array,
    original: Uint8Array | null,
    now: Nanoseconds,
  ) {
    super(host.context)
    this.#host = host
    this.#from = from
    this.#address = peerAddress(from)
    const own = original === null ? randomBytes(ID_LENGTH) : id
    this.#first = idKey(id)
    // For as long as the connection lives: a late copy of that Initial must not open another one.
    this.#name(id)
    this.#name(own)
    const { config } = host.context
    config.setStatelessResetToken(host.resets.of(own))
    const before = original ?? undefined
    this.begin(quiche().Connection.accept(own, before, SERVER, this.#address, config), now)
  }

  /** Where the client was last heard from. */
  get address(): HostPort {
    return this.#address
  }

  fromPeer(peer: PeerKey, bytes: Uint8Array, now: Nanoseconds): void {
    if (peer !== this.#from) {
      this.#from = peer
      this.#address = peerAddress(peer)
      this.#moved = true
    }
    this.feed(bytes, this.#address, SERVER, now)
    // Clients retire an id when they move on purpose (RFC 9000 section 9.5).
    if (this.#moved && this.connection !== null) this.#renew(this.connection, now)
  }

  /** Answers the Initial in `bytes` with CONNECTION_REFUSED. */
  refuse(bytes: Uint8Array, now: Nanoseconds): void {
    try {
      this.connection?.recv(bytes, { from: this.#address, to: SERVER })
    } catch {
      // It was no Initial: there is nobody to tell.
    }
    this.shut(now, false, CONNECTION_REFUSED)
  }

  /** CONNECTION_CLOSE with an error of the application; nobody here is told. */
  close(now: Nanoseconds, error = NO_ERROR): void {
    if (!this.isOver) this.shut(now, true, error)
  }

  streamEnded(stream: QuicStream, cause: Cause, now: Nanoseconds): void {
    stream.end(cause, now)
  }

  protected output(datagram: Uint8Array, to: HostPort, now: Nanoseconds): boolean {
    const { host, port } = this.#address
    // Another path is being tried.
    const peer = to.port === port && to.host === host ? this.#from : peerKey(to)
    this.#host.below.toPeer(peer, datagram, now)
    return true
  }

  protected established(connection: QuicheConnection): void {
    this.#host.peerOpened(this)
    this.#spare(connection)
  }

  protected streamOpened(id: number, now: Nanoseconds): QuicStream {
    this.#session ??= this.#host.accept(this, now)
    const stream = new QuicStream(this, id, this.#host.traffic)
    this.streams.set(id, stream)
    const above = this.#session.streamOpened(stream, now)
    stream.above = above
    above.below = stream
    above.open(now)
    return stream
  }

  protected leaving(
    connection: QuicheConnection,
    open: boolean,
    words: Uint8Array | null,
    now: Nanoseconds,
  ): void {
    // After a handshake nobody uses the first id in good faith (RFC 9000 section 7.2): from then on it is as good as new.
    if (open && this.#names.delete(this.#first)) this.#host.unnamed([this.#first])
    // After silence nothing is under way.
    if (connection.isTimedOut()) this.#host.unnamed(this.#names)
    else this.#host.closed(this.#names, words, now + closingPeriod(connection))
    this.#host.peerOver(this)
  }

  protected ended(cause: Cause, now: Nanoseconds): void {
    for (const stream of this.streams.values()) stream.end(cause, now)
    this.streams.clear()
    this.#session?.over(cause, now)
  }

  protected override rearmed(): void {
    if (this.isOver) this.#host.timers.disarm(this)
    else this.#host.timers.arm(this)
  }

  #name(id: Uint8Array): void {
    const key = idKey(id)
    this.#names.add(key)
    this.#host.named(key, this)
  }

  /** Gives the client ids for paths to come. */
  #spare(connection: QuicheConnection): void {
    const most = MOST_IDS - connection.activeSourceCids()
    for (let left = Math.min(most, connection.sourceCidsLeft()); left > 0; left--) {
      const id = randomBytes(ID_LENGTH)
      connection.newSourceCid(id, this.#host.resets.of(id), false)
      this.#name(id)
    }
  }

  #renew(connection: QuicheConnection, now: Nanoseconds): void {
    let id = connection.retiredScidNext()
    if (id === null) return
    for (; id !== null; id = connection.retiredScidNext()) {
      const key = idKey(id)
      this.#names.delete(key)
      // What is under way to it must bring no reset back: quiche 0.18 heeds the token of an id that it has retired.
      this.#host.closed([key], null, now + closingPeriod(connection))
    }
    this.#spare(connection)
    this.flush(now)
  }
}
