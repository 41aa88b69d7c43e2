/**
 * Cuts a byte stream into first-level elements of an XML stream (RFC 6120 section 4.1), whatever pieces it comes in.
 *
 * It looks at tags, quotes and nesting only, all of which are ASCII in UTF-8, so that a character split over two reads
 * needs no care: text is decoded from whole stanzas. What is inside an element is for the parser (element.ts) or for a
 * scanner of one known form (attributes.ts). A connection keeps nothing between stanzas; one that is split over pieces is kept
 * in a buffer of its own until it is complete.
 */
import type { Nanoseconds } from '../../core/clock.ts'
import { broken } from './violation.ts'

export interface StanzaHandler {
  /** Nothing further is wanted. */
  readonly over: boolean
  /** The tag `<stream:stream ...>`. */
  streamHeader(bytes: Uint8Array, start: number, end: number, now: Nanoseconds): void
  /** One first-level element. Bytes are valid only during the call. */
  stanza(bytes: Uint8Array, start: number, end: number, now: Nanoseconds): void
  /** `</stream:stream>`. */
  streamEnd(now: Nanoseconds): void
}

// Where in the XML the next byte stands.
const TEXT = 0
const OPENED = 1
const START_TAG = 2
const END_TAG = 3
const DOUBLE_QUOTES = 4
const SINGLE_QUOTES = 5
const DECLARATION = 6
const CDATA_START = 7
const CDATA = 8

const QUOTE = 0x22
const APOSTROPHE = 0x27
const SLASH = 0x2f
const LESS = 0x3c
const GREATER = 0x3e
const QUESTION = 0x3f
const EXCLAMATION = 0x21
const BRACKET = 0x5d

const CDATA_OPENING = Buffer.from('<![CDATA[')
const STREAM_CLOSING = Buffer.from('</stream:stream')

const isSpace = (byte: number): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** A loop, because for the few bytes between two tags it is faster than the method. */
const indexOf = (byte: number, bytes: Uint8Array, from: number): number => {
  let i = from
  while (i < bytes.length && bytes[i] !== byte) i++
  return i
}

const startsWith = (
  bytes: Uint8Array,
  start: number,
  end: number,
  expected: Uint8Array,
): boolean => {
  if (end - start < expected.length) return false
  for (let i = 0; i < expected.length; i++) if (bytes[start + i] !== expected[i]) return false
  return true
}

export class StanzaReader {
  readonly #limit: number
  /** Begin of a stanza whose end has not come; exactly as long as what has come. */
  #carry: Uint8Array | null = null
  #mode = TEXT
  /** Elements open inside the stream's root. */
  #depth = 0
  #headerExpected = true

  /** @param limit largest stanza that is taken, bytes: what a peer can make us keep */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** A stanza has begun and is not complete. */
  get midStanza(): boolean {
    return this.#carry !== null
  }

  /** The next thing is a stream header again: the stream was restarted (RFC 6120 section 4.3.3). */
  restart(): void {
    this.#headerExpected = true
  }

  /** Hands all that `bytes` completes to `to`. Throws a Violation at what is no XML stream, or too large. */
  read(bytes: Uint8Array, now: Nanoseconds, to: StanzaHandler): void {
    const carry = this.#carry
    let input = bytes
    if (carry !== null) {
      input = new Uint8Array(carry.length + bytes.length)
      input.set(carry)
      input.set(bytes, carry.length)
      this.#carry = null
    }
    const start = this.#scan(input, carry?.length ?? 0, now, to)
    if (start === input.length || to.over) return
    if (input.length - start > this.#limit)
      throw broken(
        `a stanza of more than ${this.#limit} bytes`,
        'limit of this client',
        'policy-violation',
      )
    this.#carry = input.slice(start)
  }

  /** Scans from `from` (what stands before it belongs to the stanza that has begun). Returns where the incomplete stanza starts. */
  #scan(bytes: Uint8Array, from: number, now: Nanoseconds, to: StanzaHandler): number {
    let start = 0
    for (let i = from; i < bytes.length; i++) {
      const byte = bytes[i] as number
      switch (this.#mode) {
        case TEXT:
          if (this.#depth > 0) {
            i = indexOf(LESS, bytes, i)
            if (i < bytes.length) this.#mode = OPENED
          } else if (byte === LESS) {
            start = i
            this.#mode = OPENED
          } else {
            // Whitespace between stanzas keeps the connection alive (RFC 6120 section 4.6.1).
            if (!isSpace(byte))
              throw broken('text between stanzas', 'RFC 6120 section 11.7', 'bad-format')
            start = i + 1
          }
          break
        case START_TAG:
          if (byte === GREATER) {
            if (this.#startTagEnds(bytes, start, i, now, to)) start = i + 1
            if (to.over) return bytes.length
          } else if (byte === QUOTE) this.#mode = DOUBLE_QUOTES
          else if (byte === APOSTROPHE) this.#mode = SINGLE_QUOTES
          else if (byte === LESS) throw broken('"<" in a tag', 'XML section 3.1', 'not-well-formed')
          break
        case DOUBLE_QUOTES:
        case SINGLE_QUOTES:
          i = indexOf(this.#mode === DOUBLE_QUOTES ? QUOTE : APOSTROPHE, bytes, i)
          if (i < bytes.length) this.#mode = START_TAG
          break
        case END_TAG:
          i = indexOf(GREATER, bytes, i)
          if (i < bytes.length && this.#endTagEnds(bytes, start, i, now, to)) start = i + 1
          if (to.over) return bytes.length
          break
        default:
          if (this.#rare(bytes, i, byte)) start = i + 1
      }
    }
    return start
  }

  /** The second byte of a tag, the XML declaration and CDATA. True: it was the declaration, which says nothing, and is over. */
  #rare(bytes: Uint8Array, i: number, byte: number): boolean {
    switch (this.#mode) {
      case OPENED:
        this.#mode = this.#kindOfTag(byte)
        return false
      case DECLARATION:
        if (byte !== GREATER || bytes[i - 1] !== QUESTION) return false
        this.#mode = TEXT
        return true
      case CDATA_START: {
        const at = bytes.lastIndexOf(LESS, i)
        if (byte !== CDATA_OPENING[i - at])
          throw broken('a comment or a document type', 'RFC 6120 section 11.1', 'restricted-xml')
        if (i - at === CDATA_OPENING.length - 1) this.#mode = CDATA
        return false
      }
      default:
        if (byte === GREATER && bytes[i - 1] === BRACKET && bytes[i - 2] === BRACKET)
          this.#mode = TEXT
        return false
    }
  }

  #kindOfTag(byte: number): number {
    if (byte === SLASH) return END_TAG
    if (byte === QUESTION) {
      if (this.#headerExpected && this.#depth === 0) return DECLARATION
      throw broken('a processing instruction', 'RFC 6120 section 11.1', 'restricted-xml')
    }
    if (byte === EXCLAMATION) {
      if (this.#depth > 0) return CDATA_START
      throw broken('a comment or a document type', 'RFC 6120 section 11.1', 'restricted-xml')
    }
    if (isSpace(byte) || byte === GREATER || byte === LESS)
      throw broken('a tag without a name', 'XML section 3.1', 'not-well-formed')
    return START_TAG
  }

  /** True: the header or the stanza that began at `start` is complete. */
  #startTagEnds(
    bytes: Uint8Array,
    start: number,
    i: number,
    now: Nanoseconds,
    to: StanzaHandler,
  ): boolean {
    this.#mode = TEXT
    const empty = bytes[i - 1] === SLASH
    if (this.#headerExpected) {
      if (empty) throw broken('an empty stream', 'RFC 6120 section 4.2', 'bad-format')
      this.#headerExpected = false
      to.streamHeader(bytes, start, i + 1, now)
      return true
    }
    if (!empty) this.#depth++
    else if (this.#depth === 0) to.stanza(bytes, start, i + 1, now)
    return this.#depth === 0
  }

  /** True: the stanza that began at `start`, or the stream, is complete. */
  #endTagEnds(
    bytes: Uint8Array,
    start: number,
    i: number,
    now: Nanoseconds,
    to: StanzaHandler,
  ): boolean {
    this.#mode = TEXT
    if (this.#depth === 0) {
      if (this.#headerExpected || !startsWith(bytes, start, i, STREAM_CLOSING))
        throw broken('an end tag without its start', 'XML section 3.1', 'not-well-formed')
      to.streamEnd(now)
      return true
    }
    this.#depth--
    if (this.#depth === 0) to.stanza(bytes, start, i + 1, now)
    return this.#depth === 0
  }
}
