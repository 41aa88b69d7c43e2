/**
 * Retry tokens (RFC 9000 section 8.1.2): who returns one can receive at its address. Nothing is kept for them; a restart makes them
 * worthless, and the client then starts anew.
 *
 * time of issue, 4 bytes, seconds | the id that the client first sent to | MAC, 16 bytes
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Nanoseconds } from '../core/clock.ts'
import { SECOND } from '../core/clock.ts'
import type { PeerKey } from '../core/endpoint.ts'

const TIME = 4
const MAC = 16
/** Seconds. The client returns it at once; a lost one comes again. */
const LIFETIME = 10

export class RetryTokens {
  readonly #secret = randomBytes(32)

  /** For `peer`, whose first Initial went to `original`, and whose next goes to `id`. */
  make(peer: PeerKey, original: Uint8Array, id: Uint8Array, now: Nanoseconds): Uint8Array {
    const token = new Uint8Array(TIME + original.length + MAC)
    new DataView(token.buffer).setUint32(0, seconds(now))
    token.set(original, TIME)
    token.set(
      this.#mac(peer, token.subarray(0, TIME + original.length), id),
      TIME + original.length,
    )
    return token
  }

  /** The id of the first Initial, when `token` was made for `peer` and `id` a short time ago; null otherwise. */
  original(token: Uint8Array, peer: PeerKey, id: Uint8Array, now: Nanoseconds): Uint8Array | null {
    const end = token.length - MAC
    if (end < TIME) return null
    const said = token.subarray(0, end)
    if (!timingSafeEqual(this.#mac(peer, said, id), token.subarray(end))) return null
    const made = new DataView(token.buffer, token.byteOffset).getUint32(0)
    return seconds(now) - made <= LIFETIME ? said.slice(TIME) : null
  }

  #mac(peer: PeerKey, said: Uint8Array, id: Uint8Array): Uint8Array {
    const mac = createHmac('sha256', this.#secret).update(`${peer} ${id.length} `)
    return mac.update(id).update(said).digest().subarray(0, MAC)
  }
}

const seconds = (now: Nanoseconds): number => Math.floor(now / SECOND) >>> 0
