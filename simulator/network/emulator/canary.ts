import type { DirectionIndex } from './channel.ts'

/** Packets with payload that are searched, per device and direction. */
const SEARCHED = 20

/** Bytes of WebSocket's masking key, which are laid over a payload again and again (RFC 6455 section 5.3). */
const KEY = 4

/**
 * Whether `canary` stands in `text` under a mask whose key stands before it. Such a mask hides nothing: who sees the frame
 * sees the key. Four bytes after each other must give the same key twice, and that key, from whichever of its bytes on, must
 * be there: not by chance.
 */
const holdsMasked = (text: Buffer, canary: Buffer): boolean => {
  if (canary.length < 2 * KEY) return false
  for (let at = KEY; at + canary.length <= text.length; at++) {
    let i = KEY
    while (i < canary.length && masks(text, canary, at, i) === masks(text, canary, at, i - KEY)) i++
    if (i < canary.length) continue
    const twice = Buffer.alloc(2 * KEY - 1)
    for (let j = 0; j < twice.length; j++) twice[j] = masks(text, canary, at, j % KEY)
    const before = text.subarray(0, at)
    for (let turn = 0; turn < KEY; turn++)
      if (before.includes(twice.subarray(turn, turn + KEY))) return true
  }
  return false
}

/** The byte of the mask under which byte `i` of the canary would stand there. */
const masks = (text: Buffer, canary: Buffer, at: number, i: number): number =>
  (text[at + i] as number) ^ (canary[i] as number)

/** Looks for what payloads are filled with: found, it is plaintext on the wire. */
export class CanaryWatch {
  readonly #canary: Buffer
  readonly #searched: readonly [Uint8Array, Uint8Array]
  readonly #found: Uint8Array

  constructor(canary: string, devices: number) {
    this.#canary = Buffer.from(canary)
    this.#searched = [new Uint8Array(devices), new Uint8Array(devices)]
    this.#found = new Uint8Array(devices)
  }

  /** `payload` bytes at `offset` crossed the link. */
  watch(
    device: number,
    direction: DirectionIndex,
    bytes: Uint8Array,
    offset: number,
    payload: number,
  ): void {
    const searched = this.#searched[direction]
    const count = searched[device] as number
    if (count >= SEARCHED || payload < this.#canary.length || this.#canary.length === 0) return
    searched[device] = count + 1
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + offset, payload)
    if (text.includes(this.#canary) || holdsMasked(text, this.#canary)) this.#found[device] = 1
  }

  /** Devices whose payload was readable. */
  devices(): number {
    return this.#found.reduce((sum, found) => sum + found, 0)
  }
}
