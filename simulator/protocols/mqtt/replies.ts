/** PUBACK, PUBREC, PUBREL and PUBCOMP that answer the packets of one call from below: they leave in one write. */
import { putAnswer } from './generate.ts'

const FIRST_ROOM = 64
/** An answer with a reason code. */
const LARGEST = 5

export class Replies {
  /** A session that answers nothing takes no room. */
  #bytes: Uint8Array | null = null
  #used = 0

  /** @param type packet type @param reason of MQTT 5; 0 gives the packet of both versions */
  put(type: number, id: number, reason = 0): void {
    const bytes = this.#room()
    this.#used = putAnswer(bytes, this.#used, type, id, reason)
  }

  /** What was put since the last call, or null. Valid until the next `put`. */
  take(): Uint8Array | null {
    if (this.#bytes === null || this.#used === 0) return null
    const taken = this.#bytes.subarray(0, this.#used)
    this.#used = 0
    return taken
  }

  #room(): Uint8Array {
    const bytes = this.#bytes
    if (bytes !== null && this.#used + LARGEST <= bytes.length) return bytes
    const grown = new Uint8Array(bytes === null ? FIRST_ROOM : 2 * bytes.length)
    if (bytes !== null) grown.set(bytes)
    this.#bytes = grown
    return grown
  }
}
