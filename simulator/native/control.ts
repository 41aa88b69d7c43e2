/**
 * Child processes of a run that never return to Node's event loop: how they speak with the runner, and how they stay
 * tied to it, to a processor and to a network namespace.
 */
import { readdirSync } from 'node:fs'
import { constants } from 'node:os'
import type { Nanoseconds } from '../core/clock.ts'
import { NativeMemory, errno, libc, systemCall, systemError } from './libc.ts'
import * as linux from './linux.ts'

const { EAGAIN, EINTR, ESRCH, ETIMEDOUT } = constants.errno
const CHUNK = 65536
const NEWLINE = 10
/** A runner that does not read for so long is not coming back. */
const SEND_PATIENCE_MS = 60_000

const makeNonBlocking = (fd: number): void => {
  const flags = systemCall(`fcntl F_GETFL of descriptor ${fd}`, libc().fcntl(fd, linux.F_GETFL, 0))
  const wanted = flags | linux.O_NONBLOCK
  systemCall(`fcntl F_SETFL of descriptor ${fd}`, libc().fcntl(fd, linux.F_SETFL, wanted))
}

/** One JSON value per line in both directions: orders come on `input`, events leave on `output`. Both must be pipes or sockets. */
export class ControlChannel {
  /** To be watched by the process's own loop (POLLIN): then `orders` has something to say. */
  readonly input: number
  /** The runner is gone: no order will come, and events go nowhere. */
  closed = false
  readonly #output: number
  readonly #libc = libc()
  readonly #received = new NativeMemory(CHUNK)
  readonly #sending = new NativeMemory(CHUNK)
  /** The same bytes. */
  readonly #text = Buffer.from(this.#sending.bytes.buffer)
  readonly #pollfd = new NativeMemory(linux.POLLFD_SIZE)
  /** Pieces of a line that has not ended yet. */
  #pieces: Buffer[] = []

  constructor(input = 0, output = 1) {
    this.input = input
    this.#output = output
    makeNonBlocking(input)
    makeNonBlocking(output)
  }

  /** The orders that have arrived in full since the last call; does not wait. Throws SyntaxError on a line that is not JSON. */
  orders(): unknown[] {
    const orders: unknown[] = []
    while (!this.closed) {
      const length = this.#libc.read(this.input, this.#received.address, CHUNK)
      if (length > 0) this.#split(this.#received.bytes.subarray(0, length), orders)
      else if (length < 0 && errno() === EAGAIN) break
      else if (length === 0 || errno() !== EINTR) this.closed = true
    }
    return orders
  }

  /** The next orders, waiting for them; none when the runner is gone. */
  awaitOrders(): unknown[] {
    this.#pollfd.view.setInt32(0, this.input, true)
    this.#pollfd.view.setInt16(4, linux.POLLIN, true)
    while (!this.closed) {
      const orders = this.orders()
      if (orders.length > 0) return orders
      this.#libc.poll(this.#pollfd.address, 1, -1)
    }
    return []
  }

  /** Writes the event in full, waiting for the runner to read where the pipe is full; nothing when the runner is gone. */
  send(event: unknown): void {
    const line = `${JSON.stringify(event)}\n`
    // A character of a string is at most three bytes of UTF-8. What fits is written where it is sent from: a third of the time.
    if (3 * line.length <= CHUNK) return this.#send(this.#text.write(line))
    const bytes = Buffer.from(line)
    for (let at = 0; at < bytes.length; at += CHUNK) this.#send(bytes.copy(this.#text, 0, at))
  }

  /** Sends so many bytes of `#sending`. */
  #send(length: number): void {
    let sent = 0
    while (sent < length && !this.closed) {
      const from = this.#sending.address + sent
      const written = this.#libc.write(this.#output, from, length - sent)
      if (written >= 0) sent += written
      else if (errno() === EAGAIN) this.#waitForRoom()
      else if (errno() !== EINTR) this.closed = true
    }
  }

  #split(bytes: Uint8Array, orders: unknown[]): void {
    let start = 0
    for (;;) {
      const end = bytes.indexOf(NEWLINE, start)
      // A copy: the next read overwrites these bytes.
      this.#pieces.push(Buffer.from(bytes.subarray(start, end < 0 ? bytes.length : end)))
      if (end < 0) return
      const line = Buffer.concat(this.#pieces).toString()
      this.#pieces = []
      start = end + 1
      if (line !== '') orders.push(JSON.parse(line))
    }
  }

  #waitForRoom(): void {
    this.#pollfd.view.setInt32(0, this.#output, true)
    this.#pollfd.view.setInt32(4, linux.POLLOUT, true)
    const ready = this.#libc.poll(this.#pollfd.address, 1, SEND_PATIENCE_MS)
    if (ready === 0) throw systemError('write of an event to the runner', ETIMEDOUT)
  }
}

export interface Placement {
  /** The processor to stay on; null: anywhere. */
  readonly cpu: number | null
  /** How late the kernel may wake a sleeper to save power; its default is 50 us, the least is 1 ns. */
  readonly timerSlack: Nanoseconds
}

/** Keeps a thread on one processor, and all that it starts from then on; 0 is the calling thread. */
export const pin = (thread: number, cpu: number): void => {
  const mask = new NativeMemory(128)
  mask.bytes[cpu >> 3] = 1 << (cpu & 7)
  const pinned = libc().sched_setaffinity(thread, mask.bytes.length, mask.address)
  // A helper thread that was listed may have ended since.
  if (pinned < 0 && thread !== 0 && errno() === ESRCH) return
  systemCall(
    `sched_setaffinity to processor ${cpu}`,
    pinned,
    'Name a processor that this process may use (nproc, taskset -p $$).',
  )
}

/** Places the calling thread alone. */
export const placeThread = (placement: Placement): void => {
  if (placement.cpu !== null) pin(0, placement.cpu)
  systemCall(
    'prctl PR_SET_TIMERSLACK',
    libc().prctl(linux.PR_SET_TIMERSLACK, placement.timerSlack, 0, 0, 0),
  )
}

/** The other end of standard input has been closed. */
const parentIsGone = (): boolean => {
  const pollfd = new NativeMemory(linux.POLLFD_SIZE)
  pollfd.view.setInt32(0, 0, true)
  libc().poll(pollfd.address, 1, 0)
  return (pollfd.view.getInt16(6, true) & linux.POLLHUP) !== 0
}

/**
 * Ties this process to the thread that started it: the kernel kills it when that thread ends, however it ends. Then
 * places it with all threads that it has (V8's helpers too: one of them on another processor would disturb what is measured there).
 * Call it first, on the main thread.
 */
export const becomeChild = (placement: Placement): void => {
  systemCall(
    'prctl PR_SET_PDEATHSIG',
    libc().prctl(linux.PR_SET_PDEATHSIG, constants.signals.SIGKILL, 0, 0, 0),
  )
  // The signal does not come for a parent that died before it was asked for.
  if (parentIsGone()) process.exit(1)
  placeThread(placement)
  const { cpu } = placement
  if (cpu !== null) for (const thread of readdirSync('/proc/self/task')) pin(Number(thread), cpu)
}

/**
 * Moves the calling thread, and what it starts afterwards, into a network namespace given as a file (/run/netns/NAME,
 * /proc/PID/ns/net). Threads that run already stay where they are.
 */
export const enterNamespace = (path: string): void => {
  const advice = 'It needs CAP_SYS_ADMIN in the user namespace that owns the network namespace.'
  const flags = linux.O_RDONLY | linux.O_CLOEXEC
  const fd = systemCall(`open ${path}`, libc().open(path, flags, 0), advice)
  const entered = libc().setns(fd, linux.CLONE_NEWNET)
  const why = errno()
  libc().close(fd)
  if (entered < 0) throw systemError(`setns to ${path}`, why, advice)
}
