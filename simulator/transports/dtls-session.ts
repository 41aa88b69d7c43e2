/**
 * One DTLS 1.2 association, of either side, over OpenSSL and the worker's shared BIO pair. It is told of datagrams and of
 * the time; what it makes goes to the four abstract methods.
 *
 * OpenSSL's retransmission timer reads the real clock. It is asked after every step of the handshake, and what is left
 * of it becomes a deadline on the caller's clock. In an open association no timer runs.
 */
import type { Nanoseconds } from '../core/clock.ts'
import { MICROSECOND, NEVER, SECOND } from '../core/clock.ts'
import { ThingbenchError } from '../core/errors.ts'
import type { Cause, Timed } from '../core/layer.ts'
import { forget } from '../native/openssl-callbacks.ts'
import { datagramBios } from '../native/openssl-bio.ts'
import {
  DTLS_CTRL_GET_TIMEOUT,
  DTLS_CTRL_HANDLE_TIMEOUT,
  SSL_CTRL_SET_MTU,
  SSL_ERROR_WANT_READ,
  SSL_ERROR_ZERO_RETURN,
  SSL_READING,
} from '../native/openssl-constants.ts'
import { NativeMemory } from '../native/libc.ts'
import type { Pointer } from '../native/openssl.ts'
import { clearErrors, errorWords, openssl } from '../native/openssl.ts'
import type { DtlsContext } from './dtls-context.ts'
import { dtlsRecordSize, nextProtected } from './record.ts'

/** How long a handshake may take, retransmissions included. */
const HANDSHAKE_LIMIT = 30 * SECOND
/** RFC 5246 section 6.2.1. */
const MOST_PLAINTEXT = 16384

type State = 'idle' | 'handshake' | 'open' | 'closed'

let timeval: NativeMemory | undefined

/** A new SSL object of the context on the shared BIO pair; neither client nor server yet. */
export const newDtls = (context: DtlsContext): Pointer => {
  const o = openssl()
  const ssl = o.SSL_new(context.pointer)
  datagramBios().attach(ssl)
  o.SSL_ctrl(ssl, SSL_CTRL_SET_MTU, context.mtu, 0)
  return ssl
}

export abstract class DtlsSession implements Timed {
  #ssl: Pointer = 0
  #state: State = 'idle'
  /** When the handshake is given up. */
  #limit: Nanoseconds = NEVER
  #deadline: Nanoseconds = NEVER
  /** Whether the peer ever answered. */
  #answered = false
  readonly #leastRecord: number

  constructor(context: DtlsContext) {
    this.#leastRecord = context.leastRecord
  }

  /** Sends a datagram. False when the layer below refuses it. */
  protected abstract output(datagram: Uint8Array, now: Nanoseconds): boolean
  /** The handshake is done. */
  protected abstract opened(now: Nanoseconds): void
  protected abstract received(datagram: Uint8Array, now: Nanoseconds): void
  /** The association ended by itself; its memory is freed. */
  protected abstract ended(cause: Cause, now: Nanoseconds): void

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get isOver(): boolean {
    return this.#state === 'closed'
  }

  /** Version and cipher suite (and group, where the suite has one); empty unless the association is open. */
  negotiated(): Readonly<Record<string, string>> {
    if (this.#state !== 'open') return {}
    const o = openssl()
    const group = o.SSL_get0_group_name(this.#ssl)
    return {
      version: o.SSL_get_version(this.#ssl),
      cipher: o.SSL_CIPHER_get_name(o.SSL_get_current_cipher(this.#ssl)),
      ...(group === null ? {} : { group }),
    }
  }

  deadline(): Nanoseconds {
    return this.#deadline
  }

  expire(now: Nanoseconds): void {
    if (now < this.#deadline) return
    if (now >= this.#limit) return this.#giveUp(now)
    clearErrors()
    const result = openssl().SSL_ctrl(this.#ssl, DTLS_CTRL_HANDLE_TIMEOUT, 0, 0)
    this.#flush(now)
    if (result < 0) this.#giveUp(now)
    else this.#arm(now)
  }

  /** A peer that discards our Finished because of the key never says so: records that do not verify are dropped (RFC 6347 4.1.2.7). */
  #giveUp(now: Nanoseconds): void {
    const detail = this.#answered
      ? 'no DTLS handshake within 30 s: no answer to the last flight (wrong key?)'
      : 'no DTLS handshake within 30 s: no answer at all'
    this.#end({ code: 'timeout', detail }, now)
  }

  /** Starts the handshake on an object of `newDtls` that is client or server. */
  protected begin(ssl: Pointer, now: Nanoseconds): void {
    this.#ssl = ssl
    this.#state = 'handshake'
    this.#limit = now + HANDSHAKE_LIMIT
    datagramBios().clear()
    this.#shakeHands(now)
  }

  /**
   * One datagram from the peer. Once the association is open, OpenSSL sees its protected records only, one at a time:
   * RFC 6347 section 4.1.2.7 wants invalid records discarded in silence, but OpenSSL 3.5 ends the association over a
   * record too short for its nonce and tag, and takes the body of a record of epoch 0 for more records.
   */
  protected feed(datagram: Uint8Array, now: Nanoseconds): void {
    if (this.#state === 'handshake') return this.#read(datagram, now)
    const least = this.#leastRecord
    for (let at = nextProtected(datagram, 0, least); at >= 0 && this.#state === 'open';) {
      const end = at + dtlsRecordSize(datagram, at)
      this.#read(end - at === datagram.length ? datagram : datagram.subarray(at, end), now)
      at = nextProtected(datagram, end, least)
    }
  }

  #read(datagram: Uint8Array, now: Nanoseconds): void {
    const o = openssl()
    const bios = datagramBios()
    clearErrors()
    bios.give(datagram)
    if (this.#state === 'handshake') {
      this.#answered = true
      if (!this.#shakeHands(now)) return
    }
    const { plain } = bios
    for (;;) {
      const length = o.SSL_read(this.#ssl, plain.address, plain.bytes.length)
      if (length <= 0) return this.#readEnded(length, now)
      this.received(plain.bytes.subarray(0, length), now)
      if (this.#state !== 'open') return
    }
  }

  #readEnded(result: number, now: Nanoseconds): void {
    const o = openssl()
    if (o.SSL_want(this.#ssl) === SSL_READING) {
      datagramBios().exhausted()
      // A peer that missed our last flight asked for it again.
      this.#flush(now)
      // SSL_MODE_RELEASE_BUFFERS does not hold for DTLS, and an idle device needs no 17 KiB to read into.
      o.SSL_free_buffers(this.#ssl)
      return
    }
    if (o.SSL_get_error(this.#ssl, result) === SSL_ERROR_ZERO_RETURN) {
      o.SSL_shutdown(this.#ssl)
      this.#flush(now)
      return this.#end({ code: 'closed', detail: 'the peer sent close_notify' }, now)
    }
    return this.#fail(now)
  }

  /** One step. True when this step finished the handshake. */
  #shakeHands(now: Nanoseconds): boolean {
    const o = openssl()
    clearErrors()
    const result = o.SSL_do_handshake(this.#ssl)
    if (result === 1) {
      this.#flush(now)
      this.#state = 'open'
      this.#deadline = NEVER
      forget(this.#ssl)
      this.opened(now)
      return this.#state === 'open'
    }
    if (o.SSL_get_error(this.#ssl, result) !== SSL_ERROR_WANT_READ) {
      this.#fail(now)
      return false
    }
    datagramBios().exhausted()
    this.#flush(now)
    this.#arm(now)
    return false
  }

  /** Reads what is left of OpenSSL's timer. */
  #arm(now: Nanoseconds): void {
    timeval ??= new NativeMemory(16)
    const runs = openssl().SSL_ctrl(this.#ssl, DTLS_CTRL_GET_TIMEOUT, 0, timeval.address) === 1
    const seconds = timeval.view.getInt32(0, true)
    const microseconds = timeval.view.getInt32(8, true)
    this.#deadline = runs
      ? Math.min(this.#limit, now + seconds * SECOND + microseconds * MICROSECOND)
      : this.#limit
  }

  /**
   * Encrypts and sends one datagram: false, and nothing is kept, when the association is not open or the layer below
   * refuses. Throws TB_DTLS_DATAGRAM_SIZE.
   */
  protected send(datagram: Uint8Array, now: Nanoseconds): boolean {
    if (this.#state !== 'open') return false
    if (datagram.length > MOST_PLAINTEXT)
      throw new ThingbenchError('TB_DTLS_DATAGRAM_SIZE', { length: datagram.length })
    // OpenSSL has no empty records; an empty datagram carries nothing that an application asked for.
    if (datagram.length === 0) return true
    if (openssl().SSL_write(this.#ssl, datagram, datagram.length) !== datagram.length) {
      this.#fail(now)
      return false
    }
    const bios = datagramBios()
    const length = bios.take()
    openssl().SSL_free_buffers(this.#ssl)
    return this.output(bios.output.subarray(0, length), now)
  }

  /** Sends what OpenSSL has made; a handshake datagram that is refused is lost, as in a network, and its timer sends it again. */
  #flush(now: Nanoseconds): void {
    const bios = datagramBios()
    for (let length = bios.take(); length > 0; length = bios.take())
      this.output(bios.output.subarray(0, length), now)
  }

  /** close_notify, and the end; `ended` is not called. */
  protected shut(now: Nanoseconds): void {
    if (this.#state === 'open') {
      openssl().SSL_shutdown(this.#ssl)
      this.#flush(now)
    }
    this.free()
  }

  /** The end without a word to the peer; `ended` is not called. */
  protected free(): void {
    this.#state = 'closed'
    this.#deadline = NEVER
    if (this.#ssl === 0) return
    forget(this.#ssl)
    openssl().SSL_free(this.#ssl)
    this.#ssl = 0
  }

  #fail(now: Nanoseconds): void {
    const detail = errorWords() || 'the session failed'
    this.#flush(now)
    this.#end({ code: 'alert', detail }, now)
  }

  #end(cause: Cause, now: Nanoseconds): void {
    this.free()
    this.ended(cause, now)
  }
}
