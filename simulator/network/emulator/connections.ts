/** Tells the connections of devices apart by the devices' own ports. */
import type { Nanoseconds } from '../../core/clock.ts'

const NONE = -1

export class Connections {
  /** Of each connection in order of its first packet: whose, and when that came. */
  readonly devices: number[] = []
  readonly bornAt: Nanoseconds[] = []
  /** Per device, the port of its last packet and the number of that connection. */
  readonly #port: Int32Array
  readonly #number: Int32Array
  readonly #others = new Map<number, number>()

  constructor(devices: number) {
    this.#port = new Int32Array(devices).fill(NONE)
    this.#number = new Int32Array(devices).fill(NONE)
  }

  /** The number of the connection to which the packet belongs. @param anew it is the first SYN of one, perhaps from an old port */
  of(device: number, port: number, anew: boolean, now: Nanoseconds): number {
    if (this.#port[device] === port && !anew) return this.#number[device] as number
    return this.#turnTo(device, port, anew, now)
  }

  #turnTo(device: number, port: number, anew: boolean, now: Nanoseconds): number {
    const key = (at: number): number => device * 65536 + at
    const current = this.#port[device] as number
    if (current !== NONE) this.#others.set(key(current), this.#number[device] as number)
    const known = anew ? undefined : this.#others.get(key(port))
    const number = known ?? this.bornAt.length
    if (known === undefined) {
      this.devices.push(device)
      this.bornAt.push(now)
    }
    this.#port[device] = port
    this.#number[device] = number
    return number
  }
}
