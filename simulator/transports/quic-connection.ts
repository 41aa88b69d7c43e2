/**
 * One QUIC connection, of either side, over quiche. It is told of datagrams and of the time; what it makes goes to the
 * abstract methods.
 *
 * Everything that one call brings about goes out at its end, so that an acknowledgement rides with the answer. What is left
 * is acknowledged at once: quiche 0.18 delays no acknowledgement, where RFC 9000 section 13.2.1 allows 25 ms.
 * quiche's timers read the real clock: they are asked for after every call and become a deadline on the caller's clock.
 */
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND, NEVER, SECOND } from '../core/clock.ts'
import type { Cause, Timed } from '../core/layer.ts'
import type { HostPort, QuicheConnection, QuicheError, QuicheStats } from '../native/quiche.ts'
import type { Ending } from './quic-causes.ts'
import {
  causeOfError,
  handshakeTimeout,
  idleTimeout,
  NO_ERROR,
  STATELESS_RESET,
} from './quic-causes.ts'
import type { QuicContext } from './quic-context.ts'
import { DATAGRAM } from './quic-context.ts'
import type { QuicCarrier, QuicStream } from './quic-stream.ts'

type State =
  | 'idle'
  | 'handshake'
  | 'early' // the handshake runs, and data flows already (0-RTT)
  | 'open'
  | 'over'

const output = new Uint8Array(DATAGRAM)
const NO_REASON = new Uint8Array(0)

export abstract class QuicConnection implements Timed, QuicCarrier {
  connection: QuicheConnection | null = null
  protected readonly context: QuicContext
  protected readonly streams = new Map<number, QuicStream>()
  #state: State = 'idle'
  #deadline: Nanoseconds = NEVER
  /** When the handshake is given up. */
  #limit: Nanoseconds = NEVER
  /** When a PING is due. */
  #ping: Nanoseconds = NEVER
  /** In a call that ends with `flush`. */
  #busy = false
  #heard = false
  /** The last failure that quiche threw. */
  #failure = ''
  /** A datagram that the layer below refused. */
  #kept: Uint8Array | null = null
  #keptFor: HostPort = { host: '', port: 0 }

  constructor(context: QuicContext) {
    this.context = context
  }

  /** How long a handshake may take. */
  protected abstract readonly handshakeLimit: Nanoseconds
  /** The peer's certificate, in words. */
  protected abstract readonly peerCertificate: string
  /** Sends a datagram. False when the layer below refuses it; `flush` follows when it takes datagrams again. */
  protected abstract output(datagram: Uint8Array, to: HostPort, now: Nanoseconds): boolean
  /** The handshake is done. */
  protected abstract established(connection: QuicheConnection, now: Nanoseconds): void
  /** The peer has opened a stream. */
  protected abstract streamOpened(id: number, now: Nanoseconds): QuicStream | undefined
  /** Before quiche's memory is let go; `open`: the handshake was done; `words`: the last datagram, when it says that this is the end. */
  protected abstract leaving(
    connection: QuicheConnection,
    open: boolean,
    words: Uint8Array | null,
    now: Nanoseconds,
  ): void
  /** The connection ended by itself. */
  protected abstract ended(cause: Cause, now: Nanoseconds): void
  /** `deadline` may have moved. */
  protected rearmed(): void {}
  abstract streamEnded(stream: QuicStream, cause: Cause, now: Nanoseconds): void

  streamFinished(stream: QuicStream): void {
    this.streams.delete(stream.id)
  }

  /** Data can be sent: the handshake is done, or data goes with its first flight. */
  get isOpen(): boolean {
    return this.#state === 'open' || this.#state === 'early'
  }

  get isEstablished(): boolean {
    return this.#state === 'open'
  }

  get isOver(): boolean {
    return this.#state === 'over'
  }

  /** Packets sent, received, taken for lost, and sent again; null when the connection is over. */
  stats(): QuicheStats | null {
    return this.connection?.stats() ?? null
  }

  deadline(): Nanoseconds {
    return this.#deadline
  }

  expire(now: Nanoseconds): void {
    const { connection } = this
    if (now < this.#deadline || connection === null) return
    if (now >= this.#limit) return this.fail(handshakeTimeout(this.#heard), now)
    this.#busy = true
    connection.onTimeout()
    if (now >= this.#ping) {
      connection.sendAckEliciting()
      this.#quiet(now)
    }
    this.#advance(now)
    this.#busy = false
    this.flush(now)
  }

  protected begin(connection: QuicheConnection, now: Nanoseconds): void {
    this.connection = connection
    this.#state = 'handshake'
    this.#limit = now + this.handshakeLimit
    const { keylog } = this.context.options
    if (keylog !== undefined) connection.setKeylog(keylog)
  }

  /** After the first flight of a client that resumes: whether data may follow it at once. */
  protected beginEarly(): boolean {
    if (this.#state !== 'handshake' || this.connection?.isInEarlyData() !== true) return false
    this.#state = 'early'
    return true
  }

  /** One datagram from the peer. What does not verify is dropped by quiche (RFC 9000 section 12.2). */
  protected feed(datagram: Uint8Array, from: HostPort, to: HostPort, now: Nanoseconds): void {
    const { connection } = this
    if (connection === null) return
    this.#busy = true
    this.#heard = true
    this.#quiet(now)
    path.from = from
    path.to = to
    try {
      connection.recv(datagram, path)
    } catch (error) {
      this.#failure = (error as Error).message
    }
    this.#advance(now)
    this.#busy = false
    this.flush(now)
  }

  /** Makes what `act` brings about one flight. */
  protected together(act: () => void, now: Nanoseconds): void {
    this.#busy = true
    act()
    this.#busy = false
    this.flush(now)
  }

  /** Sends what there is, unless a call that does so at its end is running. */
  flush(now: Nanoseconds): void {
    const { connection } = this
    if (this.#busy || connection === null) return
    const last = this.#send(connection, now)
    if (!connection.isDraining() && !connection.isClosed()) return this.#arm(connection, now)
    const cause = this.#why(connection)
    this.release(now, last)
    this.ended(cause, now)
  }

  /** CONNECTION_CLOSE, after what the congestion window lets through now; nobody here is told. */
  protected shut(now: Nanoseconds, application = true, error = NO_ERROR): void {
    const { connection } = this
    if (connection === null) return this.release(now)
    this.#send(connection, now)
    connection.close(application, error, NO_REASON)
    this.release(now, this.#send(connection, now))
  }

  /** Ends the connection for `cause`, with a word to the peer. */
  protected fail(cause: Cause, now: Nanoseconds): void {
    this.shut(now)
    this.ended(cause, now)
  }

  #advance(now: Nanoseconds): void {
    const { connection } = this
    if (connection === null) return
    if (this.#state !== 'open' && connection.isEstablished()) {
      this.#state = 'open'
      this.#limit = NEVER
      this.#quiet(now)
      this.established(connection, now)
      if (this.connection === null) return
    }
    if (connection.isReadable()) this.#read(connection, now)
    for (const stream of this.streams.values()) stream.drain(now)
  }

  #read(connection: QuicheConnection, now: Nanoseconds): void {
    for (const id of connection.readable()) {
      const stream = this.streams.get(id) ?? this.streamOpened(id, now)
      stream?.read(now)
      if (this.connection === null) return
    }
  }

  /** The last datagram that went, valid until the next call; null: none did. */
  #send(connection: QuicheConnection, now: Nanoseconds): Uint8Array | null {
    if (this.#kept !== null) {
      if (!this.output(this.#kept, this.#keptFor, now)) return null
      this.#kept = null
    }
    let last: Uint8Array | null = null
    for (;;) {
      const sent = this.#next(connection, true)
      if (sent === null) return last
      const [length, { to }] = sent
      this.#quiet(now)
      const datagram = output.subarray(0, length)
      if (!this.output(datagram, to, now)) {
        this.#kept = datagram.slice()
        this.#keptFor = to
        return null
      }
      last = datagram
    }
  }

  /** The next datagram. When quiche throws, a step of the handshake has failed, and what it has to say about that comes next. */
  #next(connection: QuicheConnection, again: boolean): ReturnType<QuicheConnection['send']> {
    try {
      return connection.send(output)
    } catch (error) {
      this.#failure = (error as Error).message
      return again ? this.#next(connection, false) : null
    }
  }

  /** A packet went or came: the next PING is so much later. */
  #quiet(now: Nanoseconds): void {
    const { keepalive } = this.context.options
    if (keepalive !== null && this.#state === 'open') this.#ping = now + keepalive
  }

  #arm(connection: QuicheConnection, now: Nanoseconds): void {
    const left = connection.timeout()
    // quiche rounds down, and a timer that is not due does nothing: up to 1 ms late, never in vain.
    const timer = left === null ? NEVER : now + (left + 1) * MILLISECOND
    this.#deadline = Math.min(timer, this.#limit, this.#ping)
    this.rearmed()
  }

  #why(connection: QuicheConnection): Cause {
    if (connection.isTimedOut()) return this.#timeout()
    const theirs = connection.peerError()
    if (theirs !== null) return this.#said(theirs, 'peer')
    const ours = connection.localError()
    if (ours !== null) return this.#said(ours, 'us')
    // quiche says nothing of it: of an open connection it is the only end without an error.
    if (this.#state === 'open') return STATELESS_RESET
    return { code: 'protocol', detail: `the QUIC connection failed (${this.#failure})` }
  }

  #said(error: QuicheError, by: Ending['by']): Cause {
    const { alpn } = this.context.options
    return causeOfError(error, { by, alpn, certificate: this.peerCertificate })
  }

  #timeout(): Cause {
    if (this.#state !== 'open') return handshakeTimeout(this.#heard)
    return idleTimeout(this.context.options.idleTimeout / SECOND)
  }

  /** The end, after the last word to the peer if there was one; nobody is told. */
  protected release(now: Nanoseconds, words: Uint8Array | null = null): void {
    const { connection } = this
    const open = this.#state === 'open'
    this.#state = 'over'
    this.#deadline = NEVER
    this.#kept = null
    this.connection = null
    if (connection !== null) this.leaving(connection, open, words, now)
    this.rearmed()
  }
}

/** Where a datagram came from and went to; filled in for each call. */
const path = { from: { host: '', port: 0 }, to: { host: '', port: 0 } }
