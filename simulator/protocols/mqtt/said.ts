/** Which device and message each number stands for under which the consumer's messages are in flight. */
export class Said {
  readonly #devices: number[] = []
  readonly #sequences: number[] = []
  readonly #free: number[] = []

  /** A number for the message, as small as possible. */
  put(device: number, sequence: number): number {
    const number = this.#free.pop() ?? this.#devices.length
    this.#devices[number] = device
    this.#sequences[number] = sequence
    return number
  }

  device(number: number): number {
    return this.#devices[number] as number
  }

  sequence(number: number): number {
    return this.#sequences[number] as number
  }

  release(number: number): void {
    this.#free.push(number)
  }
}
