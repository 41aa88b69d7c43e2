import { NEVER, type Nanoseconds } from '../../core/clock.ts'
import { ThingbenchError } from '../../core/errors.ts'
import { peerKey } from '../../core/endpoint.ts'
import { deviceAddress, type LinkAccount, type LinkConfig } from '../link-protocol.ts'
import { Calendar } from './calendar.ts'
import { CanaryWatch } from './canary.ts'
import { Channel, DOWN, UP, type DirectionIndex } from './channel.ts'
import { channelDigest } from './digest.ts'
import { BEHIND, Direction, FIRST, LOST } from './direction.ts'
import { Lateness } from './lateness.ts'
import { WireLog } from './log.ts'
import { Headers, TCP } from './packet.ts'
import { NONE, type PacketPool } from './pool.ts'
import { TcpFlows } from './tcp-flows.ts'
import { CONNECT, RUN, Epochs } from './epochs.ts'
import { wireByPhase } from './wire.ts'

const FIRST_ADDRESS = peerKey({ host: deviceAddress(0), port: 0 }) / 65536

/** The measured window and what came of it: what an account needs beside the packets themselves. */
export interface AccountOrder {
  readonly ready: Float64Array
  readonly closing: Nanoseconds
}

/** What the emulator itself knows of a LinkAccount. */
export type EmulatorAccount = Omit<LinkAccount, 'clocked'>

/**
 * Both directions of all links, without I/O: packets are put in with the time of their arrival and taken out when they
 * are due. Whoever does the reading and writing is `engine.ts`, or a test in virtual time.
 */
export class Emulator {
  readonly pool: PacketPool
  readonly epochs = new Epochs()
  readonly lateness = new Lateness()
  /** Of the packet that `take` returned: the direction in which it goes on. */
  takenDirection: DirectionIndex = UP
  /** Packets that belong to no device and were put back. */
  strays = 0
  readonly #config: LinkConfig
  readonly #channels: [Channel, Channel][] = []
  readonly #directions: readonly [Direction, Direction]
  readonly #calendar: Calendar
  readonly #log = new WireLog()
  readonly #flows: TcpFlows
  readonly #canary: CanaryWatch
  readonly #headers = new Headers()
  #t0: Nanoseconds = NEVER
  #t1: Nanoseconds = NEVER
  #arrived = 0
  #delivered = 0
  #lost = 0
  #overflowed = 0
  #failed = 0

  constructor(config: LinkConfig, pool: PacketPool) {
    const { devices, probes, profile, seed } = config
    this.pool = pool
    this.#config = config
    const direction = (index: DirectionIndex): Direction => {
      const shape = index === UP ? profile.up : profile.down
      const channels: [Channel, Channel] = [
        new Channel(seed, index, CONNECT, devices, shape),
        new Channel(seed, index, RUN, devices, shape),
      ]
      this.#channels.push(channels)
      return new Direction(pool, shape, channels, this.epochs, devices, probes)
    }
    this.#directions = [direction(UP), direction(DOWN)]
    this.#calendar = new Calendar(2 * (devices + probes))
    this.#flows = new TcpFlows(devices)
    this.#canary = new CanaryWatch(config.canary, devices)
  }

  /** The plan of the cell: see LinkOrder. */
  plan(warmup: Nanoseconds, t0: Nanoseconds, t1: Nanoseconds): void {
    this.epochs.plan(warmup, t0)
    this.#t0 = t0
    this.#t1 = t1
  }

  /** A packet of `length` bytes lies in `slot` and came to the link at `now`. The slot is the emulator's from here on. */
  arrive(direction: DirectionIndex, slot: number, length: number, now: Nanoseconds): void {
    const { pool } = this
    const device = this.#deviceOf(direction, pool.offset(slot), length)
    if (device < 0) {
      this.strays++
      pool.give(slot)
      return
    }
    this.#arrived++
    pool.length[slot] = length
    pool.row[slot] = this.#note(device, direction, pool.offset(slot), now)
    const fate = this.#directions[direction].arrive(device, slot, now)
    if (fate === FIRST) this.#calendar.add(device * 2 + direction, pool.due[slot] as number)
    else if (fate !== BEHIND) {
      if (fate === LOST) this.#lost++
      else this.#overflowed++
      pool.give(slot)
    }
  }

  /** When the next packet is to be handed on, or NEVER. */
  nextDue(): Nanoseconds {
    return this.#calendar.next()
  }

  /** Takes out the packet that is due at `nextDue()`. Its slot goes back with `handedOn` or `failed`. */
  take(): number {
    const link = this.#calendar.first()
    const device = link >> 1
    this.takenDirection = (link & 1) as DirectionIndex
    const direction = this.#directions[this.takenDirection]
    const slot = direction.take(device)
    const next = direction.lines.head(device)
    if (next === NONE) this.#calendar.removeFirst()
    else this.#calendar.postpone(this.pool.due[next] as number)
    return slot
  }

  /** The packet that was taken left the link at `now`. */
  handedOn(slot: number, now: Nanoseconds): void {
    this.#delivered++
    this.lateness.add(now - (this.pool.due[slot] as number))
    const row = this.pool.row[slot] as number
    if (row !== NONE) this.#log.markDelivered(row)
    this.pool.give(slot)
  }

  /** The packet that was taken could not be handed on. */
  failed(slot: number): void {
    this.#failed++
    this.pool.give(slot)
  }

  /** Sums everything up. `outside`: drops that happened before packets came here. Throws TB_LINK_ACCOUNT when packets are missing. */
  account(order: AccountOrder, outside: number): EmulatorAccount {
    const { profile, devices } = this.#config
    const queued = this.#queued()
    const wire = wireByPhase(this.#log, {
      ...order,
      roundTrip: profile.up.delay + profile.down.delay,
      t0: this.#t0,
      t1: this.#t1,
    })
    return {
      wire,
      plaintextDevices: this.#canary.devices(),
      arrived: this.#arrived,
      delivered: this.#delivered,
      lost: this.#lost,
      overflowed: this.#overflowed,
      queued,
      unplannedDrops: outside + this.strays + this.#failed,
      latePackets: this.lateness.late,
      lateness: {
        p50: this.lateness.quantile(0.5),
        p99: this.lateness.quantile(0.99),
        max: this.lateness.max,
      },
      channelDigest: channelDigest(
        this.#channels.map((epochs) => epochs[RUN]),
        devices,
        this.#t1 === NEVER ? 0 : this.#t1 - this.#t0,
      ),
    }
  }

  /** Packets inside, counted one by one, after checking that none is missing. */
  #queued(): number {
    const queued = this.#directions[UP].lines.count() + this.#directions[DOWN].lines.count()
    const known = this.#delivered + this.#lost + this.#overflowed + this.#failed + queued
    if (known !== this.#arrived) {
      throw new ThingbenchError('TB_LINK_ACCOUNT', { arrived: this.#arrived, known })
    }
    return queued
  }

  /** The device whose link the packet takes, or -1. Leaves the headers read. */
  #deviceOf(direction: DirectionIndex, offset: number, length: number): number {
    const headers = this.#headers
    if (!headers.read(this.pool.slab.bytes, offset, length)) return -1
    const device = (direction === UP ? headers.source : headers.destination) - FIRST_ADDRESS
    return device < this.#config.devices + this.#config.probes ? device : -1
  }

  /** Logs the packet whose headers have been read, unless it is a probe's. Returns its row, or NONE. */
  #note(device: number, direction: DirectionIndex, offset: number, now: Nanoseconds): number {
    if (device >= this.#config.devices) return NONE
    const { ipHeader, transportHeader, payload, length, protocol } = this.#headers
    const start = offset + ipHeader + transportHeader
    if (payload > 0) this.#canary.watch(device, direction, this.pool.slab.bytes, start, payload)
    const again = protocol === TCP && this.#flows.retransmitted(device, direction, this.#headers)
    return this.#log.add(now, device, direction, length, ipHeader, transportHeader, again)
  }
}
