/**
 * Data before the handshake is done (RFC 8446 section 2.3): the client's with its first flight, and the server's answer to it behind
 * its own first flight (0.5-RTT).
 */
import { NativeMemory } from '../native/libc.ts'
import { streamBios } from '../native/openssl-bio.ts'
import {
  SSL_EARLY_DATA_ACCEPTED,
  SSL_EARLY_DATA_REJECTED,
  SSL_READ_EARLY_DATA_FINISH,
  SSL_READ_EARLY_DATA_SUCCESS,
} from '../native/openssl-constants.ts'
import type { Pointer } from '../native/openssl.ts'
import { openssl } from '../native/openssl.ts'

/** One end's early data, for one connection. */
export interface EarlyData {
  /** Bytes that the last `goOn` put where sessions decrypt to. */
  readonly length: number
  /** Whether so many bytes may be written before the handshake is done; what may not waits for it. */
  takes(length: number): boolean
  /** These bytes were written. */
  wrote(bytes: Uint8Array): void
  /** Before a step of the handshake: whether it is time for one. If not, SSL_get_error knows why. */
  goOn(ssl: Pointer): boolean
  /** The handshake is done. */
  settle(ssl: Pointer): void
}

let count: NativeMemory | undefined

/** A size_t that OpenSSL fills in. */
const counted = (): NativeMemory => (count ??= new NativeMemory(8))

/** How many of `bytes` were written: all, or 0, where SSL_get_error knows why. Sends the ClientHello before the first. */
export const writeEarly = (ssl: Pointer, bytes: Uint8Array): number => {
  const { address, view } = counted()
  if (openssl().SSL_write_early_data(ssl, bytes, bytes.length, address) !== 1) return 0
  return view.getUint32(0, true)
}

/** What a client says with its first flight. */
export class EarlyFlight implements EarlyData {
  readonly length = 0
  /** Whether anything was written, and with it the ClientHello. */
  started = false
  #room: number
  /** A server that rejects early data drops it (RFC 8446 section 4.2.10): it is kept until that is known. */
  #sent: Uint8Array[] = []
  readonly #settled: (accepted: boolean) => void

  /** `room`: bytes that the ticket allows. `settled` hears what came of early data, where there was some. */
  constructor(room: number, settled: (accepted: boolean) => void) {
    this.#room = room
    this.#settled = settled
  }

  takes(length: number): boolean {
    return length <= this.#room
  }

  wrote(bytes: Uint8Array): void {
    this.started = true
    this.#room -= bytes.length
    this.#sent.push(bytes.slice())
  }

  /** With the first step OpenSSL ends early data. */
  goOn(): boolean {
    this.#room = 0
    return true
  }

  /** What the server rejected is written again, as the first of the session. */
  settle(ssl: Pointer): void {
    const o = openssl()
    const status = o.SSL_get_early_data_status(ssl)
    if (status === SSL_EARLY_DATA_REJECTED)
      for (const bytes of this.#sent) o.SSL_write(ssl, bytes, bytes.length)
    this.#sent = []
    if (this.started) this.#settled(status === SSL_EARLY_DATA_ACCEPTED)
  }
}

/** What a server hears before the client's Finished, and answers before it. */
export class EarlyReader implements EarlyData {
  length = 0
  #done = false

  takes(): boolean {
    return true
  }

  wrote(): void {}

  goOn(ssl: Pointer): boolean {
    this.length = 0
    if (this.#done) return true
    const o = openssl()
    const { plain } = streamBios()
    const { address, view } = counted()
    let result = SSL_READ_EARLY_DATA_SUCCESS
    while (result === SSL_READ_EARLY_DATA_SUCCESS) {
      const room = plain.bytes.length - this.length
      result = o.SSL_read_early_data(ssl, plain.address + this.length, room, address)
      if (result === SSL_READ_EARLY_DATA_SUCCESS) this.length += view.getUint32(0, true)
    }
    this.#done = result === SSL_READ_EARLY_DATA_FINISH
    return this.#done
  }

  settle(): void {}
}
