/**
 * A device's CoAP endpoint over datagrams (RFC 7252): one registration request, then telemetry as CON requests that are
 * repeated until answered, or as NON requests that nothing answers.
 */
import type { Nanoseconds } from '../../core/clock.ts'
import { NEVER } from '../../core/clock.ts'
import type { Cause, CauseCode, Lower } from '../../core/layer.ts'
import type { DeviceEvents, DeviceSession, SessionConfig } from '../session.ts'
import {
  compose,
  composedLength,
  registrationRequest,
  telemetryTemplate,
  TOKEN,
} from './device-requests.ts'
import type { Exchange } from './exchange.ts'
import {
  REGISTRATION,
  releaseExchange,
  retransmits,
  startExchange,
  takeExchange,
} from './exchange.ts'
import { ExchangeTable } from './exchange-table.ts'
import { ACK, codeName, CON, EMPTY, Message, RST } from './message.ts'
import { MessageIds } from './message-ids.ts'
import type { Transmission } from './options.ts'
import { transmissionOf } from './options.ts'
import { RecentIds } from './recent-ids.ts'

/** The longest UDP payload over IPv4. */
const LONGEST_DATAGRAM = 65507
/** Slots for the IDs of a server's separate responses: those of 65 536 responses are as many as there are. */
const RESPONSE_SLOTS = 65536
const NOTHING = new Uint8Array(0)

// Used within one call only, hence shared by all sessions of the worker.
const message = new Message()
const empty = Uint8Array.of(0, EMPTY, 0, 0)
let unrepeated = NOTHING

export class CoapDevice implements DeviceSession {
  below!: Lower
  openedAt: Nanoseconds = NaN
  /** Requests begun, registration included. */
  requests = 0
  /** Copies of requests handed to the layer below, retransmissions included. */
  transmissions = 0
  readonly #config: SessionConfig
  readonly #events: DeviceEvents
  readonly #transmission: Transmission
  readonly #ids: MessageIds
  readonly #template: Uint8Array
  #state: 'idle' | 'registering' | 'ready' | 'over' = 'idle'
  readonly #exchanges = new ExchangeTable()
  /** A `send` was refused, and `unblocked` is owed. */
  #blocked = false
  /** The layer below refused a first copy and has not said `ready`. */
  #belowFull = false
  /** Retransmissions since anything came from the server. */
  #unanswered = 0
  /** Message IDs of the server's own messages; made when it first sends one. */
  #answered: RecentIds | null = null

  constructor(config: SessionConfig, events: DeviceEvents) {
    this.#config = config
    this.#events = events
    this.#transmission = transmissionOf(config.options)
    this.#ids = new MessageIds(config.random.integer(65536))
    this.#template = telemetryTemplate(config)
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
    const length = composedLength(this.#template, payload)
    if (length > LONGEST_DATAGRAM) {
      this.#events.gaveUp(sequence, 'larger than a datagram', now)
      return true
    }
    const sent = confirmable
      ? this.#request(sequence, this.#template, payload, now)
      : this.#sendOnce(length, payload, now)
    if (sent) this.#events.transmitted(sequence, now)
    else this.#blocked = true
    return sent
  }

  outstanding(): number {
    return this.#exchanges.size - (this.#state === 'registering' ? 1 : 0)
  }

  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    if (this.#state === 'over') return
    const parsed = message.parse(bytes)
    if (parsed === 'ignored') return
    this.#unanswered = 0
    const { type, code, id } = message
    const codeClass = code >> 5
    const responds = parsed === 'message' && (codeClass === 2 || codeClass === 4 || codeClass === 5)
    if (type === ACK) this.#fromAck(parsed === 'message' && code === EMPTY, responds, now)
    else if (type === RST) {
      const exchange = this.#exchanges.get(id)
      // One that is not Empty is ignored (sections 4.2 and 4.3).
      if (exchange !== undefined && parsed === 'message' && code === EMPTY)
        this.#fail(exchange, 'RST', 'reset', now)
    } else if (responds) this.#separateResponse(type === CON, id, code, now)
    // Pings, requests, reserved classes and format errors: a device is no server (sections 4.2 and 4.3).
    else if (type === CON) this.#sendEmpty(RST, id, now)
  }

  ready(now: Nanoseconds): void {
    this.#belowFull = false
    if (this.#state === 'registering' && this.#exchanges.size === 0) this.#register(now)
    this.#unblock(now)
  }

  closed(cause: Cause, now: Nanoseconds): void {
    if (this.#state === 'over') return
    this.#finish()
    this.#events.ended(cause, now)
  }

  deadline(): Nanoseconds {
    const { nextDue, interactions } = this.#exchanges
    if (!this.#blocked || this.#belowFull || this.#state !== 'ready') return nextDue
    if (interactions >= this.#transmission.nstart) return nextDue
    // Blocked by message IDs alone.
    return Math.min(nextDue, this.#ids.availableAt())
  }

  expire(now: Nanoseconds): void {
    const exchanges = this.#exchanges
    if (now >= exchanges.nextDue) {
      // Found anew below; a `send` from inside an event lowers it too.
      exchanges.nextDue = NEVER
      for (const exchange of exchanges.values()) {
        if (exchange.deadline <= now) this.#due(exchange, now)
        exchanges.noteDeadline(exchange)
      }
    }
    this.#unblock(now)
  }

  #register(now: Nanoseconds): void {
    this.#request(REGISTRATION, registrationRequest(this.#config), NOTHING, now)
  }

  /** Begins a confirmable request; false when the layer below does not take its first copy. */
  #request(sequence: number, template: Uint8Array, payload: Uint8Array, now: Nanoseconds): boolean {
    const transmission = this.#transmission
    const exchange = takeExchange(composedLength(template, payload))
    const id = this.#ids.take(now, transmission.exchangeLifetime)
    compose(exchange.datagram, template, id, payload)
    if (!this.below.fromAbove(exchange.datagram, now)) {
      this.#belowFull = true
      releaseExchange(exchange)
      return false
    }
    this.requests++
    this.transmissions++
    exchange.id = id
    exchange.sequence = sequence
    startExchange(exchange, transmission, this.#config.random.uniform(), now)
    this.#exchanges.add(exchange)
    return true
  }

  /**
   * A NON request: one copy, nothing awaited. NSTART counts interactions that await something, so it does not hold it back; nor
   * does PROBING_RATE (1 byte/s to a peer that never answers, section 4.7): the rate is the scenario's question.
   */
  #sendOnce(length: number, payload: Uint8Array, now: Nanoseconds): boolean {
    if (unrepeated.length !== length) unrepeated = new Uint8Array(length)
    compose(
      unrepeated,
      this.#template,
      this.#ids.take(now, this.#transmission.nonLifetime),
      payload,
    )
    if (!this.below.fromAbove(unrepeated, now)) {
      this.#belowFull = true
      return false
    }
    this.requests++
    this.transmissions++
    return true
  }

  /** An exchange's deadline has come. */
  #due(exchange: Exchange, now: Nanoseconds): void {
    if (this.#unanswered === this.#config.unansweredLimit) return this.#giveUpOnServer(now)
    if (!retransmits(exchange, this.#transmission, now))
      return this.#fail(exchange, 'no answer', 'timeout', now)
    this.#unanswered++
    // A copy that the layer below cannot take is lost, as in a network: the next one is due anyway.
    if (this.below.fromAbove(exchange.datagram, now)) this.transmissions++
  }

  /**
   * A server that lost the association, or sees another address, discards our records in silence (RFC 6347 section 4.1.2.7):
   * only another handshake can tell. What is outstanding stays with the device, which sends it again.
   */
  #giveUpOnServer(now: Nanoseconds): void {
    this.#finish()
    this.below.close(now)
    const detail = `${this.#unanswered} retransmissions in a row without an answer`
    this.#events.ended({ code: 'unanswered', detail }, now)
  }

  /** An ACK, malformed and misplaced ones included: those are ignored (section 4.2). */
  #fromAck(isEmpty: boolean, responds: boolean, now: Nanoseconds): void {
    const exchange = this.#exchanges.get(message.id)
    if (exchange === undefined) return
    if (responds) {
      // Message ID and token must both match (section 5.3.2).
      if (message.tokenInteger(TOKEN) === exchange.id && !message.hasCriticalOption())
        this.#answer(exchange, message.code, now)
    } else if (isEmpty && !exchange.awaitsResponse) {
      // The request arrived, its response comes separately (section 5.2.2).
      this.#exchanges.awaitResponse(exchange, this.#transmission)
      this.#unblock(now)
    }
  }

  #separateResponse(confirmable: boolean, id: number, code: number, now: Nanoseconds): void {
    const exchange = this.#exchanges.get(message.tokenInteger(TOKEN))
    const accepted = exchange !== undefined && !message.hasCriticalOption()
    if (confirmable) {
      this.#answered ??= new RecentIds({ slots: RESPONSE_SLOTS })
      // A duplicate is acknowledged like its first copy (section 4.5); what belongs to no request is rejected (section 5.3.2).
      const acknowledge = accepted || this.#answered.has(id, now)
      if (accepted) this.#answered.seen(id, this.#transmission.exchangeLifetime, now)
      this.#sendEmpty(acknowledge ? ACK : RST, id, now)
    }
    if (accepted) this.#answer(exchange, code, now)
  }

  #answer(exchange: Exchange, code: number, now: Nanoseconds): void {
    if (code >> 5 !== 2) {
      // 4.01 Unauthorized and 4.03 Forbidden.
      const cause = code === 0x81 || code === 0x83 ? 'authentication' : 'protocol'
      return this.#fail(exchange, codeName(code), cause, now)
    }
    const { sequence } = exchange
    this.#exchanges.remove(exchange)
    if (sequence === REGISTRATION) {
      this.#state = 'ready'
      this.#events.sessionReady(now)
    } else this.#events.acknowledged(sequence, now)
    this.#unblock(now)
  }

  /** The request failed. For a registration that is the end of the session. */
  #fail(exchange: Exchange, reason: string, code: CauseCode, now: Nanoseconds): void {
    const { sequence, copies } = exchange
    if (sequence === REGISTRATION) {
      this.#finish()
      this.below.close(now)
      const detail = `registration: ${reason} after ${copies} ${copies === 1 ? 'copy' : 'copies'}`
      return this.#events.ended({ code, detail }, now)
    }
    this.#exchanges.remove(exchange)
    this.#events.gaveUp(sequence, reason, now)
    this.#unblock(now)
  }

  #hasRoom(now: Nanoseconds): boolean {
    if (this.#belowFull || this.#ids.availableAt() > now) return false
    return this.#exchanges.interactions < this.#transmission.nstart
  }

  #unblock(now: Nanoseconds): void {
    if (!this.#blocked || this.#state !== 'ready' || !this.#hasRoom(now)) return
    this.#blocked = false
    this.#events.unblocked(now)
  }

  #sendEmpty(type: number, id: number, now: Nanoseconds): void {
    empty[0] = 0x40 | (type << 4)
    empty[2] = id >>> 8
    empty[3] = id
    this.below.fromAbove(empty, now)
  }

  #finish(): void {
    this.#state = 'over'
    this.#blocked = false
    this.#exchanges.clear()
  }
}
