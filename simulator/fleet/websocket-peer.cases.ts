/** A server's end of WebSocket under a peer of a test, in a network that hands frames over whole. */
import type { Nanoseconds } from '../core/clock.ts'
import { NEVER } from '../core/clock.ts'
import type { Cause, Lower, Upper } from '../core/layer.ts'
import { Traffic } from '../core/layer.ts'
import type { Timer } from '../io/reactor.ts'
import { answer, binary, clientFrames } from '../transports/websocket-peer.cases.ts'

const BINARY = 2

export class WebSocketPeer implements Upper, Lower, Timer {
  timerSlot = -1
  below!: Lower
  openedAt: Nanoseconds = NaN
  readonly traffic = new Traffic()
  readonly #above: Upper
  #answered = false

  constructor(above: Upper) {
    this.#above = above
    above.below = this
  }
  open(now: Nanoseconds): void {
    this.openedAt = now
  }
  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    if (!this.#answered) {
      this.#answered = true
      this.below.fromAbove(answer(bytes), now)
      this.#above.open(now)
      return
    }
    for (const { opcode, payload } of clientFrames(bytes))
      if (opcode === BINARY) this.#above.fromBelow(payload, now)
  }
  fromAbove(bytes: Uint8Array, now: Nanoseconds): boolean {
    return this.below.fromAbove(binary(bytes), now)
  }
  ready(): void {}
  expire(): void {}
  deadline(): Nanoseconds {
    return NEVER
  }
  close(now: Nanoseconds): void {
    this.below.close(now)
  }
  closed(cause: Cause, now: Nanoseconds): void {
    this.#above.closed(cause, now)
  }
}
