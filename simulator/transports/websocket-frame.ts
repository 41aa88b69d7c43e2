/** Frames of RFC 6455 section 5, as a client writes and reads them. */
import type { Nanoseconds } from '../core/clock.ts'

const CONTINUATION = 0x0
const TEXT = 0x1
export const BINARY = 0x2
export const CLOSE = 0x8
export const PING = 0x9
export const PONG = 0xa

const FIN = 0x80
const RESERVED = 0x70
const OPCODE = 0x0f
const MASKED = 0x80
/** From this opcode on frames are control frames (section 5.5). */
const CONTROL = 0x8
/** The longest payload of a control frame, and of a frame whose length stands in seven bits. */
const SHORT = 125
/** 2 bytes, 8 of length, 4 of the masking key. */
const LONGEST_HEADER = 14

/** Codes that an endpoint may say when it closes (section 7.4.1). */
export const NORMAL = 1000
export const PROTOCOL_ERROR = 1002
export const UNSUPPORTED = 1003
export const INVALID_TEXT = 1007
export const TOO_BIG = 1009

/** What the peer must not do: the code to close with, and words. */
export interface Violation {
  readonly code: number
  readonly detail: string
}

const violation = (detail: string, code = PROTOCOL_ERROR): Violation => ({ code, detail })

const hex = (opcode: number): string => `0x${opcode.toString(16)}`

/** All frames of this thread are made here: one at a time, and handed down at once. */
let scratch: Uint8Array = new Uint8Array(4096)

/**
 * One whole frame with its payload masked by `key`, an integer below 2^32 (section 5.3). The bytes are valid until the
 * next call.
 */
export const maskedFrame = (opcode: number, payload: Uint8Array, key: number): Uint8Array => {
  const { length } = payload
  if (length + LONGEST_HEADER > scratch.length) scratch = new Uint8Array(2 * length)
  const frame = scratch
  frame[0] = FIN | opcode
  let at = 2
  if (length <= SHORT) frame[1] = MASKED | length
  else if (length < 0x10000) {
    frame[1] = MASKED | 126
    frame[2] = length >>> 8
    frame[3] = length
    at = 4
  } else {
    frame[1] = MASKED | 127
    const view = new DataView(frame.buffer)
    view.setUint32(2, Math.floor(length / 2 ** 32))
    view.setUint32(6, length)
    at = 10
  }
  for (let i = 0; i < 4; i++) frame[at + i] = key >>> (24 - 8 * i)
  const mask = at
  at += 4
  for (let i = 0; i < length; i++)
    frame[at + i] = (payload[i] as number) ^ (frame[mask + (i & 3)] as number)
  return frame.subarray(0, at + length)
}

/** Who reads frames. */
export interface FrameEvents {
  /** False when no more is wanted, whatever came with it. */
  readonly reading: boolean
  /** A piece of a binary message: valid during the call, and never empty. */
  data(bytes: Uint8Array, now: Nanoseconds): void
  /** Close, Ping or Pong with its whole payload, at most 125 bytes: valid during the call. */
  control(opcode: number, payload: Uint8Array, now: Nanoseconds): void
}

/**
 * Takes the frames of a server out of the stream. Only a header and a control frame are ever kept: data are handed on as
 * they come, because a control packet of MQTT may span frames anyway [MQTT-6.0.0-2], so no length needs a limit.
 */
export class FrameReader {
  readonly #header = new Uint8Array(LONGEST_HEADER)
  #have = 0
  /** Bytes of the header that is being read, as far as is known. */
  #need = 2
  /** Bytes of the payload that have not come yet. */
  #left = 0
  readonly #control = new Uint8Array(SHORT)
  #kept = 0
  /** A message has begun, and not ended. */
  #within = false

  /** Hands on what is complete. Returns what was wrong with the rest, or null. */
  read(bytes: Uint8Array, now: Nanoseconds, events: FrameEvents): Violation | null {
    let at = 0
    while (at < bytes.length && events.reading) {
      if (this.#have < this.#need) {
        this.#header[this.#have++] = bytes[at++] as number
        const wrong = this.#have === this.#need ? this.#headerPart() : null
        if (wrong !== null) return wrong
        if (this.#have < this.#need) continue
      }
      const piece = Math.min(this.#left, bytes.length - at)
      this.#payload(bytes, at, piece, now, events)
      at += piece
    }
    return null
  }

  #payload(
    bytes: Uint8Array,
    at: number,
    length: number,
    now: Nanoseconds,
    events: FrameEvents,
  ): void {
    this.#left -= length
    const opcode = (this.#header[0] as number) & OPCODE
    const done = this.#left === 0
    if (done) {
      this.#have = 0
      this.#need = 2
    }
    if (opcode < CONTROL) {
      if (length > 0) events.data(bytes.subarray(at, at + length), now)
      return
    }
    this.#control.set(bytes.subarray(at, at + length), this.#kept)
    this.#kept += length
    if (!done) return
    const whole = this.#control.subarray(0, this.#kept)
    this.#kept = 0
    events.control(opcode, whole, now)
  }

  /** The first two bytes are there, or the whole header is. */
  #headerPart(): Violation | null {
    const first = this.#header[0] as number
    const second = this.#header[1] as number
    if (this.#have > 2) return this.#longLength(second)
    const wrong = this.#checkStart(first, second)
    if (wrong !== null) return wrong
    if ((first & OPCODE) < CONTROL) this.#within = (first & FIN) === 0
    this.#left = second
    if (second > SHORT) this.#need = second === 126 ? 4 : 10
    return null
  }

  #checkStart(first: number, second: number): Violation | null {
    const opcode = first & OPCODE
    if ((first & RESERVED) !== 0)
      return violation('a frame with reserved bits, though no extension was agreed on')
    if ((second & MASKED) !== 0) return violation('a masked frame from a server')
    if (opcode === TEXT) return violation('a text frame: MQTT is binary', UNSUPPORTED)
    if (opcode > PONG || (opcode > BINARY && opcode < CONTROL))
      return violation(`a frame of unknown type ${hex(opcode)}`)
    if (opcode >= CONTROL) {
      if ((first & FIN) === 0) return violation(`a control frame ${hex(opcode)} in fragments`)
      return second > SHORT
        ? violation(`a control frame ${hex(opcode)} of more than 125 bytes`)
        : null
    }
    if (opcode === CONTINUATION && !this.#within) return violation('a continuation of no message')
    if (opcode === BINARY && this.#within)
      return violation('a new message inside one that has not ended')
    return null
  }

  /** "The minimal number of bytes MUST be used to encode the length" (section 5.2). */
  #longLength(second: number): Violation | null {
    const header = this.#header
    if (second === 126) this.#left = ((header[2] as number) << 8) | (header[3] as number)
    else {
      const view = new DataView(header.buffer)
      const high = view.getUint32(2)
      if (high > 0x7fffffff) return violation('a length with its first bit set')
      this.#left = high * 2 ** 32 + view.getUint32(6)
      if (this.#left > Number.MAX_SAFE_INTEGER)
        return violation('a frame of more than 2^53 bytes', TOO_BIG)
    }
    return this.#left < (second === 126 ? 126 : 0x10000)
      ? violation(`a length of ${this.#left} in more bytes than it needs`)
      : null
  }
}

/** The payload of a Close frame (section 5.5.1). */
export const closePayload = (code: number): Uint8Array => Uint8Array.of(code >>> 8, code & 255)

/** A code that may stand in a Close frame (sections 7.4.1 and 7.4.2). */
const mayBeSaid = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code < 5000)

const MEANING: Readonly<Record<number, string>> = {
  1000: 'normal closure',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'unsupported data',
  1007: 'invalid text',
  1008: 'policy violation',
  1009: 'message too big',
  1010: 'extension missing',
  1011: 'internal error',
  1012: 'service restart',
  1013: 'try again later',
  1014: 'bad gateway',
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** What a Close frame of the peer says. */
export interface SaidClose {
  /** Null when it says none. */
  readonly code: number | null
  readonly words: string
}

/** Reads the payload of a Close frame, or finds what is wrong with it (section 5.5.1). */
export const readClose = (payload: Uint8Array): SaidClose | Violation => {
  if (payload.length === 0) return { code: null, words: 'without a code' }
  const code = ((payload[0] as number) << 8) | (payload[1] ?? 0)
  if (payload.length === 1 || !mayBeSaid(code))
    return violation(
      payload.length === 1 ? 'a Close frame of one byte' : `a Close frame with the code ${code}`,
    )
  try {
    const reason = UTF8.decode(payload.subarray(2))
    const named = [String(code), MEANING[code]].filter((part) => part !== undefined).join(' ')
    return { code, words: reason === '' ? named : `${named}: ${reason}` }
  } catch {
    return violation('a Close frame whose reason is not UTF-8', INVALID_TEXT)
  }
}
