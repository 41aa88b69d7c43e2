/**
 * What device and consumer have in common: CONNECT and CONNACK, keep alive, DISCONNECT, and the end.
 *
 *   (new) --open: CONNECT--> connecting --CONNACK--> connected --close, closed, violation, silence--> over
 */
import type { Nanoseconds } from '../../core/clock.ts'
import { NEVER, SECOND } from '../../core/clock.ts'
import type { Cause, CauseCode, Lower, Timed, Upper } from '../../core/layer.ts'
import { connect } from './connect.ts'
import type { ConnectFields } from './connect.ts'
import { disconnect, pingreq } from './generate.ts'
import { checkFlags, CONNACK, DISCONNECT, packetName, PINGRESP } from './packet.ts'
import type { Connack } from './parse.ts'
import { parseConnack, parseDisconnect } from './parse.ts'
import { Outlet } from './outlet.ts'
import { PacketReader } from './reader.ts'
import type { PacketHandler } from './reader.ts'
import { causeOfReason, reasonInWords } from './reasons.ts'
import { Replies } from './replies.ts'
import type { SessionState } from './session-state.ts'
import { malformed, protocolError, Violation } from './violation.ts'

/** A server that takes the connection and says nothing for so long is given up (MQTT leaves the time to the client). */
const CONNACK_WITHIN = 60 * SECOND
/** Control packets that wait for the layer below: acknowledgements of all packet identifiers, and a few more. */
const MOST_OWED = 4 * 65_535 + 256

export abstract class MqttConnection implements Upper, Timed, PacketHandler {
  openedAt: Nanoseconds = NaN
  /** No event and no packet follows. */
  over = false
  protected readonly v5: boolean
  protected connected = false
  /** Messages may go before CONNACK. */
  protected pipelined = false
  /** The connection's own stream. */
  protected readonly main = new Outlet()
  protected readonly state: SessionState
  /** Of the server. */
  protected maximumPacketSize = Infinity
  /** A message was refused: `unblocked` is owed. */
  #refused = false
  /** What answers the packets of the present call from below. */
  protected readonly replies = new Replies()
  readonly #hello: ConnectFields
  readonly #reader: PacketReader
  /** This client has the session from an earlier connection. */
  readonly #known: boolean
  #keepAlive: Nanoseconds = NEVER
  #idleAt: Nanoseconds = NEVER
  /** CONNACK or PINGRESP must have come by then. */
  #answerBy: Nanoseconds = NEVER

  constructor(hello: ConnectFields, state: SessionState, largestPacket: number) {
    this.v5 = hello.v5
    this.state = state
    this.#hello = hello
    this.#known = state.begun
    this.#reader = new PacketReader(largestPacket)
  }

  get below(): Lower {
    return this.main.below
  }
  set below(lower: Lower) {
    this.main.below = lower
  }

  /** No packet can begin now; `ready` has not come yet. */
  protected get stopped(): boolean {
    return !this.main.free
  }

  /** No message can begin now, on whatever stream. */
  protected get stuck(): boolean {
    return this.stopped
  }

  /** CONNECT is on its way. */
  protected asked(_now: Nanoseconds): void {}
  /** CONNACK accepted the connection. */
  protected abstract accepted(connack: Connack, now: Nanoseconds): void
  /** A packet that the connection itself does not deal with; its flags are checked. */
  protected abstract arrived(
    first: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    now: Nanoseconds,
  ): void
  /** The layer below takes bytes again. */
  protected abstract writable(now: Nanoseconds): void
  protected abstract ended(cause: Cause, now: Nanoseconds): void

  open(now: Nanoseconds): void {
    this.openedAt = now
    this.#answerBy = now + CONNACK_WITHIN
    this.state.begun = !this.#hello.cleanStart
    this.control(connect(this.#hello), now)
    this.asked(now)
  }

  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    if (this.over) return
    try {
      this.#reader.read(bytes, now, this)
    } catch (error) {
      this.violated(error, now)
    }
    const answers = this.replies.take()
    if (answers !== null && !this.over) this.control(answers, now)
  }

  ready(now: Nanoseconds): void {
    if (this.over) return
    const free = this.main.ready(now)
    this.said(now)
    if (free && (this.connected || this.pipelined)) this.writable(now)
  }

  closed(cause: Cause, now: Nanoseconds): void {
    if (this.over) return
    this.over = true
    const code = cause.code === 'closed' && this.#reader.midPacket ? 'truncated' : cause.code
    const when = this.connected ? '' : ' (before CONNACK)'
    this.ended({ code, detail: cause.detail + when }, now)
  }

  deadline(): Nanoseconds {
    if (this.over) return NEVER
    return this.#answerBy === NEVER ? this.#idleAt : this.#answerBy
  }

  expire(now: Nanoseconds): void {
    if (this.over || now < this.deadline()) return
    if (!this.connected)
      this.fail('timeout', `no CONNACK within ${CONNACK_WITHIN / SECOND} s`, now, 0)
    else if (this.#answerBy !== NEVER)
      this.fail('timeout', `no PINGRESP within ${this.#keepAlive / 2 / SECOND} s`, now, 0)
    else {
      // With half the keep alive to answer, a dead peer is noticed as soon as the server would notice us: [MQTT-3.1.2-24].
      this.#answerBy = now + this.#keepAlive / 2
      this.control(pingreq(), now)
    }
  }

  close(now: Nanoseconds): void {
    if (this.over) return
    this.over = true
    if (this.connected && !this.stopped) this.below.fromAbove(disconnect(0), now)
    this.below.close(now)
  }

  packet(first: number, bytes: Uint8Array, start: number, end: number, now: Nanoseconds): void {
    checkFlags(first)
    const type = first >> 4
    if (type === CONNACK) this.#connack(bytes, start, end, now)
    else if (!this.connected)
      throw protocolError(`${packetName(type)} before CONNACK`, 'MQTT-3.2.0-1')
    else if (type === PINGRESP) {
      if (end > start) throw malformed('PINGRESP with content', 'MQTT section 3.13')
      this.#answerBy = NEVER
    } else if (type === DISCONNECT && this.v5) {
      const { code, reasonString } = parseDisconnect(bytes, start, end)
      const words = `DISCONNECT from the server: ${reasonInWords(code, reasonString)}`
      this.fail(causeOfReason(code, 'closed'), words, now, 0)
    } else this.arrived(first, bytes, start, end, now)
  }

  /** A message is not taken now; when there is room again, `roomAgain` says so once. */
  protected refuse(): false {
    this.#refused = true
    return false
  }

  protected roomAgain(): boolean {
    if (!this.#refused || this.over || this.stuck || this.state.outbound.full) return false
    this.#refused = false
    return true
  }

  protected tooLarge(size: number, now: Nanoseconds): false {
    const words = `a PUBLISH of ${size} bytes; the server takes at most ${this.maximumPacketSize} [MQTT-3.2.2-15]`
    this.fail('protocol', words, now, 0)
    return false
  }

  /** Sends a packet that must not be lost: one that the layer below refuses is kept and sent when it is ready. True: sent. */
  protected control(packet: Uint8Array, now: Nanoseconds): boolean {
    if (this.main.control(packet, now)) {
      this.said(now)
      return true
    }
    if (this.main.owes > MOST_OWED)
      this.fail('protocol', 'the server sends on, but takes no acknowledgement', now, 0x93)
    return false
  }

  /** Hands bytes to the layer below. False: it is blocked and `writable` follows. */
  protected write(packet: Uint8Array, now: Nanoseconds): boolean {
    if (!this.main.write(packet, now)) return false
    this.said(now)
    return true
  }

  /** Bytes went out: so long nothing needs to be said to show that the client lives. */
  protected said(now: Nanoseconds): void {
    this.#idleAt = now + this.#keepAlive
  }

  /** Ends the connection for what reading threw; what is no violation is thrown on. */
  violated(error: unknown, now: Nanoseconds): void {
    if (!(error instanceof Violation)) throw error
    this.fail('protocol', `the server sent ${error.message}`, now, error.reasonCode)
  }

  /** Ends the connection. `reasonCode` is for the DISCONNECT of MQTT 5 [MQTT-4.13.1-1]; 0 sends none. */
  protected fail(code: CauseCode, detail: string, now: Nanoseconds, reasonCode: number): void {
    this.over = true
    if (this.v5 && this.connected && reasonCode > 0 && !this.stopped)
      this.below.fromAbove(disconnect(reasonCode), now)
    this.below.close(now)
    this.ended({ code, detail }, now)
  }

  #connack(bytes: Uint8Array, start: number, end: number, now: Nanoseconds): void {
    if (this.connected) throw protocolError('a second CONNACK', 'MQTT-3.2.0-2')
    const connack = parseConnack(this.v5, bytes, start, end)
    if (connack.code !== 0) {
      const words = reasonInWords(connack.code, connack.reasonString)
      this.fail(causeOfReason(connack.code, 'protocol'), `CONNECT refused: ${words}`, now, 0)
      return
    }
    if (connack.sessionPresent) this.#checkPresent()
    this.connected = true
    if (this.pipelined) this.state.outbound.limited(connack.receiveMaximum)
    else this.state.outbound.connected(connack.sessionPresent, connack.receiveMaximum)
    this.state.inbound.connected(connack.sessionPresent)
    this.#answerBy = NEVER
    // [MQTT-3.2.2-21]: the server's keep alive replaces ours.
    const seconds = connack.serverKeepAlive ?? this.#hello.keepAlive
    this.#keepAlive = seconds === 0 ? NEVER : seconds * SECOND
    this.#idleAt = now + this.#keepAlive
    this.accepted(connack, now)
  }

  /** Whether the server may have a session for this client. */
  #checkPresent(): void {
    if (this.#hello.cleanStart)
      throw protocolError(
        'CONNACK with a session present after a clean start',
        'MQTT-3.2.2-1, in MQTT 5 MQTT-3.2.2-2',
      )
    if (!this.#known)
      throw protocolError('CONNACK with a session that this client does not know', 'MQTT-3.2.2-4')
  }
}
