/** Writes CoAP messages (RFC 7252 section 3) into one buffer that is used again for every message. */
import { HEADER, PAYLOAD_MARKER } from './message.ts'

export class MessageWriter {
  readonly #buffer: Uint8Array
  /** The view of the last message: messages of one length follow each other, so that it is rarely made anew. */
  #view: Uint8Array = new Uint8Array(0)
  #length = 0
  #option = 0

  /** @param capacity bytes of the longest message; a longer one throws a RangeError */
  constructor(capacity: number) {
    this.#buffer = new Uint8Array(capacity)
  }

  /** Starts a message. The token is copied from `source`; its length is 0 to 8. */
  begin(
    type: number,
    code: number,
    id: number,
    source: Uint8Array,
    tokenAt: number,
    tokenLength: number,
  ): void {
    const out = this.#buffer
    out[0] = 0x40 | (type << 4) | tokenLength
    out[1] = code
    out[2] = id >>> 8
    out[3] = id
    for (let i = 0; i < tokenLength; i++) out[HEADER + i] = source[tokenAt + i] as number
    this.#length = HEADER + tokenLength
    this.#option = 0
  }

  /** Appends an option; numbers must not fall (section 3.1). */
  option(number: number, value: Uint8Array): void {
    const at = this.#length++
    const delta = this.#extended(number - this.#option)
    const length = this.#extended(value.length)
    this.#buffer[at] = (delta << 4) | length
    this.#option = number
    this.#append(value)
  }

  /** Ends the message with its payload; an empty one leaves no marker. */
  payload(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#buffer[this.#length++] = PAYLOAD_MARKER
    this.#append(bytes)
  }

  /** The message; valid until the next `begin`. */
  message(): Uint8Array {
    if (this.#length > this.#buffer.length) throw new RangeError('CoAP message too long')
    if (this.#view.length !== this.#length) this.#view = this.#buffer.subarray(0, this.#length)
    return this.#view
  }

  /** The nibble for a delta or length; writes the bytes that 13 and 14 announce. */
  #extended(value: number): number {
    if (value < 13) return value
    const out = this.#buffer
    if (value < 269) {
      out[this.#length++] = value - 13
      return 13
    }
    out[this.#length++] = (value - 269) >>> 8
    out[this.#length++] = value - 269
    return 14
  }

  #append(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }
}
