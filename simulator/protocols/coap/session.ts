/**
 * A device's CoAP endpoint over datagrams (RFC 7252): one registration request, then telemetry as CON requests that are
 * repeated until answered, or as NON requests that nothing answers. Where the application speaks, the device is a server too.
 */
import type { Nanoseconds } from '../../core/clock.ts'
import type { Cause, CauseCode, Lower } from '../../core/layer.ts'
import type { DeviceEvents, DeviceSession, SessionConfig } from '../session.ts'
import { composedLength, registrationRequest, telemetryTemplate } from './device-requests.ts'
import { Hearing } from './hearing.ts'
import { REGISTRATION } from './exchange.ts'
import { CHANGED, codeName, CON, EMPTY, Message, RST } from './message.ts'
import { transmissionOf } from './options.ts'
import { Requester, type RequesterOwner } from './requester.ts'

/** The longest UDP payload over IPv4. */
const LONGEST_DATAGRAM = 65507
const NOTHING = new Uint8Array(0)

// Used within one call only, hence shared by all sessions of the worker.
const message = new Message()

export class CoapDevice implements DeviceSession, RequesterOwner {
  below!: Lower
  openedAt: Nanoseconds = NaN
  readonly #config: SessionConfig
  readonly #events: DeviceEvents
  readonly #requester: Requester
  /** Null where the application does not speak. */
  readonly #hearing: Hearing | null
  readonly #template: Uint8Array
  #state: 'idle' | 'registering' | 'ready' | 'over' = 'idle'
  /** A `send` was refused, and `unblocked` is owed. */
  #blocked = false
  /** The layer below refused a first copy and has not said `ready`. */
  #belowFull = false

  constructor(config: SessionConfig, events: DeviceEvents) {
    const { options, random, unansweredLimit } = config
    const transmission = transmissionOf(options)
    this.#config = config
    this.#events = events
    this.#requester = new Requester(this, transmission, random, unansweredLimit ?? null)
    this.#template = telemetryTemplate(config)
    this.#hearing = config.hears ? new Hearing(config.hears, transmission) : null
  }

  /** Requests begun, registration included. */
  get requests(): number {
    return this.#requester.requests
  }

  /** Copies of requests handed to the layer below, retransmissions included. */
  get transmissions(): number {
    return this.#requester.transmissions
  }

  open(now: Nanoseconds): void {
    this.openedAt = now
    this.#state = 'registering'
    this.#register(now)
  }

  /** RFC 7252 has no message for the end of an association: nothing goes on the wire. */
  close(now: Nanoseconds): void {
    if (this.#state === 'over') return
    this.#finish()
    this.below.close(now)
  }

  send(sequence: number, payload: Uint8Array, now: Nanoseconds): boolean {
    const confirmable = this.#config.reliability !== 'best-effort'
    this.#blocked = this.#state !== 'ready' || !this.#hasRoom(now)
    if (this.#blocked) return false
    if (composedLength(this.#template, payload) > LONGEST_DATAGRAM) {
      this.#events.gaveUp(sequence, 'larger than a datagram', now)
      return true
    }
    const sent = confirmable
      ? this.#requester.request(sequence, this.#template, payload, now)
      : this.#requester.sendOnce(this.#template, payload, now)
    if (sent) this.#events.transmitted(sequence, now)
    else this.#blocked = this.#belowFull = true
    return sent
  }

  answer(_sequence: number, payload: Uint8Array, now: Nanoseconds): boolean {
    const hearing = this.#hearing
    // An answer that the layer below cannot take is lost, as in a network: the server asks again.
    if (hearing !== null && this.#state === 'ready')
      this.transmit(hearing.answer(message, this.#requester, payload, now), now)
    return true
  }

  outstanding(): number {
    return this.#requester.size - (this.#state === 'registering' ? 1 : 0)
  }

  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    if (this.#state === 'over') return
    const parsed = message.parse(bytes)
    if (parsed === 'ignored' || this.#requester.receive(message, parsed, now)) return
    const isRequest = parsed === 'message' && message.code > EMPTY && message.code < 32
    if (isRequest && this.#state === 'ready' && this.#hearing !== null)
      return this.#serve(this.#hearing, bytes, now)
    // Pings, requests to a device that only sends, reserved classes and format errors (sections 4.2 and 4.3).
    if (message.type === CON) this.#requester.sendEmpty(RST, message.id, now)
  }

  ready(now: Nanoseconds): void {
    this.#belowFull = false
    if (this.#state === 'registering' && this.#requester.size === 0) this.#register(now)
    this.freed(now)
  }

  closed(cause: Cause, now: Nanoseconds): void {
    if (this.#state === 'over') return
    this.#finish()
    this.#events.ended(cause, now)
  }

  deadline(): Nanoseconds {
    const due = this.#requester.deadline()
    if (!this.#blocked || this.#belowFull || this.#state !== 'ready') return due
    return Math.min(due, this.#requester.roomAt())
  }

  expire(now: Nanoseconds): void {
    this.#requester.expire(now)
    this.freed(now)
  }

  // ---- what the requester says -------------------------------------------------------------------------------------

  transmit(datagram: Uint8Array, now: Nanoseconds): boolean {
    return this.below.fromAbove(datagram, now)
  }

  responded(sequence: number, now: Nanoseconds): void {
    const { code } = message
    if (code >> 5 !== 2) {
      // 4.01 Unauthorized and 4.03 Forbidden.
      const cause = code === 0x81 || code === 0x83 ? 'authentication' : 'protocol'
      this.failed(sequence, 1, codeName(code), cause, now)
    } else if (sequence === REGISTRATION) {
      this.#state = 'ready'
      this.#events.sessionReady(now)
    } else this.#events.acknowledged(sequence, now)
  }

  /** For a registration that is the end of the session. */
  failed(
    sequence: number,
    copies: number,
    reason: string,
    code: CauseCode,
    now: Nanoseconds,
  ): void {
    if (sequence !== REGISTRATION) return this.#events.gaveUp(sequence, reason, now)
    this.#finish()
    this.below.close(now)
    const detail = `registration: ${reason} after ${copies} ${copies === 1 ? 'copy' : 'copies'}`
    this.#events.ended({ code, detail }, now)
  }

  freed(now: Nanoseconds): void {
    if (!this.#blocked || this.#state !== 'ready' || !this.#hasRoom(now)) return
    this.#blocked = false
    this.#events.unblocked(now)
  }

  /**
   * A server that lost the association, or sees another address, discards our records in silence (RFC 6347 section 4.1.2.7):
   * only another handshake can tell. What is outstanding stays with the device, which sends it again.
   */
  unanswered(retransmissions: number, now: Nanoseconds): void {
    this.#finish()
    this.below.close(now)
    const detail = `${retransmissions} retransmissions in a row without an answer`
    this.#events.ended({ code: 'unanswered', detail }, now)
  }

  #register(now: Nanoseconds): void {
    const template = registrationRequest(this.#config)
    if (!this.#requester.request(REGISTRATION, template, NOTHING, now)) this.#belowFull = true
  }

  /** A request of the application. */
  #serve(hearing: Hearing, bytes: Uint8Array, now: Nanoseconds): void {
    const { payloadAt } = message
    const code = hearing.decide(message)
    if (code !== CHANGED) {
      const refusal = hearing.refuse(message, code)
      if (refusal !== null) this.transmit(refusal, now)
      return
    }
    const reply = hearing.begin(message, now)
    if (reply === 'deliver') {
      this.#events.heard?.(bytes.subarray(payloadAt), now)
      // A request that is not answered with content is acknowledged.
      const end = hearing.end(message)
      if (end !== null) this.transmit(end, now)
    } else if (reply !== 'ignore') this.transmit(reply, now)
  }

  #hasRoom(now: Nanoseconds): boolean {
    return !this.#belowFull && this.#requester.hasRoom(now)
  }

  #finish(): void {
    this.#state = 'over'
    this.#blocked = false
    this.#requester.clear()
  }
}
