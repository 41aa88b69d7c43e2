/**
 * Stateless resets (RFC 9000 section 10.3): who sends to a connection that is not there any more hears so. Nothing is kept for
 * them; they are worth nothing after a restart.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { ID_LENGTH } from './quic-packet.ts'

const TOKEN = 16
/** Of the answer: below, no peer takes it for a reset; above, there is nothing to gain (section 10.3). */
const SHORTEST = 21
const LONGEST = 43

export class ResetTokens {
  readonly #secret = randomBytes(32)

  /** The token of a connection id of ours, as quiche wants it. */
  of(id: Uint8Array): bigint {
    return BigInt(`0x${this.#bytes(id).toString('hex')}`)
  }

  /**
   * To a packet with a short header whose connection nobody has; null: it is too short. Always shorter than that packet, so that
   * two ends that have both forgotten come to an end (section 10.3.3).
   */
  answer(packet: Uint8Array): Uint8Array | null {
    const length = Math.min(packet.length - 1, LONGEST)
    if (length < SHORTEST) return null
    const answer = randomBytes(length)
    answer[0] = 0x40 | ((answer[0] ?? 0) & 0x3f)
    answer.set(this.#bytes(packet.subarray(1, 1 + ID_LENGTH)), length - TOKEN)
    return answer
  }

  #bytes(id: Uint8Array): Buffer {
    return createHmac('sha256', this.#secret).update(id).digest().subarray(0, TOKEN)
  }
}
