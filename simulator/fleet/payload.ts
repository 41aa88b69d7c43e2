/**
 * The application payload: exactly N printable bytes of the base64url alphabet (RFC 4648 section 5), N >= 8, the same in every
 * protocol. The first 8 are the message number in fixed width; the rest is a canary that the link looks for: a payload seen
 * there is plaintext on the wire.
 */
export const SEQUENCE_WIDTH = 8
/** Characters of the canary: 48 random bits, which do not turn up by chance. */
export const CANARY_WIDTH = 8

/** Whether payloads of this size show the whole canary. */
export const holdsCanary = (size: number): boolean => size >= SEQUENCE_WIDTH + CANARY_WIDTH

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const DIGIT = Uint8Array.from(ALPHABET, (c) => c.charCodeAt(0))
const VALUE = new Int16Array(256).fill(-1)
DIGIT.forEach((byte, value) => (VALUE[byte] = value))

/** One payload buffer, used for every message of a worker: only the number changes. */
export class Payload {
  readonly bytes: Uint8Array

  /** @param size bytes, at least 8 @param canary ASCII of the base64url alphabet, repeated to fill */
  constructor(size: number, canary: string) {
    this.bytes = new Uint8Array(size)
    for (let i = SEQUENCE_WIDTH; i < size; i++)
      this.bytes[i] = canary.charCodeAt((i - SEQUENCE_WIDTH) % canary.length)
  }

  /** The payload of message `sequence`; valid until the next call. */
  with(sequence: number): Uint8Array {
    let rest = sequence
    for (let i = SEQUENCE_WIDTH - 1; i >= 0; i--) {
      this.bytes[i] = DIGIT[rest % 64] as number
      rest = Math.floor(rest / 64)
    }
    return this.bytes
  }
}

/** The message number at the front of a payload, or -1 where there is none. */
export const sequenceOf = (payload: Uint8Array): number => {
  if (payload.length < SEQUENCE_WIDTH) return -1
  let sequence = 0
  for (let i = 0; i < SEQUENCE_WIDTH; i++) {
    const value = VALUE[payload[i] as number] as number
    if (value < 0) return -1
    sequence = sequence * 64 + value
  }
  return sequence
}
