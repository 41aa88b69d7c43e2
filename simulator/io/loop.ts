/**
 * The loop under the epoll reactor: which descriptors are watched, who is told, deadlines, and failures that wait to be
 * told. A descriptor has a slot in tables of typed arrays. Readiness is level-triggered, so nothing is lost when less is
 * read than there is.
 */
import { constants } from 'node:os'
import { NEVER, monotonic, type Nanoseconds } from '../core/clock.ts'
import {
  NativeMemory,
  errno,
  libc,
  systemCall,
  systemError,
  writeTimespec,
} from '../native/libc.ts'
import * as linux from '../native/linux.ts'
import { Deadlines } from './deadlines.ts'

/** What is told of readiness. */
export interface Source {
  /** `events` are EPOLL* bits. */
  readiness(events: number): void
  /** The loop ends: give back what the source holds, and tell nobody. */
  abandon(): void
}

/** What could not be told at once, because it came inside a call from above. */
export interface Failing {
  failed(error: number): void
}

/** Few enough that a deadline does not wait long for sockets, nor a socket for deadlines. */
const EVENTS_PER_TURN = 64
const DEADLINES_PER_TURN = 64

const EVENTS = 64

export class Loop {
  readonly deadlines = new Deadlines()
  readonly #libc = libc()
  readonly #epoll: number
  /** struct timespec at 0, one struct epoll_event at 16, the events of a turn from 64 on. */
  readonly #memory = new NativeMemory(EVENTS + EVENTS_PER_TURN * linux.EPOLL_EVENT_SIZE)
  #hasPwait2 = true
  #running = false

  /** By slot. The generation tells events of an earlier user of the slot from those of the present one. */
  #sources: (Source | null)[] = []
  #fds = new Int32Array(64).fill(-1)
  #interests = new Uint32Array(64)
  #generations = new Uint32Array(64)
  readonly #free: number[] = []

  #failing: Failing[] = []
  #errors: number[] = []

  constructor() {
    this.#epoll = systemCall('epoll_create1', this.#libc.epoll_create1(linux.EPOLL_CLOEXEC))
  }

  /** Watches a descriptor for `interest` (EPOLLIN, EPOLLOUT) and returns its slot. */
  add(fd: number, source: Source, interest: number): number {
    const slot = this.#free.pop() ?? this.#sources.length
    if (slot === this.#fds.length) this.#grow()
    this.#sources[slot] = source
    this.#fds[slot] = fd
    this.#control(linux.EPOLL_CTL_ADD, slot, interest)
    return slot
  }

  setInterest(slot: number, interest: number): void {
    if (interest !== this.#interests[slot]) this.#control(linux.EPOLL_CTL_MOD, slot, interest)
  }

  /** Stops watching; the caller closes the descriptor. */
  remove(slot: number): void {
    this.#control(linux.EPOLL_CTL_DEL, slot, 0)
    this.#sources[slot] = null
    this.#fds[slot] = -1
    this.#generations[slot] = ((this.#generations[slot] as number) + 1) >>> 0
    this.#free.push(slot)
  }

  /** Has the failure told from the loop. */
  failLater(source: Failing, error: number): void {
    this.#failing.push(source)
    this.#errors.push(error)
  }

  run(): void {
    this.#running = true
    while (this.#running) {
      this.#tellFailures()
      this.#expire()
      if (!this.#running) break
      const count = this.#wait()
      for (let i = 0; i < count && this.#running; i++) this.#dispatch(i)
    }
  }

  stop(): void {
    this.#running = false
  }

  /** Has every source give back what it holds. */
  dispose(): void {
    for (const source of this.#sources) source?.abandon()
    this.#libc.close(this.#epoll)
  }

  #tellFailures(): void {
    if (this.#failing.length === 0) return
    const failing = this.#failing
    const errors = this.#errors
    this.#failing = []
    this.#errors = []
    for (const [i, source] of failing.entries()) source.failed(errors[i] as number)
  }

  #expire(): void {
    const { deadlines } = this
    for (let i = 0; i < DEADLINES_PER_TURN && this.#running; i++) {
      // Each is given its own instant: those before it took time.
      const now = monotonic()
      if (deadlines.next() > now) return
      deadlines.expireNext(now)
    }
  }

  /** Sleeps until something is ready or the next deadline; returns how many events there are. */
  #wait(): number {
    const due = this.#failing.length > 0 ? 0 : this.deadlines.next()
    const timeout = due === NEVER ? NEVER : Math.max(0, due - monotonic())
    const count = this.#hasPwait2 ? this.#waitExactly(timeout) : this.#waitRoughly(timeout)
    if (count >= 0) return count
    const error = errno()
    if (error === constants.errno.ENOSYS && this.#hasPwait2) this.#hasPwait2 = false
    else if (error !== constants.errno.EINTR) throw systemError('epoll_wait', error)
    return 0
  }

  #waitExactly(timeout: Nanoseconds): number {
    // A wait of nothing needs no struct timespec.
    if (timeout === 0) return this.#waitRoughly(0)
    const { address } = this.#memory
    if (timeout !== NEVER) writeTimespec(this.#memory, 0, timeout)
    const at = timeout === NEVER ? 0 : address
    return this.#libc.epoll_pwait2(this.#epoll, address + EVENTS, EVENTS_PER_TURN, at, 0)
  }

  #waitRoughly(timeout: Nanoseconds): number {
    const { address } = this.#memory
    const milliseconds = timeout === NEVER ? -1 : Math.min(Math.ceil(timeout / 1e6), 0x7fffffff)
    return this.#libc.epoll_wait(this.#epoll, address + EVENTS, EVENTS_PER_TURN, milliseconds)
  }

  #dispatch(i: number): void {
    const { view } = this.#memory
    const at = EVENTS + i * linux.EPOLL_EVENT_SIZE
    const slot = view.getUint32(at + linux.EPOLL_EVENT_DATA, true)
    const generation = view.getUint32(at + linux.EPOLL_EVENT_DATA + 4, true)
    if (generation !== this.#generations[slot]) return
    const source = this.#sources[slot] as Source
    source.readiness(view.getUint32(at, true))
  }

  #control(operation: number, slot: number, interest: number): void {
    const { address, view } = this.#memory
    this.#interests[slot] = interest
    view.setUint32(16, interest, true)
    view.setUint32(16 + linux.EPOLL_EVENT_DATA, slot, true)
    view.setUint32(16 + linux.EPOLL_EVENT_DATA + 4, this.#generations[slot] as number, true)
    const fd = this.#fds[slot] as number
    systemCall('epoll_ctl', this.#libc.epoll_ctl(this.#epoll, operation, fd, address + 16))
  }

  #grow(): void {
    const capacity = this.#fds.length * 2
    const fds = new Int32Array(capacity).fill(-1)
    fds.set(this.#fds)
    this.#fds = fds
    const interests = new Uint32Array(capacity)
    interests.set(this.#interests)
    this.#interests = interests
    const generations = new Uint32Array(capacity)
    generations.set(this.#generations)
    this.#generations = generations
  }
}
