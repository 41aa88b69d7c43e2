/** One value for each device, out of few: what a timeline changes for some devices while the link runs. 2 bytes per device. */
export class Variants<T> {
  readonly #values: T[]
  readonly #of: Uint16Array

  constructor(devices: number, value: T) {
    this.#values = [value]
    this.#of = new Uint16Array(devices)
  }

  /** All that any device ever had. */
  get values(): readonly T[] {
    return this.#values
  }

  of(device: number): T {
    return this.#values[this.#of[device] as number] as T
  }

  /** From now on, the devices from `first` up to, not including, `end` have this value. */
  change(first: number, end: number, value: T): void {
    const known = this.#values.indexOf(value)
    const index = known >= 0 ? known : this.#values.push(value) - 1
    this.#of.fill(index, first, end)
  }
}
