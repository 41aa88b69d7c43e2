/**
 * TLS as a layer of a stream pile, over OpenSSL and the worker's shared BIO pair.
 *
 * Each piece from below is decrypted in full before the layer above hears of it, so that the pair is empty again when
 * other code runs. Nothing is lost or encrypted twice when the layer below is blocked: `fromAbove` takes bytes while no
 * records wait, and encrypts them at once; records that the layer below then refuses wait here, `fromAbove` refuses (and
 * encrypts nothing) until `ready` has sent them, and a close sends them first.
 */
import { isIP } from 'node:net'
import type { Nanoseconds } from '../core/clock.ts'
import { NEVER, SECOND } from '../core/clock.ts'
import type { Cause, Layer, Lower, Traffic, Upper } from '../core/layer.ts'
import { MOST_INPUT, streamBios } from '../native/openssl-bio.ts'
import {
  SSL_CTRL_SET_TLSEXT_HOSTNAME,
  SSL_ERROR_WANT_READ,
  SSL_ERROR_ZERO_RETURN,
  SSL_READING,
  SSL_SHUTDOWN_BOTH,
} from '../native/openssl-constants.ts'
import type { PskCredential } from '../native/openssl-callbacks.ts'
import { answerAsClient, forget } from '../native/openssl-callbacks.ts'
import type { Credential } from '../native/openssl-context.ts'
import { presentOn } from '../native/openssl-context.ts'
import type { Pointer } from '../native/openssl.ts'
import { clearErrors, cString, errorWords, openssl } from '../native/openssl.ts'
import { failure } from './tls-causes.ts'
import type { TlsContext } from './tls-context.ts'
import type { EarlyData } from './tls-early.ts'
import { EarlyFlight, EarlyReader, writeEarly } from './tls-early.ts'
import type { TlsTickets } from './tls-tickets.ts'

export { TlsContext } from './tls-context.ts'

/** How long a handshake may take. */
const HANDSHAKE_LIMIT = 30 * SECOND
const X509_V_OK = 0

const CLOSED: Cause = { code: 'closed', detail: 'the peer sent close_notify' }

type State =
  | 'idle' // the layer below is not open yet
  | 'handshake'
  | 'early' // the handshake runs, and data flows already
  | 'open'
  | 'closing' // over, but the layer below has not taken the last records
  | 'closed'

abstract class TlsLayer implements Layer {
  below!: Lower
  above!: Upper
  /** When the layer below opened; NaN before. */
  openedAt: Nanoseconds = Number.NaN
  readonly traffic: Traffic
  protected readonly context: TlsContext
  #ssl: Pointer = 0
  #state: State = 'idle'
  #deadline: Nanoseconds = NEVER
  /** Records that the layer below refused. */
  #kept: Uint8Array | null = null
  /** Null where there is none. */
  #early: EarlyData | null = null
  /** Whether the layer above waits for `ready`. */
  #blocked = false

  constructor(context: TlsContext, traffic: Traffic) {
    this.context = context
    this.traffic = traffic
  }

  /** Makes `ssl` a client or a server: what data may flow before the handshake is done. */
  protected abstract prepare(ssl: Pointer): EarlyData | null
  /** The words for a handshake that the peer's certificate ended. */
  protected abstract certificateWords(reason: string): string
  /** Whether this end authenticates with a pre-shared key. */
  protected abstract readonly withKey: boolean
  /** Whether the layer above is open. */
  get #isOpen(): boolean {
    return this.#state === 'open' || this.#state === 'early'
  }

  /** The handshake is done. */
  protected established(_ssl: Pointer): void {}
  /** One of both ends does not want this session. */
  protected refused(): void {}
  /** `ssl` is about to be freed; `open`: its handshake was done. */
  protected leaving(_ssl: Pointer, _open: boolean): void {}

  /** Version, cipher suite and group; empty unless the handshake is done and the session open. */
  negotiated(): Readonly<Record<string, string>> {
    if (this.#state !== 'open') return {}
    const o = openssl()
    return {
      version: o.SSL_get_version(this.#ssl),
      cipher: o.SSL_CIPHER_get_name(o.SSL_get_current_cipher(this.#ssl)),
      group: o.SSL_get0_group_name(this.#ssl) ?? '',
    }
  }

  deadline(): Nanoseconds {
    return this.#deadline
  }

  expire(now: Nanoseconds): void {
    if (now < this.#deadline) return
    // A connection that carried nothing for so long does not carry the rest either.
    this.#kept = null
    this.#end({ code: 'timeout', detail: 'no TLS handshake within 30 s' }, now)
  }

  open(now: Nanoseconds): void {
    this.openedAt = now
    this.#state = 'handshake'
    this.#deadline = now + HANDSHAKE_LIMIT
    this.#ssl = openssl().SSL_new(this.context.pointer)
    const bios = streamBios()
    bios.attach(this.#ssl)
    bios.clear()
    this.#early = this.prepare(this.#ssl)
    if (this.#early instanceof EarlyFlight) this.#openEarly(this.#early, now)
    else this.#shakeHands(now)
  }

  /** The ClientHello goes with the first early data, or alone. */
  #openEarly(flight: EarlyFlight, now: Nanoseconds): void {
    this.#state = 'early'
    this.above.open(now)
    if (this.#state === 'early' && !flight.started) this.#shakeHands(now)
  }

  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    if (bytes.length <= MOST_INPUT) this.#decrypt(bytes, now)
    else
      for (let at = 0; at < bytes.length; at += MOST_INPUT)
        this.#decrypt(bytes.subarray(at, at + MOST_INPUT), now)
  }

  #decrypt(piece: Uint8Array, now: Nanoseconds): void {
    if (this.#ssl === 0) return
    const o = openssl()
    const bios = streamBios()
    clearErrors()
    bios.give(piece)
    const before = this.#state
    const shaken = before === 'open' || this.#shakeHands(now)
    const { plain } = bios
    let length = before === 'open' ? 0 : (this.#early?.length ?? 0)
    if (!shaken) {
      if (length === 0 || this.#ssl === 0) return
      // The layer above answers before the handshake is done (0.5-RTT).
      this.#state = 'early'
    }
    let cause: Cause | null = null
    let result = shaken ? 1 : 0
    while (result > 0) {
      result = o.SSL_read(this.#ssl, plain.address + length, plain.bytes.length - length)
      if (result > 0) length += result
    }
    if (o.SSL_want(this.#ssl) === SSL_READING) bios.exhausted()
    else cause = this.#whyReadEnded(result)
    this.#flush(now)
    if (before === 'handshake' && this.#isOpen) this.above.open(now)
    // What could not go early goes now.
    if (before === 'early' && this.#state === 'open') this.#unblock(now)
    if (length > 0 && this.#isOpen) {
      this.traffic.receivedBytes += length
      this.traffic.receivedCalls++
      this.above.fromBelow(plain.bytes.subarray(0, length), now)
    }
    if (cause !== null && this.#isOpen) this.#endWithNotify(cause, now)
  }

  /** One step. True when this step finished the handshake. What there is to send is sent, or follows with the next flush. */
  #shakeHands(now: Nanoseconds): boolean {
    const o = openssl()
    clearErrors()
    const goesOn = this.#early?.goOn(this.#ssl) ?? true
    const result = goesOn ? o.SSL_do_handshake(this.#ssl) : 0
    if (result === 1) {
      this.#state = 'open'
      this.#deadline = NEVER
      this.established(this.#ssl)
      this.#early?.settle(this.#ssl)
      return true
    }
    if (o.SSL_get_error(this.#ssl, result) === SSL_ERROR_WANT_READ) {
      streamBios().exhausted()
      this.#flush(now)
      return false
    }
    const cause = this.#whyHandshakeFailed()
    this.#flush(now)
    this.#end(cause, now)
    return false
  }

  #whyHandshakeFailed(): Cause {
    const o = openssl()
    this.refused()
    const verdict = o.SSL_get_verify_result(this.#ssl)
    if (verdict === X509_V_OK) return failure(this.withKey, 'the handshake failed')
    clearErrors()
    const reason = o.X509_verify_cert_error_string(verdict)
    return { code: 'certificate', detail: this.certificateWords(reason) }
  }

  #whyReadEnded(result: number): Cause {
    if (openssl().SSL_get_error(this.#ssl, result) === SSL_ERROR_ZERO_RETURN) return CLOSED
    this.refused()
    return failure(false, 'the session failed')
  }

  fromAbove(bytes: Uint8Array, now: Nanoseconds): boolean {
    const early = this.#state === 'early' ? this.#early : null
    const takes = early === null ? this.#state === 'open' : early.takes(bytes.length)
    if (!takes || this.#kept !== null) {
      this.#blocked = true
      return false
    }
    if (bytes.length === 0) return true
    const { length } = bytes
    const written = early === null ? openssl().SSL_write(this.#ssl, bytes, length) : writeEarly(this.#ssl, bytes) // prettier-ignore
    if (written !== length) {
      this.#end({ code: 'alert', detail: errorWords() || 'the session failed' }, now)
      return false
    }
    early?.wrote(bytes)
    this.traffic.sentBytes += bytes.length
    this.traffic.sentCalls++
    this.#flush(now)
    return true
  }

  /** Empties the shared pair: hands its records down, or keeps them behind those that were refused. */
  #flush(now: Nanoseconds): void {
    const bios = streamBios()
    for (let length = bios.take(); length > 0; length = bios.take()) {
      const records = bios.output.subarray(0, length)
      if (this.#kept !== null) this.#kept = Buffer.concat([this.#kept, records])
      else if (!this.below.fromAbove(records, now)) this.#kept = records.slice()
      if (length < bios.output.length) return
    }
  }

  ready(now: Nanoseconds): void {
    if (this.#kept !== null) {
      if (!this.below.fromAbove(this.#kept, now)) return
      this.#kept = null
    }
    if (this.#state === 'closing') {
      this.#state = 'closed'
      this.below.close(now)
    } else if (this.#isOpen) this.#unblock(now)
  }

  #unblock(now: Nanoseconds): void {
    if (!this.#blocked) return
    this.#blocked = false
    this.above.ready(now)
  }

  /** close_notify, then the layer below closes; nobody waits for the peer's close_notify (RFC 8446 section 6.1). */
  close(now: Nanoseconds): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    if (this.#state === 'open') this.#notify(now)
    this.#release(now)
  }

  closed(cause: Cause, now: Nanoseconds): void {
    const state = this.#state
    this.#kept = null
    this.#free()
    this.#state = 'closed'
    if (state === 'closing' || state === 'closed') return
    // Without close_notify the end may be an attacker's (RFC 8446 section 6.1).
    if (cause.code === 'closed' && (state === 'handshake' || state === 'early'))
      this.above.closed(
        { code: 'truncated', detail: 'the peer closed during the TLS handshake' },
        now,
      )
    else if (cause.code === 'closed')
      this.above.closed({ code: 'truncated', detail: 'the peer closed without close_notify' }, now)
    else this.above.closed(cause, now)
  }

  #notify(now: Nanoseconds): void {
    openssl().SSL_shutdown(this.#ssl)
    this.#flush(now)
  }

  #endWithNotify(cause: Cause, now: Nanoseconds): void {
    if (cause.code === 'closed') this.#notify(now)
    this.#end(cause, now)
  }

  #end(cause: Cause, now: Nanoseconds): void {
    this.#release(now)
    this.above.closed(cause, now)
  }

  /** Frees the session and closes below, after the records that it has not taken yet. */
  #release(now: Nanoseconds): void {
    this.#free()
    this.#state = this.#kept === null ? 'closed' : 'closing'
    if (this.#state === 'closed') this.below.close(now)
  }

  #free(): void {
    this.#deadline = NEVER
    if (this.#ssl === 0) return
    this.leaving(this.#ssl, this.#state === 'open')
    openssl().SSL_free(this.#ssl)
    this.#ssl = 0
  }
}

/** What a device brings to each of its connections. */
export interface TlsIdentity {
  readonly device: number
  /** What it shows when the server asks for a certificate. */
  readonly credential?: Credential
  /** Its pre-shared key; the context is one for keys. */
  readonly psk?: PskCredential
  /** Where its tickets are; absent: it does not resume. */
  readonly tickets?: TlsTickets
}

const NOBODY: TlsIdentity = { device: 0 }

/** The client's side: asks for `serverName` (SNI) and accepts only a certificate that stands for it, or the key of `identity`. */
export class TlsClient extends TlsLayer {
  readonly #serverName: string
  readonly #identity: TlsIdentity
  #offered = false
  #resumed = false
  #unwanted = false

  /** `traffic` counts what crosses the upper boundary. `serverName` is a DNS name or an IPv4 address. */
  constructor(context: TlsContext, traffic: Traffic, serverName: string, identity = NOBODY) {
    super(context, traffic)
    this.#serverName = serverName
    this.#identity = identity
  }

  protected get withKey(): boolean {
    return this.#identity.psk !== undefined
  }

  /** And whether the session was resumed, where it can be. */
  override negotiated(): Readonly<Record<string, string>> {
    const found = super.negotiated()
    if (this.#identity.tickets === undefined || found.version === undefined) return found
    return { ...found, resumed: this.#resumed ? 'yes' : 'no' }
  }

  protected prepare(ssl: Pointer): EarlyData | null {
    const o = openssl()
    // An address is no server name (RFC 6066 section 3).
    if (isIP(this.#serverName) === 0)
      o.SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, 0, cString(this.#serverName))
    o.SSL_set1_host(ssl, this.#serverName)
    const { device, credential, psk, tickets } = this.#identity
    if (credential !== undefined) presentOn(ssl, credential)
    if (psk !== undefined) answerAsClient(ssl, psk)
    this.#offered = tickets?.offer(ssl, device) ?? false
    o.SSL_set_connect_state(ssl)
    const room = this.#offered && this.context.earlyData ? (tickets?.earlyData(device) ?? 0) : 0
    return room === 0 ? null : new EarlyFlight(room, this.#settled)
  }

  readonly #settled = (accepted: boolean): void => {
    this.#identity.tickets?.settledEarly(accepted)
  }

  protected override established(ssl: Pointer): void {
    if (!this.#offered) return
    this.#resumed = openssl().SSL_session_reused(ssl) === 1
    this.#identity.tickets?.settled(this.#resumed)
  }

  protected override refused(): void {
    this.#unwanted = true
  }

  protected override leaving(ssl: Pointer, open: boolean): void {
    forget(ssl)
    const { device, tickets } = this.#identity
    if (this.#unwanted) tickets?.forget(device)
    else if (open) tickets?.keep(ssl, device)
  }

  protected certificateWords(reason: string): string {
    return `the certificate of ${this.#serverName} was refused: ${reason}`
  }
}

/** The server's side, for an accepted stream. */
export class TlsServer extends TlsLayer {
  protected readonly withKey = false

  protected prepare(ssl: Pointer): EarlyData | null {
    openssl().SSL_set_accept_state(ssl)
    return this.context.earlyData ? new EarlyReader() : null
  }

  protected override leaving(ssl: Pointer): void {
    // Otherwise SSL_free forgets, in the cache, the ticket of a connection that ended without close_notify.
    openssl().SSL_set_shutdown(ssl, SSL_SHUTDOWN_BOTH)
  }

  protected certificateWords(reason: string): string {
    return `the client's certificate was refused: ${reason}`
  }
}
