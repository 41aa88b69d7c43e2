/**
 * WebSocket as a layer of a stream pile, a client's side (RFC 6455): bytes from above become masked binary frames, one for
 * each call; the binary messages of the server become a stream again. So it carries MQTT, whose control packets need not
 * be aligned with frames [MQTT-6.0.0-2].
 *
 * When the layer below refuses bytes, data are refused to the layer above, so that nothing of it waits here. What this
 * layer itself has to say waits, one frame at most: a Pong may stand for those before it (section 5.5.3), and a Close is the last.
 */
import type { Nanoseconds } from '../core/clock.ts'
import { NEVER, SECOND } from '../core/clock.ts'
import type { Cause, Layer, Lower, Traffic, Upper } from '../core/layer.ts'
import type { Random } from '../core/random.ts'
import type { FrameEvents, Violation } from './websocket-frame.ts'
import {
  BINARY,
  CLOSE,
  FrameReader,
  NORMAL,
  PING,
  PONG,
  closePayload,
  maskedFrame,
  readClose,
} from './websocket-frame.ts'
import type { WebSocketTarget } from './websocket-handshake.ts'
import { UpgradeResponse, newKey, upgradeRequest } from './websocket-handshake.ts'

/** How long the opening handshake may take. */
const HANDSHAKE_LIMIT = 30 * SECOND

type State =
  | 'idle' // the layer below is not open yet
  | 'handshake'
  | 'open'
  | 'closing' // over, but the layer below has not taken the last frame
  | 'closed'

export class WebSocketClient implements Layer, FrameEvents {
  below!: Lower
  above!: Upper
  /** When the layer below opened; NaN before. */
  openedAt: Nanoseconds = Number.NaN
  readonly traffic: Traffic
  readonly #target: WebSocketTarget
  readonly #random: Random
  readonly #frames = new FrameReader()
  #response: UpgradeResponse | null = null
  #state: State = 'idle'
  #deadline: Nanoseconds = NEVER
  /** What this layer says itself and the layer below refused. */
  #kept: Uint8Array | null = null
  /** Whether the layer above waits for `ready`. */
  #blocked = false

  /**
   * `traffic` counts what crosses the upper boundary. `random` makes the nonce and the masking keys, which need not be
   * secret here: they keep a script in a browser from choosing the bytes that a proxy sees (section 10.3), and seeded
   * ones make a run repeatable.
   */
  constructor(target: WebSocketTarget, traffic: Traffic, random: Random) {
    this.#target = target
    this.traffic = traffic
    this.#random = random
  }

  get reading(): boolean {
    return this.#state === 'open'
  }

  deadline(): Nanoseconds {
    return this.#deadline
  }

  expire(now: Nanoseconds): void {
    if (now < this.#deadline) return
    // A connection that carried nothing for so long does not carry the rest either.
    this.#kept = null
    this.#end({ code: 'timeout', detail: 'no answer to the WebSocket handshake within 30 s' }, now)
  }

  open(now: Nanoseconds): void {
    this.openedAt = now
    this.#state = 'handshake'
    this.#deadline = now + HANDSHAKE_LIMIT
    const key = newKey(this.#random)
    this.#response = new UpgradeResponse(key, this.#target.subprotocol)
    this.#say(upgradeRequest(this.#target, key), now)
  }

  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    if (this.#response === null) {
      this.#readFrames(bytes, now)
      return
    }
    const found = this.#response.read(bytes)
    if (found === null) return
    this.#response = null
    this.#deadline = NEVER
    if (typeof found !== 'number') {
      this.#kept = null
      this.#end(found, now)
      return
    }
    this.#state = 'open'
    this.above.open(now)
    if (found < bytes.length) this.#readFrames(bytes.subarray(found), now)
  }

  #readFrames(bytes: Uint8Array, now: Nanoseconds): void {
    const wrong = this.#frames.read(bytes, now, this)
    if (wrong !== null) this.#fail(wrong, now)
  }

  data(bytes: Uint8Array, now: Nanoseconds): void {
    this.traffic.receivedBytes += bytes.length
    this.traffic.receivedCalls++
    this.above.fromBelow(bytes, now)
  }

  control(opcode: number, payload: Uint8Array, now: Nanoseconds): void {
    if (opcode === PING) this.#say(this.#frame(PONG, payload), now)
    // A Pong that nobody asked for is allowed and means nothing (section 5.5.3).
    if (opcode !== CLOSE) return
    const said = readClose(payload)
    if ('detail' in said) {
      this.#fail(said, now)
      return
    }
    const echo = said.code === null ? payload : closePayload(said.code)
    this.#say(this.#frame(CLOSE, echo), now)
    this.#end({ code: 'closed', detail: `the peer closed the WebSocket (${said.words})` }, now)
  }

  fromAbove(bytes: Uint8Array, now: Nanoseconds): boolean {
    if (
      this.#state !== 'open' ||
      this.#kept !== null ||
      !this.below.fromAbove(this.#frame(BINARY, bytes), now)
    ) {
      this.#blocked = true
      return false
    }
    this.traffic.sentBytes += bytes.length
    this.traffic.sentCalls++
    return true
  }

  #frame(opcode: number, payload: Uint8Array): Uint8Array {
    return maskedFrame(opcode, payload, this.#random.integer(2 ** 32))
  }

  /** Sends it, or keeps it in the place of what it makes needless. */
  #say(bytes: Uint8Array, now: Nanoseconds): void {
    if (this.#kept !== null || !this.below.fromAbove(bytes, now)) this.#kept = bytes.slice()
  }

  ready(now: Nanoseconds): void {
    if (this.#kept !== null) {
      if (!this.below.fromAbove(this.#kept, now)) return
      this.#kept = null
    }
    if (this.#state === 'closing') {
      this.#state = 'closed'
      this.below.close(now)
    } else if (this.#blocked && this.#state === 'open') {
      this.#blocked = false
      this.above.ready(now)
    }
  }

  /** Close, then the layer below closes: a client may, without waiting for the server's (section 7.1.1). */
  close(now: Nanoseconds): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    if (this.#state === 'open') this.#say(this.#frame(CLOSE, closePayload(NORMAL)), now)
    else this.#kept = null
    this.#release(now)
  }

  closed(cause: Cause, now: Nanoseconds): void {
    const state = this.#state
    this.#state = 'closed'
    this.#response = null
    this.#kept = null
    this.#deadline = NEVER
    if (state === 'closing' || state === 'closed') return
    if (state === 'handshake') this.above.closed(unanswered(cause), now)
    // "The WebSocket Connection Close Code is considered to be 1006" (section 7.1.5).
    else this.above.closed(cause.code === 'closed' ? UNFRAMED : cause, now)
  }

  #fail({ code, detail }: Violation, now: Nanoseconds): void {
    this.#say(this.#frame(CLOSE, closePayload(code)), now)
    this.#end({ code: 'protocol', detail: `WebSocket: ${detail}` }, now)
  }

  #end(cause: Cause, now: Nanoseconds): void {
    this.#release(now)
    this.above.closed(cause, now)
  }

  /** Closes below, after the frame that it has not taken yet. */
  #release(now: Nanoseconds): void {
    this.#deadline = NEVER
    this.#response = null
    this.#state = this.#kept === null ? 'closed' : 'closing'
    if (this.#state === 'closed') this.below.close(now)
  }
}

/** Who speaks no WebSocket hangs up. */
const unanswered = ({ code, detail }: Cause): Cause => ({
  code: code === 'closed' ? 'truncated' : code,
  detail: `no answer to the WebSocket handshake: ${detail}`,
})
const UNFRAMED: Cause = {
  code: 'truncated',
  detail: 'the peer closed without a Close frame of WebSocket',
}
