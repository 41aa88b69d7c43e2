/** QUIC as a layer of a datagram pile: the client of one device, with a byte stream to the session above it. */
import type { Nanoseconds } from '../core/clock.ts'
import { SECOND } from '../core/clock.ts'
import type { Cause, Layer, Lower, Traffic, Upper } from '../core/layer.ts'
import type { HostPort, QuicheConnection } from '../native/quiche.ts'
import { quiche } from '../native/quiche.ts'
import { QuicConnection } from './quic-connection.ts'
import type { QuicContext } from './quic-context.ts'
import { QuicStream } from './quic-stream.ts'
import type { QuicTickets } from './quic-tickets.ts'

export { QuicContext } from './quic-context.ts'

/** The first bidirectional stream of a client (RFC 9000 section 2.1). */
const FIRST_STREAM = 0
/** From one such stream to the next. */
const NEXT_STREAM = 4

/**
 * The socket below is connected, and knows the addresses: quiche only tells paths apart by them. The client's port grows
 * with each migration.
 */
const SERVER: HostPort = { host: '192.0.2.1', port: 1 }
const CLIENT_HOST = '192.0.2.2'

/** What a device brings to each of its connections. */
export interface QuicIdentity {
  readonly device: number
  /** Where its tickets are; absent: it does not resume. */
  readonly tickets?: QuicTickets
}

const NOBODY: QuicIdentity = { device: 0 }

export class QuicClient extends QuicConnection implements Layer {
  below!: Lower
  above!: Upper
  /** When the layer below opened; NaN before. */
  openedAt: Nanoseconds = Number.NaN
  /** When the handshake was done; NaN before. With 0-RTT, the layer above was open earlier. */
  establishedAt: Nanoseconds = Number.NaN
  readonly traffic: Traffic
  protected readonly handshakeLimit = 30 * SECOND
  readonly #serverName: string
  readonly #identity: QuicIdentity
  readonly #local: HostPort = { host: CLIENT_HOST, port: 1 }
  #stream: QuicStream | null = null
  #lanes = 0
  #offered = false
  #early = false
  #resumed = false

  /** `traffic` counts what crosses the upper boundary. `serverName` is the DNS name that the server's certificate must stand for. */
  constructor(context: QuicContext, traffic: Traffic, serverName: string, identity = NOBODY) {
    super(context)
    this.traffic = traffic
    this.#serverName = serverName
    this.#identity = identity
  }

  protected get peerCertificate(): string {
    return `the certificate of ${this.#serverName}`
  }

  /** Empty unless the handshake is done and the connection open. `early`: whether data went with the first flight. */
  negotiated(): Readonly<Record<string, string>> {
    if (!this.isEstablished) return {}
    const found = { version: 'QUIC 1, TLS 1.3', congestion: this.context.options.congestion }
    if (this.#identity.tickets === undefined) return found
    return {
      ...found,
      resumed: this.#resumed ? 'yes' : 'no',
      early: this.#early ? 'yes' : 'no',
    }
  }

  open(now: Nanoseconds): void {
    this.openedAt = now
    // A socket of its own needs no connection id to tell its packets (RFC 9000 section 5.1).
    const id = new Uint8Array(0)
    const local = { ...this.#local }
    const { config } = this.context
    const connection = quiche().Connection.connect(this.#serverName, id, local, SERVER, config)
    const { device, tickets } = this.#identity
    this.#offered = tickets?.offer(connection, device) ?? false
    this.begin(connection, now)
    this.flush(now)
    if (!this.beginEarly()) return
    this.#early = true
    this.together(() => this.#openAbove(now), now)
  }

  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    this.feed(bytes, SERVER, this.#local, now)
  }

  fromAbove(bytes: Uint8Array, now: Nanoseconds): boolean {
    return this.#stream?.fromAbove(bytes, now) ?? false
  }

  /** A further stream. The server hears of it with its first bytes. */
  lane(above: Upper, urgency: number, now: Nanoseconds): void {
    const id = FIRST_STREAM + ++this.#lanes * NEXT_STREAM
    const stream = new QuicStream(this, id, this.traffic)
    stream.above = above
    above.below = stream
    this.streams.set(id, stream)
    this.#prioritise(FIRST_STREAM, 0)
    this.#prioritise(id, urgency + 1)
    above.open(now)
  }

  ready(now: Nanoseconds): void {
    this.flush(now)
  }

  /** CONNECTION_CLOSE; what a full congestion window keeps back is not sent any more (RFC 9000 section 10.2). */
  close(now: Nanoseconds): void {
    if (this.isOver) return
    this.shut(now)
    this.below.close(now)
  }

  closed(cause: Cause, now: Nanoseconds): void {
    if (this.isOver) return
    this.release(now)
    this.above.closed(cause, now)
  }

  /**
   * The device has a new address, and `below` is the socket there: the connection goes on (RFC 9000 section 9). The first time
   * with the server's spare connection id; later, because quiche 0.18 keeps new ids for paths that it has left, with the same one
   * as before, as after a NAT rebinding.
   */
  moved(now: Nanoseconds): void {
    const { connection } = this
    if (connection === null) return
    if (connection.availableDcids() > 0) {
      this.#local.port++
      connection.migrateSource({ ...this.#local })
    }
    // The peer learns of the new address from a packet.
    connection.sendAckEliciting()
    this.flush(now)
  }

  streamEnded(_stream: QuicStream, cause: Cause, now: Nanoseconds): void {
    this.fail(cause, now)
  }

  protected output(datagram: Uint8Array, _to: HostPort, now: Nanoseconds): boolean {
    return this.below.fromAbove(datagram, now)
  }

  protected established(connection: QuicheConnection, now: Nanoseconds): void {
    this.establishedAt = now
    if (this.#offered) {
      this.#resumed = connection.isResumed()
      this.#identity.tickets?.settled(this.#resumed)
    }
    if (!this.#early) this.#openAbove(now)
  }

  /** Servers open no streams here: none are allowed. */
  protected streamOpened(): undefined {}

  protected leaving(connection: QuicheConnection, open: boolean): void {
    const { device, tickets } = this.#identity
    if (tickets === undefined) return
    if (open) tickets.keep(connection, device)
    else if ((connection.localError() ?? connection.peerError())?.errorCode) tickets.forget(device)
  }

  protected ended(cause: Cause, now: Nanoseconds): void {
    this.below.close(now)
    this.above.closed(cause, now)
  }

  #prioritise(stream: number, urgency: number): void {
    try {
      this.connection?.streamPriority(stream, urgency, true)
    } catch {
      // More streams than the server allows yet: this one waits, and then goes last.
    }
  }

  #openAbove(now: Nanoseconds): void {
    this.#stream = new QuicStream(this, FIRST_STREAM, this.traffic)
    this.#stream.above = this.above
    this.streams.set(FIRST_STREAM, this.#stream)
    this.above.open(now)
  }
}
