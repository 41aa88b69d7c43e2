/** One TCP connection: the lowest Lower of a stream pile. */
import { constants } from 'node:os'
import { NEVER, SECOND, monotonic, type Nanoseconds } from '../core/clock.ts'
import type { Cause, Traffic, Upper } from '../core/layer.ts'
import type { TcpRecord } from '../core/tcp.ts'
import { errno, systemError } from '../native/libc.ts'
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, IPPROTO_TCP, TCP_REPAIR } from '../native/linux.ts'
import { PEER_CLOSED, causeOf } from './causes.ts'
import type { Failing, Loop, Source } from './loop.ts'
import type { Port, Timer } from './reactor.ts'
import type { Sockets } from './sockets.ts'
import { foundTcp } from './tcp-options.ts'

const { EAGAIN } = constants.errno

/** Reads of one socket in one turn at most: the others wait meanwhile. */
const READS_PER_TURN = 4
/** After our close, a peer that neither reads nor closes for so long is left to the kernel. */
const LINGER = 30 * SECOND

/** SYN sent; open; our close was asked for, and bytes or the peer's FIN are outstanding; over. */
const CONNECTING = 0
const OPEN = 1
const CLOSING = 2
const CLOSED = 3

export class StreamPort implements Port, Source, Failing, Timer {
  readonly traffic: Traffic
  timerSlot = -1
  readonly #loop: Loop
  readonly #sockets: Sockets
  readonly #above: Upper
  readonly #owner: Timer
  #fd: number
  #slot = -1
  #state = CONNECTING
  /** What was taken from above and the kernel has not taken yet. */
  #remainder: Uint8Array | null = null
  /** `fromAbove` was refused: `ready` is owed. */
  #refused = false
  #paused = false
  /** Of a send that failed: the kernel says it once, and then gives FIN for what was none. */
  #error = 0
  #lingerUntil: Nanoseconds = NEVER
  readonly #record: TcpRecord | null

  /** `fd` is a socket with a connection under way, or minus the error that opening it gave. */
  constructor(
    loop: Loop,
    sockets: Sockets,
    fd: number,
    above: Upper,
    owner: Timer,
    traffic: Traffic,
    record: TcpRecord | null = null,
  ) {
    this.#loop = loop
    this.#sockets = sockets
    this.#above = above
    this.#owner = owner
    this.#fd = fd
    this.#record = record
    this.traffic = traffic
    above.below = this
    if (fd < 0) loop.failLater(this, -fd)
    else this.#slot = loop.add(fd, this, EPOLLOUT)
  }

  /** The connection stands: at once for one that was accepted. */
  establish(now: Nanoseconds): void {
    this.#state = OPEN
    this.#watch()
    this.#above.open(now)
    this.#loop.deadlines.touch(this.#owner)
  }

  fromAbove(bytes: Uint8Array): boolean {
    if (this.#state !== OPEN) return false
    if (this.#remainder !== null) {
      this.#refused = true
      return false
    }
    let sent = 0
    while (sent < bytes.length) {
      const result = this.#sockets.send(this.#fd, bytes, sent)
      if (result >= 0) sent += result
      else if (result === -EAGAIN) break
      else {
        this.#error = -result
        this.#loop.failLater(this, -result)
        sent = bytes.length
      }
    }
    if (sent < bytes.length && !this.#keep(bytes, sent)) return false
    this.traffic.sentBytes += bytes.length
    this.traffic.sentCalls++
    return true
  }

  /** FIN follows the bytes that were taken. What the peer still sends is read and dropped: unread bytes would turn FIN into RST. */
  close(): void {
    if (this.#state === CONNECTING) this.#release()
    if (this.#state !== OPEN) return
    this.#state = CLOSING
    this.resume()
    if (this.#remainder === null) this.#sockets.finish(this.#fd)
    this.#linger()
  }

  /** The kernel reads on until its buffer is full. The peer's FIN waits behind what it sent; its RST does not. */
  pause(): void {
    if (this.#paused || this.#state !== OPEN) return
    this.#paused = true
    this.#watch()
  }

  resume(): void {
    if (!this.#paused || this.#state === CLOSED) return
    this.#paused = false
    this.#watch()
  }

  /**
   * A socket in repair mode is closed without FIN or RST (tcp_disconnect in net/ipv4/tcp.c); a SYN is not followed by anything anyway.
   * @throws TB_SYSTEM_CALL without CAP_NET_ADMIN in the network namespace
   */
  vanish(): void {
    if (this.#state === OPEN) {
      if (this.#sockets.option(this.#fd, IPPROTO_TCP, TCP_REPAIR, 1) < 0)
        throw systemError('setsockopt of TCP_REPAIR', errno())
    }
    this.#release()
  }

  readiness(events: number): void {
    if (this.#state === CONNECTING) {
      this.#connected(events)
      return
    }
    if ((events & EPOLLOUT) !== 0) this.#flush()
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) === 0) return
    if (this.#state === OPEN) this.#read()
    else if (this.#state === CLOSING) this.#discard()
  }

  failed(error: number): void {
    if (this.#state === OPEN) this.#drain()
    if (this.#state === CLOSED) return
    const attempted = this.#state === CONNECTING ? 'connect' : 'connection'
    if (this.#state === CLOSING) this.#release()
    else this.#end(causeOf(error, attempted), monotonic())
  }

  abandon(): void {
    this.#release()
  }

  deadline(): Nanoseconds {
    return this.#lingerUntil
  }

  expire(): void {
    this.#release()
  }

  #connected(events: number): void {
    const failed = (events & (EPOLLERR | EPOLLHUP)) !== 0
    const error = failed ? this.#sockets.pendingError(this.#fd) : 0
    if (error !== 0) {
      this.failed(error)
      return
    }
    // Before the first byte: then the congestion window is the initial one.
    if (this.#record !== null) this.#record.found ??= foundTcp(this.#sockets, this.#fd)
    this.establish(monotonic())
  }

  #read(): void {
    for (let reads = 0; reads < READS_PER_TURN; reads++) {
      const length = this.#sockets.receive(this.#fd)
      const now = monotonic()
      if (length > 0) {
        this.#deliver(length, now)
        if (this.#state !== OPEN || this.#paused || !this.#sockets.filled(length)) return
      } else {
        const error = length === 0 ? this.#error : -length
        if (error === 0) this.#end(PEER_CLOSED, now)
        else if (error !== EAGAIN) this.#end(causeOf(error, 'connection'), now)
        return
      }
    }
  }

  /** What the peer said before it reset the connection may tell why: a TLS alert, a DISCONNECT. */
  #drain(): void {
    for (let reads = 0; reads < READS_PER_TURN && this.#state === OPEN; reads++) {
      const length = this.#sockets.receive(this.#fd)
      if (length <= 0) return
      this.#deliver(length, monotonic())
    }
  }

  #deliver(length: number, now: Nanoseconds): void {
    this.traffic.receivedBytes += length
    this.traffic.receivedCalls++
    this.#above.fromBelow(this.#sockets.received(length), now)
    this.#loop.deadlines.touch(this.#owner)
  }

  #discard(): void {
    const length = this.#sockets.receive(this.#fd)
    if (length > 0 || length === -EAGAIN) return
    // The peer's FIN before our last bytes are out is half a close: they still go.
    if (length === 0 && this.#remainder !== null) this.#loop.setInterest(this.#slot, EPOLLOUT)
    else this.#release()
  }

  /** Sends what was kept back; then what is owed: FIN, or `ready`. */
  #flush(): void {
    let rest = this.#remainder
    while (rest !== null) {
      const sent = this.#sockets.send(this.#fd, rest, 0)
      if (sent === -EAGAIN) break
      if (sent < 0) {
        this.failed(-sent)
        return
      }
      rest = sent === rest.length ? null : rest.subarray(sent)
    }
    this.#remainder = rest
    if (this.#state === CLOSING) this.#linger()
    if (rest !== null) return
    const owed = this.#refused
    this.#refused = false
    this.#watch()
    if (this.#state === CLOSING) this.#sockets.finish(this.#fd)
    else if (owed) {
      this.#above.ready(monotonic())
      this.#loop.deadlines.touch(this.#owner)
    }
  }

  #watch(): void {
    const full = this.#remainder !== null || this.#refused
    this.#loop.setInterest(this.#slot, (this.#paused ? 0 : EPOLLIN) | (full ? EPOLLOUT : 0))
  }

  /** The kernel is full: keeps what is left of bytes begun (true), or refuses bytes of which it took nothing. */
  #keep(bytes: Uint8Array, sent: number): boolean {
    // Not `bytes.slice`, which does not copy when the bytes are a Buffer.
    if (sent > 0) this.#remainder = new Uint8Array(bytes.subarray(sent))
    else this.#refused = true
    this.#watch()
    return sent > 0
  }

  #linger(): void {
    this.#lingerUntil = monotonic() + LINGER
    this.#loop.deadlines.arm(this)
  }

  #end(cause: Cause, now: Nanoseconds): void {
    this.#release()
    this.#above.closed(cause, now)
    this.#loop.deadlines.touch(this.#owner)
  }

  #release(): void {
    if (this.#state === CLOSED) return
    this.#state = CLOSED
    this.#remainder = null
    this.#loop.deadlines.disarm(this)
    if (this.#fd < 0) return
    this.#loop.remove(this.#slot)
    this.#sockets.close(this.#fd)
    this.#fd = -1
  }
}
