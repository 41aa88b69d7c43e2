/**
 * One pair of datagram BIOs takes what all QUIC connections of a worker send: every call into OpenSSL is synchronous, so
 * the pair belongs to one connection at a time, and thousands of them do not each keep 128 KiB. What they receive is
 * injected, and passes no BIO.
 *
 * Whoever lets OpenSSL write must take all of it before another connection does.
 */
import { NativeMemory } from './libc.ts'
import { opensslQuic } from './openssl-quic.ts'
import type { Pointer } from './openssl.ts'
import { openssl } from './openssl.ts'

/** With the 13 KiB that OpenSSL would take, a connection sends 8 Mbit/s at 20 ms. */
export const QUIC_CAPACITY = 65536
const BIO_CTRL_DGRAM_SET_CAPS = 87
/** Datagrams with the addresses of both ends, either way. */
const CAPABILITIES = 15

export class QuicBios {
  /** What the last `take` took. */
  readonly output: Uint8Array
  /** Where streams are read to. */
  readonly plain = new NativeMemory(QUIC_CAPACITY)
  readonly #outputAddress: Pointer
  readonly #inner: Pointer
  readonly #outer: Pointer

  constructor() {
    const memory = new NativeMemory(QUIC_CAPACITY)
    const { address, view } = memory
    opensslQuic().BIO_new_bio_dgram_pair(address, QUIC_CAPACITY, address + 8, QUIC_CAPACITY)
    this.#inner = Number(view.getBigUint64(0, true))
    this.#outer = Number(view.getBigUint64(8, true))
    for (const bio of [this.#inner, this.#outer])
      openssl().BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CAPS, CAPABILITIES, 0)
    this.output = memory.bytes
    this.#outputAddress = address
  }

  /** Makes the connection `ssl` write here. SSL_free drops the references that this takes. */
  attach(ssl: Pointer): void {
    const o = openssl()
    o.BIO_up_ref(this.#inner)
    o.SSL_set_bio(ssl, this.#inner, this.#inner)
  }

  /** Takes the next datagram into `output`: its length, or 0. */
  take(): number {
    const length = openssl().BIO_read(this.#outer, this.#outputAddress, QUIC_CAPACITY)
    return length > 0 ? length : 0
  }
}

let shared: QuicBios | undefined

/** The pair of this worker's connections. */
export const quicBios = (): QuicBios => (shared ??= new QuicBios())
