/**
 * The earliest of many deadlines: an indexed binary min-heap (Williams 1964) in typed arrays. A moved deadline moves one
 * entry in O(log n); an unmoved one costs a comparison.
 */
import { NEVER, type Nanoseconds } from '../core/clock.ts'
import type { Timer } from './reactor.ts'

/** Timer.timerSlot of an owner without an entry, and of one that must not be asked again until it is armed. */
const NO_SLOT = -1
const DISARMED = -2

export class Deadlines {
  /** By slot: who owns it, when it is due, and where it stands in the heap. */
  #owners: (Timer | null)[] = []
  #due = new Float64Array(64)
  #place = new Int32Array(64)
  /** By place: the slot. */
  #heap = new Int32Array(64)
  #size = 0
  /** Slots given back. */
  readonly #free: number[] = []

  /** The earliest deadline, or NEVER. */
  next(): Nanoseconds {
    return this.#size === 0 ? NEVER : (this.#due[this.#heap[0] as number] as number)
  }

  /** Reads the owner's deadline, also of an owner that was disarmed. */
  arm(owner: Timer): void {
    this.admit(owner)
    this.touch(owner)
  }

  /** From now on `touch` asks the owner again, when it was disarmed: it owns something new. */
  admit(owner: Timer): void {
    if (owner.timerSlot === DISARMED) owner.timerSlot = NO_SLOT
  }

  /** Reads the owner's deadline, unless the owner was disarmed: after a call in which it may have been. */
  touch(owner: Timer): void {
    const slot = owner.timerSlot
    if (slot === DISARMED) return
    const due = owner.deadline()
    if (slot === NO_SLOT) {
      if (due !== NEVER) this.#insert(owner, due)
    } else if (due === NEVER) {
      this.#remove(slot)
      owner.timerSlot = NO_SLOT
    } else if (due !== this.#due[slot]) {
      const earlier = due < (this.#due[slot] as number)
      this.#due[slot] = due
      if (earlier) this.#rise(this.#place[slot] as number)
      else this.#sink(this.#place[slot] as number)
    }
  }

  /** Forgets the owner: it is not asked or called until it is armed again. */
  disarm(owner: Timer): void {
    if (owner.timerSlot >= 0) this.#remove(owner.timerSlot)
    owner.timerSlot = DISARMED
  }

  /** Expires the owner whose deadline is the earliest. Only when `next() <= now`. */
  expireNext(now: Nanoseconds): void {
    // It keeps its place meanwhile, because it will most often only move it.
    const owner = this.#owners[this.#heap[0] as number] as Timer
    owner.expire(now)
    this.touch(owner)
  }

  #insert(owner: Timer, due: Nanoseconds): void {
    const slot = this.#free.pop() ?? this.#owners.length
    if (slot === this.#due.length) this.#grow()
    this.#owners[slot] = owner
    owner.timerSlot = slot
    this.#due[slot] = due
    this.#put(slot, this.#size++)
    this.#rise(this.#size - 1)
  }

  #remove(slot: number): void {
    const place = this.#place[slot] as number
    const last = this.#heap[--this.#size] as number
    this.#owners[slot] = null
    this.#free.push(slot)
    if (last === slot) return
    this.#put(last, place)
    this.#rise(place)
    this.#sink(this.#place[last] as number)
  }

  #put(slot: number, place: number): void {
    this.#heap[place] = slot
    this.#place[slot] = place
  }

  #rise(place: number): void {
    const slot = this.#heap[place] as number
    const due = this.#due[slot] as number
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = this.#heap[parent] as number
      if ((this.#due[above] as number) <= due) break
      this.#put(above, place)
      place = parent
    }
    this.#put(slot, place)
  }

  #sink(place: number): void {
    const slot = this.#heap[place] as number
    const due = this.#due[slot] as number
    for (;;) {
      let child = 2 * place + 1
      if (child >= this.#size) break
      let below = this.#heap[child] as number
      if (child + 1 < this.#size) {
        const right = this.#heap[child + 1] as number
        if ((this.#due[right] as number) < (this.#due[below] as number)) {
          child++
          below = right
        }
      }
      if ((this.#due[below] as number) >= due) break
      this.#put(below, place)
      place = child
    }
    this.#put(slot, place)
  }

  #grow(): void {
    const capacity = this.#due.length * 2
    const due = new Float64Array(capacity)
    due.set(this.#due)
    this.#due = due
    const place = new Int32Array(capacity)
    place.set(this.#place)
    this.#place = place
    const heap = new Int32Array(capacity)
    heap.set(this.#heap)
    this.#heap = heap
  }
}
