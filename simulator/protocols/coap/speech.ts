/**
 * The asking side of our server: it sends requests to the devices that registered, each to the address and association that it was
 * last heard from, so that a device behind a NAT is reached as long as the NAT remembers it.
 */
import type { Nanoseconds } from '../../core/clock.ts'
import { NEVER } from '../../core/clock.ts'
import type { DatagramSocket, PeerKey } from '../../core/endpoint.ts'
import type { CauseCode } from '../../core/layer.ts'
import type { Random } from '../../core/random.ts'
import type { ConsumerConfig, ConsumerEvents } from '../session.ts'
import { speechTemplate } from './device-requests.ts'
import { codeName, type Message, type Parsed } from './message.ts'
import type { Transmission } from './options.ts'
import { Requester, type RequesterOwner } from './requester.ts'

/** One device, as the server asks it. */
class Listener implements RequesterOwner {
  readonly device: number
  readonly requester: Requester
  address: PeerKey
  /** A command was refused, and `unblocked` is owed. */
  blocked = false
  readonly #speech: CoapSpeech

  constructor(
    device: number,
    address: PeerKey,
    speech: CoapSpeech,
    transmission: Transmission,
    random: Random,
  ) {
    this.device = device
    this.address = address
    this.#speech = speech
    this.requester = new Requester(this, transmission, random, null)
  }

  transmit(datagram: Uint8Array, now: Nanoseconds): boolean {
    this.#speech.socket().toPeer(this.address, datagram, now)
    return true
  }

  responded(sequence: number, now: Nanoseconds): void {
    this.#speech.responded(this.device, sequence, now)
  }

  failed(
    sequence: number,
    _copies: number,
    reason: string,
    _code: CauseCode,
    now: Nanoseconds,
  ): void {
    this.#speech.failed(this.device, sequence, reason, now)
  }

  freed(now: Nanoseconds): void {
    if (!this.blocked || !this.requester.hasRoom(now)) return
    this.blocked = false
    this.#speech.unblocked(this.device, now)
  }

  /** Never: there is no limit. */
  unanswered(): void {}
}

export class CoapSpeech {
  readonly socket: () => DatagramSocket
  readonly #events: ConsumerEvents
  readonly #transmission: Transmission
  readonly #random: Random
  readonly #template: Uint8Array
  readonly #confirmable: boolean
  /** By device; those that were never heard from are missing. */
  readonly #listeners: Listener[] = []
  readonly #byAddress = new Map<PeerKey, Listener>()
  /** Who has requests that are neither answered nor given up. */
  readonly #asked = new Set<Listener>()
  /** Nobody is due before this; may be early. */
  #nextDue: Nanoseconds = NEVER
  /** The response that is being received. */
  #response: Message | null = null

  /** @param socket the server's, once it stands on one */
  constructor(
    config: ConsumerConfig,
    says: 'commands' | 'broadcasts',
    transmission: Transmission,
    socket: () => DatagramSocket,
    events: ConsumerEvents,
  ) {
    this.socket = socket
    this.#events = events
    this.#transmission = transmission
    this.#random = config.random
    this.#confirmable = config.reliability !== 'best-effort'
    this.#template = speechTemplate(says, this.#confirmable)
  }

  /** A device was heard from there. */
  heardFrom(device: number, address: PeerKey): void {
    const known = this.#listeners[device]
    if (known === undefined) {
      const listener = new Listener(device, address, this, this.#transmission, this.#random)
      this.#listeners[device] = listener
      this.#byAddress.set(address, listener)
    } else if (known.address !== address) {
      if (this.#byAddress.get(known.address) === known) this.#byAddress.delete(known.address)
      known.address = address
      this.#byAddress.set(address, known)
    }
  }

  command(device: number, sequence: number, payload: Uint8Array, now: Nanoseconds): boolean {
    const listener = this.#listeners[device]
    const events = this.#events.speech
    if (listener === undefined) {
      events?.transmitted(device, sequence, now)
      events?.gaveUp(device, sequence, 'the device has not registered', now)
      return true
    }
    const { requester } = listener
    if (!requester.hasRoom(now)) {
      listener.blocked = true
      this.#note(listener)
      return false
    }
    if (this.#confirmable) requester.request(sequence, this.#template, payload, now)
    else if (this.#awaitsContent) requester.requestOnce(sequence, this.#template, payload, now)
    else requester.sendOnce(this.#template, payload, now)
    this.#note(listener)
    events?.transmitted(device, sequence, now)
    return true
  }

  /** Whether the message answered a request of ours. */
  receive(from: PeerKey, message: Message, parsed: Parsed, now: Nanoseconds): boolean {
    const listener = this.#byAddress.get(from)
    if (listener === undefined) return false
    this.#response = message
    const answered = listener.requester.receive(message, parsed, now)
    this.#response = null
    this.#note(listener)
    return answered
  }

  deadline(): Nanoseconds {
    return this.#nextDue
  }

  expire(now: Nanoseconds): void {
    if (now < this.#nextDue) return
    this.#nextDue = NEVER
    for (const listener of this.#asked) {
      listener.requester.expire(now)
      listener.freed(now)
      this.#note(listener)
    }
  }

  // ---- what listeners say ------------------------------------------------------------------------------------------

  responded(device: number, sequence: number, now: Nanoseconds): void {
    const message = this.#response as Message
    const { speech } = this.#events
    if (message.code >> 5 !== 2)
      return speech?.gaveUp(device, sequence, codeName(message.code), now)
    if (this.#confirmable) speech?.acknowledged(device, sequence, now)
    const { bytes, payloadAt } = message
    if (payloadAt < bytes.length) this.#events.received(device, bytes.subarray(payloadAt), now)
  }

  failed(device: number, sequence: number, reason: string, now: Nanoseconds): void {
    this.#events.speech?.gaveUp(device, sequence, reason, now)
  }

  unblocked(device: number, now: Nanoseconds): void {
    this.#events.speech?.unblocked(device, now)
  }

  /** A NON that is answered has a token. */
  get #awaitsContent(): boolean {
    return ((this.#template[0] as number) & 15) > 0
  }

  #note(listener: Listener): void {
    const { requester } = listener
    if (requester.size === 0 && !listener.blocked) this.#asked.delete(listener)
    else this.#asked.add(listener)
    let at = requester.deadline()
    if (listener.blocked) at = Math.min(at, requester.roomAt())
    if (at < this.#nextDue) this.#nextDue = at
  }
}
