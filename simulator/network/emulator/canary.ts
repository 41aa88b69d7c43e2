import type { DirectionIndex } from './channel.ts'

/** Packets with payload that are searched, per device and direction. */
const SEARCHED = 20

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
    if (text.includes(this.#canary)) this.#found[device] = 1
  }

  /** Devices whose payload was readable. */
  devices(): number {
    return this.#found.reduce((sum, found) => sum + found, 0)
  }
}
