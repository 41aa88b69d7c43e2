/**
 * What happens to links while a cell runs. Nothing wakes the link for it: before each packet that comes, everything that
 * is due by then is carried out, as of its own time. A packet meets what holds when it comes to the link.
 */
import { NEVER, type Nanoseconds } from '../../core/clock.ts'
import type { ChangeableValues, TimelineEvent } from '../../core/link-profile.ts'
import { devicesOf, edgesOf, type Edge } from '../../core/timeline.ts'
import { DOWN, UP, type DirectionIndex } from './channel.ts'
import type { Nat } from './nat.ts'

/** One direction of all links. */
export interface Changeable {
  /** From `at` on, the links from `first` up to, not including, `end` have `values`, and the profile's for what is not named. */
  change(first: number, end: number, values: ChangeableValues, at: Nanoseconds): void
}

export interface Affected {
  /** Null where no device is behind one. */
  readonly nat: Nat | null
  readonly directions: readonly [Changeable, Changeable]
  /** The first flights of the first `devices` devices come to the link once more. */
  replay(devices: number, at: Nanoseconds): void
}

export class Happenings {
  readonly #devices: number
  readonly #affected: Affected
  readonly #edges: readonly Edge[]
  /** Between these numbers of devices, all devices meet the same changes. */
  readonly #borders: readonly number[]
  readonly #holds = new Set<TimelineEvent>()
  readonly #dark: [number, number] = [0, 0]
  /** Of each device: packets of each direction that are still to be lost. */
  readonly #dropping: readonly [Uint16Array, Uint16Array]
  /** Of each direction: the size from which on a packet is lost then. */
  readonly #least: [number, number] = [0, 0]
  #t0: Nanoseconds = NEVER
  #passed = 0
  #next: Nanoseconds = NEVER

  constructor(timeline: readonly TimelineEvent[], devices: number, affected: Affected) {
    this.#devices = devices
    this.#affected = affected
    this.#dropping = [new Uint16Array(devices), new Uint16Array(devices)]
    this.#edges = edgesOf(timeline)
    const changes = timeline.filter((event) => event.kind === 'change')
    const borders = changes.map((event) => devicesOf(event, devices))
    this.#borders = [...new Set(borders)].toSorted((a, b) => a - b)
  }

  /** Times of the timeline count from `t0`. */
  plan(t0: Nanoseconds): void {
    this.#t0 = t0
    this.#next = t0 + (this.#edges[0]?.at ?? NEVER)
  }

  /** Carries out what is due by `now`. */
  advance(now: Nanoseconds): void {
    while (this.#next <= now) {
      const edge = this.#edges[this.#passed++] as Edge
      this.#pass(edge, this.#next)
      this.#next = this.#t0 + (this.#edges[this.#passed]?.at ?? NEVER)
    }
  }

  /** Whether a packet of `length` bytes that comes now is lost: in a blackout, or because the next that carries something is to be. */
  loses(device: number, direction: DirectionIndex, carries: boolean, length: number): boolean {
    if (device < this.#dark[direction]) return true
    const dropping = this.#dropping[direction]
    const left = dropping[device] as number
    if (left === 0 || !carries || length < this.#least[direction]) return false
    dropping[device] = left - 1
    return true
  }

  #pass({ event, begins }: Edge, at: Nanoseconds): void {
    if (event.kind === 'rebind') {
      this.#affected.nat?.rebind(devicesOf(event, this.#devices), event.policy, event.to)
      return
    }
    if (event.kind === 'replay') {
      this.#affected.replay(devicesOf(event, this.#devices), at)
      return
    }
    if (event.kind === 'drop') {
      const devices = devicesOf(event, this.#devices)
      for (const [direction, name] of [
        [UP, 'up'],
        [DOWN, 'down'],
      ] as const)
        if (event.direction === name || event.direction === 'both') {
          this.#dropping[direction].fill(event.packets, 0, devices)
          this.#least[direction] = event.least
        }
      return
    }
    if (begins) this.#holds.add(event)
    else this.#holds.delete(event)
    if (event.kind === 'blackout') this.#darken()
    else this.#change(at)
  }

  /** All blackouts meet the first devices, so the largest that holds covers the others. */
  #darken(): void {
    this.#dark.fill(0)
    for (const event of this.#holds) {
      if (event.kind !== 'blackout') continue
      const devices = devicesOf(event, this.#devices)
      if (event.direction !== 'down') this.#dark[UP] = Math.max(this.#dark[UP], devices)
      if (event.direction !== 'up') this.#dark[DOWN] = Math.max(this.#dark[DOWN], devices)
    }
  }

  /** Where several changes name the same value, the one that began last counts. */
  #change(at: Nanoseconds): void {
    let first = 0
    for (const end of this.#borders) {
      const up: ChangeableValues = {}
      const down: ChangeableValues = {}
      for (const event of this.#holds) {
        if (event.kind !== 'change' || devicesOf(event, this.#devices) < end) continue
        Object.assign(up, event.up)
        Object.assign(down, event.down)
      }
      this.#affected.directions[UP].change(first, end, up, at)
      this.#affected.directions[DOWN].change(first, end, down, at)
      first = end
    }
  }
}
