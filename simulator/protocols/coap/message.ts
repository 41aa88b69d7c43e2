/**
 * The CoAP message format (RFC 7252 section 3), read in place: a `Message` is a view that is filled again for every datagram, so that
 * reading one costs no allocation.
 *
 *     |Ver| T |  TKL  |     Code      |          Message ID           |  Token ...  Options ...  0xFF Payload ...
 */
export const CON = 0
export const NON = 1
export const ACK = 2
export const RST = 3

/** Codes as they stand on the wire: class in the upper 3 bits, detail in the lower 5 (RFC 7252 section 12.1). */
export const EMPTY = 0x00
export const GET = 0x01
export const POST = 0x02
export const PUT = 0x03
export const CREATED = 0x41
export const CHANGED = 0x44
export const CONTENT = 0x45
export const BAD_REQUEST = 0x80
export const BAD_OPTION = 0x82
export const NOT_FOUND = 0x84
export const METHOD_NOT_ALLOWED = 0x85
export const NOT_ACCEPTABLE = 0x86
export const PROXYING_NOT_SUPPORTED = 0xa5

/** Option numbers (RFC 7252 section 5.10; No-Response: RFC 7967 section 2). Odd ones are critical (section 5.4.6). */
export const URI_HOST = 3
export const URI_PORT = 7
export const LOCATION_PATH = 8
export const URI_PATH = 11
export const CONTENT_FORMAT = 12
export const URI_QUERY = 15
export const ACCEPT = 17
export const PROXY_URI = 35
export const PROXY_SCHEME = 39
export const NO_RESPONSE = 258

/** Content-Format application/link-format (RFC 6690 section 7.3). */
export const LINK_FORMAT = 40

export const HEADER = 4
export const PAYLOAD_MARKER = 0xff

/** 0x84 as 4.04. */
export const codeName = (code: number): string =>
  `${code >> 5}.${String(code & 31).padStart(2, '0')}`

/**
 * What became of a datagram: a message; `malformed`: its type and message ID are valid but it has a message format error, so that a CON is
 * rejected with RST (section 4.2); `ignored`: not even that, or another version (section 3).
 */
export type Parsed = 'message' | 'malformed' | 'ignored'

export class Message {
  bytes: Uint8Array = new Uint8Array(0)
  type = CON
  code = EMPTY
  id = 0
  /** The token stands at HEADER. */
  tokenLength = 0
  /** The payload reaches from here to the end of `bytes`; the end of `bytes` when there is none. */
  payloadAt = 0
  /** The option that `nextOption` stepped to. */
  option = 0
  optionAt = 0
  optionLength = 0
  #cursor = 0
  #optionsEnd = 0

  /** Fills this view from one datagram and checks the whole format, options included. Keeps `bytes`: valid as long as they are. */
  parse(bytes: Uint8Array): Parsed {
    if (bytes.length < HEADER) return 'ignored'
    const first = bytes[0] as number
    if (first >> 6 !== 1) return 'ignored'
    this.bytes = bytes
    this.type = (first >> 4) & 3
    this.code = bytes[1] as number
    this.id = ((bytes[2] as number) << 8) | (bytes[3] as number)
    this.tokenLength = first & 15
    // An Empty message is the four bytes of the header (section 4.1).
    if (this.code === EMPTY && bytes.length > HEADER) return 'malformed'
    // Lengths 9 to 15 are reserved (section 3).
    if (this.tokenLength > 8 || HEADER + this.tokenLength > bytes.length) return 'malformed'
    return this.#checkOptions() ? 'message' : 'malformed'
  }

  /** Goes back to before the first option. */
  rewind(): void {
    this.#cursor = HEADER + this.tokenLength
    this.option = 0
  }

  /** Steps to the next option (section 3.1); false after the last. */
  nextOption(): boolean {
    if (this.#cursor >= this.#optionsEnd) return false
    return this.#step()
  }

  /** The unsigned integer in the current option (section 3.2), for values of up to 4 bytes; longer ones read as -1. */
  optionInteger(): number {
    if (this.optionLength > 4) return -1
    let value = 0
    for (let i = 0; i < this.optionLength; i++)
      value = value * 256 + (this.bytes[this.optionAt + i] as number)
    return value
  }

  /**
   * Whether any option left is critical, that is odd (section 5.4.6). A receiver that knows no critical options must not
   * process such a message (section 5.4.1).
   */
  hasCriticalOption(): boolean {
    while (this.nextOption()) if (this.option & 1) return true
    return false
  }

  /** The token as a big-endian integer; -1 unless it has `length` bytes (at most 4). */
  tokenInteger(length: number): number {
    if (this.tokenLength !== length) return -1
    let value = 0
    for (let i = 0; i < length; i++) value = value * 256 + (this.bytes[HEADER + i] as number)
    return value
  }

  #checkOptions(): boolean {
    const { bytes } = this
    this.#optionsEnd = bytes.length
    this.rewind()
    while (this.#cursor < bytes.length) {
      if (bytes[this.#cursor] === PAYLOAD_MARKER) {
        this.#optionsEnd = this.#cursor
        this.payloadAt = this.#cursor + 1
        this.rewind()
        // A marker with nothing behind it is a format error (section 3).
        return this.payloadAt < bytes.length
      }
      if (!this.#step()) return false
    }
    this.payloadAt = bytes.length
    this.rewind()
    return true
  }

  /** Reads the option at the cursor; false when it is malformed or reaches beyond the datagram. */
  #step(): boolean {
    const { bytes } = this
    const head = bytes[this.#cursor++] as number
    const delta = this.#extended(head >> 4)
    const length = this.#extended(head & 15)
    if (delta < 0 || length < 0) return false
    this.option += delta
    this.optionAt = this.#cursor
    this.optionLength = length
    this.#cursor += length
    return this.#cursor <= bytes.length
  }

  /** A delta or length, with the 1 or 2 bytes that 13 and 14 announce; 15 is reserved: -1. */
  #extended(nibble: number): number {
    if (nibble < 13) return nibble
    if (nibble === 15) return -1
    const { bytes } = this
    const width = nibble - 12
    if (this.#cursor + width > bytes.length) return -1
    const high = bytes[this.#cursor++] as number
    if (nibble === 13) return high + 13
    return high * 256 + (bytes[this.#cursor++] as number) + 269
  }
}
