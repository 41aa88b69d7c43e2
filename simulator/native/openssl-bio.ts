/**
 * One pair of memory BIOs carries all sessions of a worker: every call into OpenSSL is synchronous, so the pair belongs
 * to one session at a time, and thousands of sessions do not each keep their own (10 KiB).
 *
 * Nothing may pass from one session to the next: `give` and `clear` empty what an earlier session left unread, and each
 * session takes all its output before it calls another layer.
 */
import { NativeMemory } from './libc.ts'
import { BIO_CTRL_RESET } from './openssl-constants.ts'
import type { OpenSsl, Pointer } from './openssl.ts'
import { openssl } from './openssl.ts'

/** Longer than a UDP datagram or a TLS record. */
const OUTPUT = 65536
/** The input given at once to a stream session, and what that can become with the rest of a record from before. */
export const MOST_INPUT = 65536
const PLAIN = MOST_INPUT + 32768

export class BioPair {
  /** What the last `take` took. */
  readonly output: Uint8Array
  /** Where sessions of this pair decrypt to. */
  readonly plain: NativeMemory
  readonly #outputAddress: Pointer
  readonly #in: Pointer
  readonly #out: Pointer
  readonly #openssl: OpenSsl
  #unread = false

  constructor(kind: 'stream' | 'datagram') {
    const o = openssl()
    this.#openssl = o
    // A datagram BIO keeps the borders of datagrams.
    const make = () => o.BIO_new(kind === 'stream' ? o.BIO_s_mem() : o.BIO_s_dgram_mem())
    this.#in = make()
    this.#out = make()
    const memory = new NativeMemory(OUTPUT)
    this.output = memory.bytes
    this.#outputAddress = memory.address
    this.plain = new NativeMemory(PLAIN)
  }

  /** Makes `ssl` read and write here. SSL_free drops the references that this takes. */
  attach(ssl: Pointer): void {
    this.#openssl.BIO_up_ref(this.#in)
    this.#openssl.BIO_up_ref(this.#out)
    this.#openssl.SSL_set_bio(ssl, this.#in, this.#out)
  }

  /** The next calls into OpenSSL read `bytes` and nothing else. */
  give(bytes: Uint8Array): void {
    this.clear()
    this.#openssl.BIO_write(this.#in, bytes, bytes.length)
    this.#unread = true
  }

  /** OpenSSL asked for more: it has read all. */
  exhausted(): void {
    this.#unread = false
  }

  /** The next calls into OpenSSL find nothing to read. */
  clear(): void {
    if (!this.#unread) return
    this.#openssl.BIO_ctrl(this.#in, BIO_CTRL_RESET, 0, 0)
    this.#unread = false
  }

  /** Takes the next datagram, or the next piece of the stream, into `output`: its length, or 0. */
  take(): number {
    const length = this.#openssl.BIO_read(this.#out, this.#outputAddress, OUTPUT)
    return length > 0 ? length : 0
  }
}

let stream: BioPair | undefined
let datagram: BioPair | undefined

/** The pair of this worker's TLS sessions. */
export const streamBios = (): BioPair => (stream ??= new BioPair('stream'))
/** The pair of this worker's DTLS sessions. */
export const datagramBios = (): BioPair => (datagram ??= new BioPair('datagram'))
