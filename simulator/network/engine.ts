import { constants } from 'node:os'
import { MICROSECOND, NEVER, monotonic, type Nanoseconds } from '../core/clock.ts'
import { NativeMemory, errno, libc, systemError, writeTimespec } from '../native/libc.ts'
import { POLLFD_SIZE, POLLIN } from '../native/linux.ts'
import { DOWN, UP, type DirectionIndex } from './emulator/channel.ts'
import type { Emulator } from './emulator/emulator.ts'
import { NONE, type PacketPool } from './emulator/pool.ts'
import type { Pace } from './pace.ts'

const { EAGAIN, EINTR } = constants.errno

/** Packets read, or handed on, in one go: few enough that the others do not wait long. */
const BURST = 64
/**
 * Packet by packet, what is due within this time is due now: to sleep for less costs more processor time, and more
 * lateness, than the error that it would avoid.
 */
const GRAIN: Nanoseconds = 50 * MICROSECOND
/** Sleeps are cut short by as much as they proved too long, at most by this. */
const MOST_LEAD: Nanoseconds = 200 * MICROSECOND
const LEAD_GAIN = 1 / 16

/**
 * Carries packets between two TUN devices through the emulator: sleeps until a packet comes, one is due, or `input`
 * has something to read.
 */
export class Engine {
  /** Packets that came while every slot of the pool was in flight, and were dropped. */
  exhausted = 0
  readonly #emulator: Emulator
  readonly #pool: PacketPool
  readonly #pace: Pace
  /** What a direction reads from and writes to. */
  readonly #from: readonly [number, number]
  readonly #to: readonly [number, number]
  readonly #libc = libc()
  readonly #pollfds = new NativeMemory(3 * POLLFD_SIZE)
  readonly #timeout = new NativeMemory(16)
  /** Slots that go down, until those that go up have gone. */
  readonly #down = new Int32Array(BURST)
  /** Where the next packet is read to: always there, so that reading never waits for a slot. */
  #spare: number
  /** How much earlier than a packet is due a sleep is to end: a processor that idles takes its time to wake. */
  #lead: Nanoseconds = 0
  /** The last sleep ended because a packet is due. */
  #slept = false

  /** `pool.slab` must be native memory. */
  constructor(
    emulator: Emulator,
    pace: Pace,
    devicesTun: number,
    serverTun: number,
    input: number,
  ) {
    this.#emulator = emulator
    this.#pace = pace
    this.#pool = emulator.pool
    this.#from = [devicesTun, serverTun]
    this.#to = [serverTun, devicesTun]
    this.#spare = emulator.pool.take()
    for (const [i, fd] of [devicesTun, serverTun, input].entries()) {
      this.#pollfds.view.setInt32(i * POLLFD_SIZE, fd, true)
      this.#pollfds.view.setInt16(i * POLLFD_SIZE + 4, POLLIN, true)
    }
  }

  /** One round: waits, reads, hands on what is due. True when the input may have something to say, or has ended. */
  turn(): boolean {
    return this.#pace.clocked ? this.#look() : this.#attend()
  }

  /** Packet by packet. */
  #attend(): boolean {
    this.#pace.review(this.#handOn(GRAIN))
    if (!this.#wait()) return false
    const woken = monotonic()
    if (this.#readable(UP)) this.#read(UP, woken)
    if (this.#readable(DOWN)) this.#read(DOWN, woken)
    return this.#readable(2)
  }

  /** On the clock: whoever waits for the input is heard at the end of a spell. */
  #look(): boolean {
    const before = monotonic()
    this.#sleep(this.#pace.nextLook(before) - before)
    const now = monotonic()
    this.#read(UP, now)
    this.#read(DOWN, now)
    this.#handOn(this.#pace.period)
    return this.#pace.review(now)
  }

  #readable(index: number): boolean {
    return this.#pollfds.view.getInt16(index * POLLFD_SIZE + 6, true) !== 0
  }

  #wait(): boolean {
    const due = this.#emulator.nextDue()
    const left = due - this.#lead - monotonic()
    if (due !== NEVER) writeTimespec(this.#timeout, 0, Math.max(0, left))
    const timeout = due === NEVER ? 0 : this.#timeout.address
    const ready = this.#libc.ppoll(this.#pollfds.address, 3, timeout, 0)
    if (ready < 0 && errno() !== EINTR) throw systemError('ppoll on the link', errno())
    this.#slept = ready === 0 && (left > 0 || this.#slept)
    return ready > 0
  }

  #sleep(time: Nanoseconds): void {
    this.#slept = false
    writeTimespec(this.#timeout, 0, time)
    this.#libc.ppoll(this.#pollfds.address, 0, this.#timeout.address, 0)
  }

  /**
   * Hands on what is due within `ahead`. Packets for the devices go last: each wakes the fleet, which shares this
   * processor on small machines and would wait for the rest. Returns when it last looked at the clock.
   */
  #handOn(ahead: Nanoseconds): Nanoseconds {
    const emulator = this.#emulator
    let held = 0
    let now = 0
    for (let i = 0; i < BURST; i++) {
      now = monotonic()
      const due = emulator.nextDue()
      if (due > now + ahead) break
      if (this.#slept) this.#learn(now - due)
      const slot = emulator.take()
      if (slot === NONE) continue
      if (emulator.takenDirection === DOWN) this.#down[held++] = slot
      else this.#write(UP, slot, now)
    }
    for (let i = 0; i < held; i++) this.#write(DOWN, this.#down[i] as number, monotonic())
    return now
  }

  #write(direction: DirectionIndex, slot: number, now: Nanoseconds): void {
    const length = this.#pool.length[slot] as number
    const written = this.#libc.write(this.#to[direction], this.#address(slot), length)
    this.#pace.carried()
    if (written === length) this.#emulator.handedOn(slot, now)
    else this.#emulator.failed(slot)
  }

  #learn(late: Nanoseconds): void {
    this.#slept = false
    this.#lead = Math.min(MOST_LEAD, Math.max(0, this.#lead + late * LEAD_GAIN))
  }

  /**
   * All packets of a burst are stamped alike: most of them waited in the device's queue while the first was read, so
   * this is nearer to their true arrival than a stamp behind each read.
   */
  #read(direction: DirectionIndex, now: Nanoseconds): void {
    const fd = this.#from[direction]
    for (let i = 0; i < BURST; i++) {
      const length = this.#libc.read(fd, this.#address(this.#spare), this.#pool.size)
      if (length < 0) {
        if (errno() === EAGAIN || errno() === EINTR) return
        throw systemError('read from the TUN device of the link', errno())
      }
      this.#pace.carried()
      const next = this.#pool.take()
      if (next === NONE) this.exhausted++
      else {
        this.#emulator.arrive(direction, this.#spare, length, now)
        this.#spare = next
      }
    }
  }

  #address(slot: number): number {
    return this.#pool.slab.address + this.#pool.offset(slot)
  }
}
