/**
 * The second QUIC client of a datagram pile, over the QUIC of OpenSSL: an implementation that shares no line with the first, so
 * that what both show is QUIC's and not a library's. It resumes; early data and a move to another address it cannot do.
 *
 * All connections of a worker write to one pair of BIOs: whatever OpenSSL makes is taken before another layer is called.
 * OpenSSL's timers read the real clock: they are asked for after every call and become a deadline on the caller's clock.
 */
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND, NEVER, SECOND } from '../core/clock.ts'
import type { Cause, Layer, Lower, Traffic, Upper } from '../core/layer.ts'
import { QUIC_CAPACITY, quicBios } from '../native/openssl-quic-bio.ts'
import {
  SSL_ERROR_WANT_READ,
  SSL_ERROR_WANT_WRITE,
  SSL_ERROR_ZERO_RETURN,
} from '../native/openssl-constants.ts'
import type { CloseInfo } from '../native/openssl-quic.ts'
import {
  closeInfo,
  eventTimeout,
  IDLE_TIMEOUT,
  opensslQuic,
  readStream,
  SHUTDOWN_AT_ONCE,
  SSL_STREAM_FLAG_NO_BLOCK,
  writeStream,
} from '../native/openssl-quic.ts'
import type { Pointer } from '../native/openssl.ts'
import { clearErrors, openssl } from '../native/openssl.ts'
import { causeOfClose } from './openssl-quic-causes.ts'
import type { OpenSslQuicContext } from './openssl-quic-context.ts'
import { handshakeTimeout, NO_ERROR } from './quic-causes.ts'
import type { TlsTickets } from './tls-tickets.ts'

export { OpenSslQuicContext } from './openssl-quic-context.ts'

/** How long a handshake may take. */
const HANDSHAKE_LIMIT = 30 * SECOND
/** OpenSSL's clock is a little ahead of `now`, so that its timers would be asked for in vain. */
const SLACK = 0.05 * MILLISECOND
/** Datagrams that wait for the socket; one more is lost, as in a full queue of a network card. */
const MOST_UNSENT = 64

type State = 'idle' | 'handshake' | 'open' | 'over'

/** What a device brings to each of its connections. */
export interface OpenSslQuicIdentity {
  readonly device: number
  /** Where its tickets are; absent: it does not resume. */
  readonly tickets?: TlsTickets
}

const NOBODY: OpenSslQuicIdentity = { device: 0 }
const FINISHED: Cause = { code: 'closed', detail: 'the peer ended the stream' }
const ABORTED: Cause = { code: 'reset', detail: 'the peer gave up the stream' }

export class OpenSslQuicClient implements Layer {
  below!: Lower
  above!: Upper
  /** When the layer below opened; NaN before. */
  openedAt: Nanoseconds = Number.NaN
  /** When the handshake was done; NaN before. */
  establishedAt: Nanoseconds = Number.NaN
  readonly traffic: Traffic
  readonly #context: OpenSslQuicContext
  readonly #serverName: string
  readonly #identity: OpenSslQuicIdentity
  #ssl: Pointer = 0
  #stream: Pointer = 0
  #state: State = 'idle'
  #deadline: Nanoseconds = NEVER
  /** When the handshake is given up. */
  #limit: Nanoseconds = NEVER
  /** In a call that ends with `#flush`. */
  #busy = false
  #heard = false
  #offered = false
  #resumed = false
  /** What was taken and fits neither OpenSSL's buffer nor the peer's flow control yet. */
  #kept: Uint8Array | null = null
  /** Whether the layer above waits for `ready`. */
  #blocked = false
  /** Datagrams that the layer below refused. */
  readonly #unsent: Uint8Array[] = []

  /** `traffic` counts what crosses the upper boundary. `serverName` is the DNS name that the server's certificate must stand for. */
  constructor(
    context: OpenSslQuicContext,
    traffic: Traffic,
    serverName: string,
    identity = NOBODY,
  ) {
    this.#context = context
    this.traffic = traffic
    this.#serverName = serverName
    this.#identity = identity
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Empty unless the handshake is done and the connection open. */
  negotiated(): Readonly<Record<string, string>> {
    if (this.#state !== 'open') return {}
    const o = openssl()
    const found = {
      version: 'QUIC 1, TLS 1.3',
      cipher: o.SSL_CIPHER_get_name(o.SSL_get_current_cipher(this.#ssl)),
      group: o.SSL_get0_group_name(this.#ssl) ?? '',
      congestion: 'reno',
    }
    if (this.#identity.tickets === undefined) return found
    return { ...found, resumed: this.#resumed ? 'yes' : 'no' }
  }

  deadline(): Nanoseconds {
    return this.#deadline
  }

  expire(now: Nanoseconds): void {
    if (now < this.#deadline || this.#ssl === 0) return
    if (now >= this.#limit) return this.#fail(handshakeTimeout(this.#heard), now)
    this.#advance(now)
  }

  open(now: Nanoseconds): void {
    this.openedAt = now
    this.#state = 'handshake'
    this.#limit = now + HANDSHAKE_LIMIT
    this.#ssl = this.#context.connect(this.#serverName)
    const { device, tickets } = this.#identity
    this.#offered = tickets?.offer(this.#ssl, device) ?? false
    clearErrors()
    openssl().SSL_do_handshake(this.#ssl)
    this.#flush(now)
  }

  /** One datagram from the peer. What does not verify is dropped by OpenSSL (RFC 9000 section 12.2). */
  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    if (this.#ssl === 0) return
    this.#heard = true
    opensslQuic().SSL_inject_net_dgram(this.#ssl, bytes, bytes.length, 0, 0)
    this.#advance(now)
  }

  fromAbove(bytes: Uint8Array, now: Nanoseconds): boolean {
    if (this.#state !== 'open') return false
    if (this.#kept !== null) {
      this.#blocked = true
      return false
    }
    if (bytes.length === 0) return true
    clearErrors()
    const taken = this.#give(bytes, now)
    if (taken < 0) return false
    if (taken < bytes.length) this.#kept = new Uint8Array(bytes.subarray(taken))
    this.traffic.sentBytes += bytes.length
    this.traffic.sentCalls++
    this.#flush(now)
    return true
  }

  /** The layer below takes datagrams again. */
  ready(now: Nanoseconds): void {
    while (this.#unsent.length > 0) {
      if (!this.below.fromAbove(this.#unsent[0] as Uint8Array, now)) return
      this.#unsent.shift()
    }
    this.#flush(now)
  }

  /**
   * CONNECTION_CLOSE, after what the congestion window lets through now. Where it lets nothing through, OpenSSL keeps that back
   * too, and the peer finds out by its idle timeout.
   */
  close(now: Nanoseconds): void {
    if (this.#state === 'over') return
    this.#shut(now)
    this.below.close(now)
  }

  closed(cause: Cause, now: Nanoseconds): void {
    if (this.#state === 'over') return
    this.#release(false)
    this.above.closed(cause, now)
  }

  /** After time went by, or a datagram came. */
  #advance(now: Nanoseconds): void {
    this.#busy = true
    this.#turn(now)
    if (this.#state === 'handshake') this.#shakeHands(now)
    if (this.#state === 'open') this.#read(now)
    if (this.#state === 'open' && this.#kept !== null) this.#drain(now)
    this.#busy = false
    this.#flush(now)
  }

  /** Sends what there is, unless a call that does so at its end is running. */
  #flush(now: Nanoseconds): void {
    if (this.#busy || this.#ssl === 0) return
    this.#turn(now)
    const info = closeInfo(this.#ssl)
    if (info !== null) return this.#end(info, now)
    const timer = eventTimeout(this.#ssl)
    this.#deadline = Math.min(now + timer + SLACK, this.#limit)
  }

  /** Lets OpenSSL work off what was injected, its timers and what it has to send, and sends that. */
  #turn(now: Nanoseconds): void {
    const bios = quicBios()
    for (;;) {
      opensslQuic().SSL_handle_events(this.#ssl)
      let taken = 0
      for (let length = bios.take(); length > 0; length = bios.take()) {
        taken += length
        this.#output(bios.output.subarray(0, length), now)
      }
      // More than that may have been kept back for want of room.
      if (taken < QUIC_CAPACITY / 2) return
    }
  }

  #output(datagram: Uint8Array, now: Nanoseconds): void {
    if (this.#unsent.length === 0 && this.below.fromAbove(datagram, now)) return
    if (this.#unsent.length < MOST_UNSENT) this.#unsent.push(datagram.slice())
  }

  /** One step; that the handshake failed, `#flush` finds out. */
  #shakeHands(now: Nanoseconds): void {
    const o = openssl()
    clearErrors()
    if (o.SSL_do_handshake(this.#ssl) !== 1) return
    this.#state = 'open'
    this.#limit = NEVER
    this.establishedAt = now
    if (this.#offered) {
      this.#resumed = o.SSL_session_reused(this.#ssl) === 1
      this.#identity.tickets?.settled(this.#resumed)
    }
    this.#stream = opensslQuic().SSL_new_stream(this.#ssl, SSL_STREAM_FLAG_NO_BLOCK)
    if (this.#stream !== 0) return this.above.open(now)
    this.#fail({ code: 'protocol', detail: 'the peer allows no streams' }, now)
  }

  #read(now: Nanoseconds): void {
    const { plain } = quicBios()
    clearErrors()
    while (this.#state === 'open') {
      const length = readStream(this.#stream, plain)
      if (length === 0) return this.#readEnded(now)
      this.traffic.receivedBytes += length
      this.traffic.receivedCalls++
      this.above.fromBelow(plain.bytes.subarray(0, length), now)
    }
  }

  #readEnded(now: Nanoseconds): void {
    const error = openssl().SSL_get_error(this.#stream, 0)
    if (error === SSL_ERROR_WANT_READ) return
    if (error === SSL_ERROR_ZERO_RETURN) return this.#fail(FINISHED, now)
    // Otherwise the connection is over, and `#flush` says why.
    if (closeInfo(this.#ssl) === null) this.#fail(ABORTED, now)
  }

  /** There may be room again. */
  #drain(now: Nanoseconds): void {
    if (this.#kept === null) return
    clearErrors()
    const taken = this.#give(this.#kept, now)
    if (taken < 0) return
    this.#kept = taken < this.#kept.length ? this.#kept.subarray(taken) : null
    if (this.#kept !== null || !this.#blocked) return
    this.#blocked = false
    this.above.ready(now)
  }

  /** How many bytes OpenSSL took; -1: the stream has ended. */
  #give(bytes: Uint8Array, now: Nanoseconds): number {
    const taken = writeStream(this.#stream, bytes)
    if (taken > 0) return taken
    const error = openssl().SSL_get_error(this.#stream, 0)
    if (error === SSL_ERROR_WANT_WRITE) return 0
    if (closeInfo(this.#ssl) === null) this.#fail(ABORTED, now)
    else this.#flush(now)
    return -1
  }

  #why(info: CloseInfo): Cause {
    if (this.#state !== 'open' && info.errorCode === IDLE_TIMEOUT)
      return handshakeTimeout(this.#heard)
    return causeOfClose(info, this.#ssl, this.#serverName, this.#context.options)
  }

  /** Ends the connection for `cause`, with a word to the peer. */
  #fail(cause: Cause, now: Nanoseconds): void {
    this.#shut(now)
    this.below.close(now)
    this.above.closed(cause, now)
  }

  #shut(now: Nanoseconds): void {
    if (this.#ssl !== 0) {
      this.#turn(now)
      opensslQuic().SSL_shutdown_ex(this.#ssl, SHUTDOWN_AT_ONCE, 0, 0)
      this.#turn(now)
    }
    this.#release(false)
  }

  #end(info: CloseInfo, now: Nanoseconds): void {
    const cause = this.#why(info)
    this.#release(info.errorCode !== NO_ERROR && info.errorCode !== IDLE_TIMEOUT)
    this.below.close(now)
    this.above.closed(cause, now)
  }

  /**
   * The end without a word to the peer; nobody is told.
   * @param refused one of both ends does not want the session; so that its ticket is no good
   */
  #release(refused: boolean): void {
    const open = this.#state === 'open'
    this.#state = 'over'
    this.#deadline = NEVER
    this.#kept = null
    this.#unsent.length = 0
    if (this.#ssl === 0) return
    const { device, tickets } = this.#identity
    if (open) tickets?.keep(this.#ssl, device)
    else if (refused) tickets?.forget(device)
    if (this.#stream !== 0) openssl().SSL_free(this.#stream)
    openssl().SSL_free(this.#ssl)
    this.#stream = 0
    this.#ssl = 0
  }
}
