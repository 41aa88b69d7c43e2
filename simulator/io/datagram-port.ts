/** A connected UDP socket: the lowest Lower of a datagram pile. */
import { constants } from 'node:os'
import { monotonic } from '../core/clock.ts'
import type { Cause, Traffic, Upper } from '../core/layer.ts'
import { EPOLLERR, EPOLLIN, EPOLLOUT } from '../native/linux.ts'
import { causeOf } from './causes.ts'
import type { Failing, Loop, Source } from './loop.ts'
import type { Port, Timer } from './reactor.ts'
import type { Sockets } from './sockets.ts'

const { EAGAIN, ENOBUFS } = constants.errno

export class DatagramPort implements Port, Source, Failing {
  readonly traffic: Traffic
  readonly #loop: Loop
  readonly #sockets: Sockets
  readonly #above: Upper
  readonly #owner: Timer
  /** -1: over. */
  #fd: number
  #slot = -1
  #over = false
  /** `fromAbove` was refused: `ready` is owed. */
  #refused = false

  /** `fd` is a connected socket, or minus the error that opening it gave. */
  constructor(
    loop: Loop,
    sockets: Sockets,
    fd: number,
    above: Upper,
    owner: Timer,
    traffic: Traffic,
  ) {
    this.#loop = loop
    this.#sockets = sockets
    this.#above = above
    this.#owner = owner
    this.#fd = fd
    this.traffic = traffic
    above.below = this
    if (fd < 0) {
      loop.failLater(this, -fd)
      return
    }
    this.#slot = loop.add(fd, this, EPOLLIN)
    above.open(monotonic())
    loop.deadlines.touch(owner)
  }

  fromAbove(bytes: Uint8Array): boolean {
    if (this.#over || this.#fd < 0) return false
    const sent = this.#sockets.send(this.#fd, bytes, 0)
    if (sent === -EAGAIN) {
      this.#refused = true
      this.#loop.setInterest(this.#slot, EPOLLIN | EPOLLOUT)
      return false
    }
    // A full queue of the device below loses the datagram, as a network would.
    if (sent < 0 && sent !== -ENOBUFS) this.#loop.failLater(this, -sent)
    this.traffic.sentBytes += bytes.length
    this.traffic.sentCalls++
    return true
  }

  close(): void {
    this.#release()
  }

  vanish(): void {
    this.#release()
  }

  readiness(events: number): void {
    if ((events & EPOLLOUT) !== 0) this.#tellReady()
    // One datagram a turn: a device seldom has more, and the readiness of what is left comes again.
    if ((events & (EPOLLIN | EPOLLERR)) !== 0 && !this.#over) this.#read()
  }

  failed(error: number): void {
    if (!this.#over) this.#end(causeOf(error, 'datagram socket'))
  }

  abandon(): void {
    this.#release()
  }

  #read(): void {
    const length = this.#sockets.receive(this.#fd)
    const now = monotonic()
    if (length === -EAGAIN) return
    if (length < 0) {
      this.failed(-length)
      return
    }
    this.traffic.receivedBytes += length
    this.traffic.receivedCalls++
    this.#above.fromBelow(this.#sockets.received(length), now)
    this.#loop.deadlines.touch(this.#owner)
  }

  #tellReady(): void {
    this.#loop.setInterest(this.#slot, EPOLLIN)
    if (!this.#refused) return
    this.#refused = false
    this.#above.ready(monotonic())
    this.#loop.deadlines.touch(this.#owner)
  }

  #end(cause: Cause): void {
    this.#release()
    this.#above.closed(cause, monotonic())
    this.#loop.deadlines.touch(this.#owner)
  }

  #release(): void {
    this.#over = true
    if (this.#fd < 0) return
    this.#loop.remove(this.#slot)
    this.#sockets.close(this.#fd)
    this.#fd = -1
  }
}
