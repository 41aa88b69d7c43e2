import type { Nanoseconds } from '../../core/clock.ts'
import type { Calendar } from './calendar.ts'
import { NONE, type PacketPool } from './pool.ts'

/**
 * Packets that wait for the time at which they are due: one linked list over the pool for each line, sorted by that time,
 * and for each line that is not empty one entry in a calendar, which may hold the lines of others too.
 */
export class Lines {
  readonly count: number
  readonly #pool: PacketPool
  readonly #calendar: Calendar
  readonly #first: number
  readonly #head: Int32Array
  readonly #tail: Int32Array

  /** Line i is `first + 2 * i` in the calendar: the lines of two directions have places side by side. */
  constructor(pool: PacketPool, calendar: Calendar, count: number, first: number) {
    this.count = count
    this.#pool = pool
    this.#calendar = calendar
    this.#first = first
    this.#head = new Int32Array(count).fill(NONE)
    this.#tail = new Int32Array(count).fill(NONE)
  }

  /** The packet is due at `due`: behind all that are due no later. */
  enter(line: number, slot: number, due: Nanoseconds): void {
    const { due: dues, next } = this.#pool
    dues[slot] = due
    const tail = this.#tail[line] as number
    if (tail !== NONE && (dues[tail] as number) > due) return this.#overtake(line, slot, due)
    this.#tail[line] = slot
    if (tail !== NONE) next[tail] = slot
    else {
      this.#head[line] = slot
      this.#calendar.add(this.#first + 2 * line, due, this.#pool.order[slot] as number)
    }
  }

  head(line: number): number {
    return this.#head[line] as number
  }

  /** When the last of the line is due, or 0. */
  latest(line: number): Nanoseconds {
    const tail = this.#tail[line] as number
    return tail === NONE ? 0 : (this.#pool.due[tail] as number)
  }

  /** Takes the head of the line, which is the first of the calendar, away and returns it. */
  leave(line: number): number {
    const { due, next, order } = this.#pool
    const slot = this.#head[line] as number
    const following = next[slot] as number
    this.#head[line] = following
    next[slot] = NONE
    if (following === NONE) {
      this.#tail[line] = NONE
      this.#calendar.removeFirst()
    } else this.#calendar.postpone(due[following] as number, order[following] as number)
    return slot
  }

  /** The head of the line, which is the first of the calendar, stays until `due`; those behind it may be due before. */
  detain(line: number, due: Nanoseconds): void {
    const head = this.#head[line] as number
    this.#pool.due[head] = due
    this.#calendar.postpone(due, this.#pool.order[head] as number)
  }

  /** Packets of all lines, counted one by one: for checks, not for the path of a packet. */
  packets(): number {
    let count = 0
    for (let slot of this.#head)
      for (; slot !== NONE; slot = this.#pool.next[slot] as number) count++
    return count
  }

  /** Before at least the tail. */
  #overtake(line: number, slot: number, due: Nanoseconds): void {
    const { due: dues, next } = this.#pool
    let before = NONE
    let behind = this.#head[line] as number
    while ((dues[behind] as number) <= due) {
      before = behind
      behind = next[behind] as number
    }
    next[slot] = behind
    if (before === NONE) {
      this.#head[line] = slot
      this.#calendar.advance(this.#first + 2 * line, due, this.#pool.order[slot] as number)
    } else next[before] = slot
  }
}
