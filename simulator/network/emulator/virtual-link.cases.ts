/** A whole link in virtual time, for tests: packets are put in at given times, and what comes out is known by name. */
import { NEVER, type Nanoseconds } from '../../core/clock.ts'
import { CLEAR_LINK, type DirectionProfile, type LinkProfile } from '../../core/link-profile.ts'
import { PLAIN_TCP } from '../../core/tcp.ts'
import { SERVER_ADDRESS, deviceAddress, type LinkConfig } from '../link-protocol.ts'
import { UP, type DirectionIndex } from './channel.ts'
import { Emulator, type EmulatorAccount } from './emulator.ts'
import type { Traces } from './links.ts'
import { udpPacket } from './packet.cases.ts'
import { NONE, PacketPool } from './pool.ts'
import { shape } from './profile.cases.ts'

const SLOTS = 2048
const SIZE = 1504
/** Links of tests are used one after the other, so they have one memory. */
const SLAB = { address: 0, bytes: new Uint8Array(SLOTS * SIZE) }
/** IPv4 and UDP. */
export const HEADERS = 28
/** Where a packet carries its name: the identification field of IPv4. */
const NAME = 4

/** A packet that came out of the link. `name`: the how manieth it was that went in, from 0. */
export interface Exit {
  readonly name: number
  readonly direction: DirectionIndex
  readonly at: Nanoseconds
  readonly bytes: Uint8Array
}

export interface Setting extends Partial<LinkConfig> {
  readonly traces?: Traces
}

/** A link of which both directions are as asked for. */
export const bothWays = (
  changes: Partial<DirectionProfile>,
  more: Partial<LinkProfile> = {},
): LinkProfile => ({ ...CLEAR_LINK, up: shape(changes), down: shape(changes), ...more })

export class VirtualLink {
  readonly pool = new PacketPool(SLAB, SLOTS, SIZE)
  readonly emulator: Emulator
  readonly exits: Exit[] = []
  readonly #devices: number
  #sent = 0

  constructor(profile: LinkProfile, setting: Setting = {}) {
    const { traces, ...config } = setting
    const plain = { devices: 1, probes: 0, timeline: [], tcp: PLAIN_TCP, seed: 1, cpu: null }
    const whole: LinkConfig = { ...plain, canary: 'canary', ...config, profile }
    this.#devices = whole.devices
    this.emulator = new Emulator(whole, this.pool, traces)
  }

  /** A packet of `length` bytes (at least 28) comes to the link after all that is due by then has left it. Returns its name. */
  send(now: Nanoseconds, length: number, device = 0, direction: DirectionIndex = UP): number {
    this.run(now)
    return this.put(now, length, device, direction)
  }

  /** The same, while what is due still waits to be taken out. */
  put(now: Nanoseconds, length: number, device = 0, direction: DirectionIndex = UP): number {
    const name = this.#sent++
    const [source, destination] =
      direction === UP
        ? ([deviceAddress(device), SERVER_ADDRESS] as const)
        : ([SERVER_ADDRESS, deviceAddress(device)] as const)
    const packet = udpPacket({ source, destination, ports: [1, 2] }, 'x'.repeat(length - HEADERS))
    new DataView(packet.buffer).setUint16(NAME, name)
    const slot = this.pool.take()
    if (slot === NONE) throw new RangeError('the pool of the test is exhausted')
    this.pool.slab.bytes.set(packet, this.pool.offset(slot))
    this.emulator.arrive(direction, slot, length, now)
    return name
  }

  /** All that is due by `until` leaves the link at its time. */
  run(until: Nanoseconds = Number.MAX_VALUE): void {
    while (this.emulator.nextDue() <= until) {
      const at = this.emulator.nextDue()
      const slot = this.emulator.take()
      if (slot === NONE) continue
      const from = this.pool.offset(slot)
      const bytes = this.pool.slab.bytes.slice(from, from + (this.pool.length[slot] as number))
      const name = new DataView(bytes.buffer).getUint16(NAME)
      this.exits.push({ name, direction: this.emulator.takenDirection, at, bytes })
      this.emulator.handedOn(slot, at)
    }
  }

  /** When packets left the link, by name; NEVER: it is gone, or still inside. Of copies, the first. */
  times(): Nanoseconds[] {
    const times = Array.from({ length: this.#sent }, () => NEVER)
    for (const { name, at } of this.exits) times[name] = Math.min(at, times[name] as number)
    return times
  }

  account(): EmulatorAccount {
    const ready = new Float64Array(this.#devices)
    return this.emulator.account(ready, 0)
  }
}

/** When packets that go up arrive: each `[now, length, device]`. NEVER: dropped. */
export const arrivals = (
  changes: Partial<DirectionProfile>,
  packets: readonly (readonly [now: number, length: number, device?: number])[],
  setting: Setting = {},
): Nanoseconds[] => {
  const link = new VirtualLink(bothWays(changes), setting)
  for (const [now, length, device] of packets) link.send(now, length, device)
  link.run()
  return link.times()
}
