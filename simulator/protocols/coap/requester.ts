/**
 * The asking side of an endpoint towards one peer (RFC 7252 sections 4 and 5): requests that are repeated until answered, and
 * requests that are sent once. Devices have one towards the server, and the server one towards each device that it commands.
 */
import type { Nanoseconds } from '../../core/clock.ts'
import { NEVER } from '../../core/clock.ts'
import type { CauseCode } from '../../core/layer.ts'
import type { Random } from '../../core/random.ts'
import { compose, composedLength, TOKEN } from './device-requests.ts'
import type { Exchange } from './exchange.ts'
import { releaseExchange, retransmits, startExchange, takeExchange } from './exchange.ts'
import { ExchangeTable } from './exchange-table.ts'
import type { Message, Parsed } from './message.ts'
import { ACK, CON, EMPTY, RST } from './message.ts'
import { MessageIds } from './message-ids.ts'
import type { Transmission } from './options.ts'
import { RecentIds } from './recent-ids.ts'

/** Slots for the IDs of the peer's separate responses: those of 65 536 responses are as many as there are. */
const RESPONSE_SLOTS = 65536

// Used within one call only, hence shared by all requesters of the worker.
const empty = Uint8Array.of(0, EMPTY, 0, 0)
let unrepeated = new Uint8Array(0)

/** Whom a requester works for. `sequence` is whatever number came with the request. */
export interface RequesterOwner {
  /** Hands a datagram to the peer; false: it is not taken now. */
  transmit(datagram: Uint8Array, now: Nanoseconds): boolean
  /** A response came, of any class, in the message that is being received. */
  responded(sequence: number, now: Nanoseconds): void
  /** The request will not be answered. @param copies how often it was sent */
  failed(sequence: number, copies: number, reason: string, code: CauseCode, now: Nanoseconds): void
  /** There may be room for another request. */
  freed(now: Nanoseconds): void
  /** As many retransmissions in a row went without an answer as the peer is allowed. */
  unanswered(retransmissions: number, now: Nanoseconds): void
}

export class Requester {
  /** Requests begun. */
  requests = 0
  /** Copies of requests handed to the layer below, retransmissions included. */
  transmissions = 0
  readonly #owner: RequesterOwner
  readonly #transmission: Transmission
  readonly #random: Random
  readonly #unansweredLimit: number | null
  readonly #ids: MessageIds
  readonly #exchanges = new ExchangeTable()
  /** Retransmissions since anything came from the peer. */
  #unanswered = 0
  /** Message IDs of the peer's separate responses; made when it first sends one. */
  #answered: RecentIds | null = null

  /** @param unansweredLimit retransmissions in a row without an answer after which the owner is told; null: any number */
  constructor(
    owner: RequesterOwner,
    transmission: Transmission,
    random: Random,
    unansweredLimit: number | null,
  ) {
    this.#owner = owner
    this.#transmission = transmission
    this.#random = random
    this.#unansweredLimit = unansweredLimit
    this.#ids = new MessageIds(random.integer(65536))
  }

  /** Requests that are neither answered nor given up. */
  get size(): number {
    return this.#exchanges.size
  }

  /** Whether NSTART and message IDs allow another request. */
  hasRoom(now: Nanoseconds): boolean {
    if (this.#ids.availableAt() > now) return false
    return this.#exchanges.interactions < this.#transmission.nstart
  }

  /** When there is room again without an answer: because message IDs are free again; NEVER when an answer is needed. */
  roomAt(): Nanoseconds {
    if (this.#exchanges.interactions >= this.#transmission.nstart) return NEVER
    return this.#ids.availableAt()
  }

  /** Begins a confirmable request; false when the layer below does not take its first copy. */
  request(sequence: number, template: Uint8Array, payload: Uint8Array, now: Nanoseconds): boolean {
    const exchange = this.#first(this.#transmission.exchangeLifetime, template, payload, now)
    if (exchange === null) return false
    exchange.sequence = sequence
    startExchange(exchange, this.#transmission, this.#random.uniform(), now)
    this.#exchanges.add(exchange)
    return true
  }

  /** A NON request that is to be answered: one copy, and a response within the lifetime of its ID or none. */
  requestOnce(
    sequence: number,
    template: Uint8Array,
    payload: Uint8Array,
    now: Nanoseconds,
  ): boolean {
    const exchange = this.#first(this.#transmission.nonLifetime, template, payload, now)
    if (exchange === null) return false
    exchange.sequence = sequence
    startExchange(exchange, this.#transmission, 0, now)
    this.#exchanges.add(exchange)
    // It counts for NSTART no longer than the call: nothing holds back what is not repeated.
    this.#exchanges.awaitResponse(exchange, this.#transmission)
    exchange.deadline = now + this.#transmission.nonLifetime
    this.#exchanges.noteDeadline(exchange)
    return true
  }

  /**
   * A NON request: one copy, nothing awaited. NSTART counts interactions that await something, so it does not hold it back; nor
   * does PROBING_RATE (1 byte/s to a peer that never answers, section 4.7): the rate is the scenario's question.
   */
  sendOnce(template: Uint8Array, payload: Uint8Array, now: Nanoseconds): boolean {
    const length = composedLength(template, payload)
    if (unrepeated.length !== length) unrepeated = new Uint8Array(length)
    compose(unrepeated, template, this.takeId(now), payload)
    if (!this.#owner.transmit(unrepeated, now)) return false
    this.requests++
    this.transmissions++
    return true
  }

  /** The ID for a NON message of our own. */
  takeId(now: Nanoseconds): number {
    return this.#ids.take(now, this.#transmission.nonLifetime)
  }

  /** Deals with what may answer a request. False: it is something else, or rejected CON that the endpoint answers. */
  receive(message: Message, parsed: Parsed, now: Nanoseconds): boolean {
    this.#unanswered = 0
    const { type, code, id } = message
    const codeClass = code >> 5
    const responds = parsed === 'message' && (codeClass === 2 || codeClass === 4 || codeClass === 5)
    if (type === ACK) this.#fromAck(message, parsed === 'message' && code === EMPTY, responds, now)
    else if (type === RST) {
      const exchange = this.#exchanges.get(id)
      // One that is not Empty is ignored (sections 4.2 and 4.3).
      if (exchange !== undefined && parsed === 'message' && code === EMPTY)
        this.#fail(exchange, 'RST', 'reset', now)
    } else if (responds) this.#separateResponse(message, now)
    else return false
    return true
  }

  deadline(): Nanoseconds {
    return this.#exchanges.nextDue
  }

  expire(now: Nanoseconds): void {
    const exchanges = this.#exchanges
    if (now < exchanges.nextDue) return
    // Found anew below; a request from inside an event lowers it too.
    exchanges.nextDue = NEVER
    for (const exchange of exchanges.values()) {
      if (exchange.deadline <= now) this.#due(exchange, now)
      exchanges.noteDeadline(exchange)
    }
  }

  /** Sends an Empty message: ACK or RST. */
  sendEmpty(type: number, id: number, now: Nanoseconds): void {
    empty[0] = 0x40 | (type << 4)
    empty[2] = id >>> 8
    empty[3] = id
    this.#owner.transmit(empty, now)
  }

  /** Forgets all requests. */
  clear(): void {
    this.#exchanges.clear()
  }

  /** Sends the first copy of a request; null when it is not taken. */
  #first(
    lifetime: Nanoseconds,
    template: Uint8Array,
    payload: Uint8Array,
    now: Nanoseconds,
  ): Exchange | null {
    const exchange = takeExchange(composedLength(template, payload))
    exchange.id = this.#ids.take(now, lifetime)
    compose(exchange.datagram, template, exchange.id, payload)
    if (!this.#owner.transmit(exchange.datagram, now)) {
      releaseExchange(exchange)
      return null
    }
    this.requests++
    this.transmissions++
    return exchange
  }

  /** An exchange's deadline has come. */
  #due(exchange: Exchange, now: Nanoseconds): void {
    if (this.#unanswered === this.#unansweredLimit)
      return this.#owner.unanswered(this.#unanswered, now)
    if (!retransmits(exchange, this.#transmission, now))
      return this.#fail(exchange, 'no answer', 'timeout', now)
    this.#unanswered++
    // A copy that the layer below cannot take is lost, as in a network: the next one is due anyway.
    if (this.#owner.transmit(exchange.datagram, now)) this.transmissions++
  }

  /** An ACK, malformed and misplaced ones included: those are ignored (section 4.2). */
  #fromAck(message: Message, isEmpty: boolean, responds: boolean, now: Nanoseconds): void {
    const exchange = this.#exchanges.get(message.id)
    if (exchange === undefined) return
    if (responds) {
      // Message ID and token must both match (section 5.3.2).
      if (message.tokenInteger(TOKEN) === exchange.id && !message.hasCriticalOption())
        this.#answer(exchange, now)
    } else if (isEmpty && !exchange.awaitsResponse) {
      // The request arrived, its response comes separately (section 5.2.2).
      this.#exchanges.awaitResponse(exchange, this.#transmission)
      this.#owner.freed(now)
    }
  }

  #separateResponse(message: Message, now: Nanoseconds): void {
    const { type, id } = message
    const exchange = this.#exchanges.get(message.tokenInteger(TOKEN))
    const accepted = exchange !== undefined && !message.hasCriticalOption()
    if (type === CON) {
      this.#answered ??= new RecentIds({ slots: RESPONSE_SLOTS })
      // A duplicate is acknowledged like its first copy (section 4.5); what belongs to no request is rejected (section 5.3.2).
      const acknowledge = accepted || this.#answered.has(id, now)
      if (accepted) this.#answered.seen(id, this.#transmission.exchangeLifetime, now)
      this.sendEmpty(acknowledge ? ACK : RST, id, now)
    }
    if (accepted) this.#answer(exchange, now)
  }

  #answer(exchange: Exchange, now: Nanoseconds): void {
    const { sequence } = exchange
    this.#exchanges.remove(exchange)
    this.#owner.responded(sequence, now)
    this.#owner.freed(now)
  }

  #fail(exchange: Exchange, reason: string, code: CauseCode, now: Nanoseconds): void {
    const { sequence, copies } = exchange
    this.#exchanges.remove(exchange)
    this.#owner.failed(sequence, copies, reason, code, now)
    this.#owner.freed(now)
  }
}
