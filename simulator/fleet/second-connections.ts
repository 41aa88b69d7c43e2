/**
 * A second connection of each device, for its large messages alone: a device like the first, at the same address, whose
 * connects are none of the measured ones.
 */
import type { Nanoseconds } from '../core/clock.ts'
import type { Cause } from '../core/layer.ts'
import { Device } from './device.ts'
import type { FleetState } from './fleet-state.ts'
import type { Pile } from './pile.ts'
import type { Sender } from './sender.ts'

/** What they need of the fleet and of its reactor. */
export interface SecondHost {
  arm(device: Device): void
  disarm(device: Device): void
  open(device: Device): Pile
  ended(cause: Cause): void
}

export class SecondConnections implements FleetState {
  readonly sender: Sender
  readonly large = null
  readonly second = true
  readonly speaks = true
  readonly answering = null
  readonly #host: SecondHost
  readonly #devices: Device[]

  constructor(devices: number, sender: Sender, host: SecondHost) {
    this.sender = sender
    this.#host = host
    this.#devices = Array.from({ length: devices }, (_, index) => new Device(index, this))
  }

  /** The first connection of the device stands. */
  connect(index: number, now: Nanoseconds): void {
    const device = this.#devices[index] as Device
    device.connectNext(now)
    this.#host.arm(device)
  }

  /** Large messages of the device fall due from now on. */
  begin(index: number): void {
    const device = this.#devices[index] as Device
    device.begin(null)
    this.#host.arm(device)
  }

  close(now: Nanoseconds): void {
    for (const device of this.#devices) {
      device.close(now)
      this.#host.disarm(device)
    }
  }

  open(device: Device): Pile {
    return this.#host.open(device)
  }
  deviceEnded(cause: Cause): void {
    this.#host.ended(cause)
  }
  arrived(): number {
    return -1
  }
  deviceReady(): boolean {
    return false
  }
  firstAcknowledged(): void {}
  deviceLeft(): void {}
  connectDue(): void {}
  connectLeftOut(): void {}
  wantsConnect(): void {}
}
