/** The consumer's XMPP connection: it is available at its bare JID, and sends messages to those of devices. */
import type { Nanoseconds } from '../../core/clock.ts'
import { deviceAt } from '../../core/device-name.ts'
import type { Cause } from '../../core/layer.ts'
import type { ConsumerConfig, ConsumerEvents, ConsumerSession } from '../session.ts'
import { ALL_DEVICES } from '../session.ts'
import { handledCount, message, scanMessage } from './attributes.ts'
import { AVAILABLE_STANZAS, available, READY_ID } from './available.ts'
import { XmppConnection } from './connection.ts'
import { conditionOf, type Element } from './element.ts'
import { COLLECTOR, commandStanza } from './message.ts'
import { NS_CLIENT, NS_STANZA_ERRORS } from './namespaces.ts'
import { NO_MESSAGE, Unhandled } from './unhandled.ts'
import { refused } from './violation.ts'

/** A message in the queue of stanzas is device x this + sequence: exact in a double for a million devices. */
const SEQUENCES = 2 ** 32
/** Of a device's localpart, as `deviceAt` reads it. */
const NAME_LENGTH = 7
const AT_SIGN = 0x40

/** The device whose JID stands from `start` to `end`, or -1. */
const senderAt = (bytes: Uint8Array, start: number, end: number): number =>
  start + NAME_LENGTH < end && bytes[start + NAME_LENGTH] === AT_SIGN ? deviceAt(bytes, start) : -1

export class XmppConsumer extends XmppConnection implements ConsumerSession {
  readonly #domain: string
  readonly #events: ConsumerEvents
  readonly #acknowledged: boolean
  readonly #unhandled = new Unhandled()
  #isReady = false
  /** `command` was refused: `unblocked` is owed. */
  #refused = false

  constructor(config: ConsumerConfig, events: ConsumerEvents) {
    const { serverName: domain, password, options, random } = config
    const acknowledged = config.reliability !== 'best-effort'
    super({ username: COLLECTOR, domain, password, options, random }, acknowledged)
    this.#acknowledged = acknowledged
    this.#domain = domain
    this.#events = events
  }

  protected established(now: Nanoseconds): void {
    this.control(available(this.#domain), now)
    for (let i = 0; i < AVAILABLE_STANZAS; i++) this.answered()
  }

  command(device: number, sequence: number, payload: Uint8Array, now: Nanoseconds): boolean {
    if (!this.#isReady || this.over) return false
    if (!this.write(commandStanza(this.#domain, device, payload, this.#acknowledged), now)) {
      this.#refused = true
      return false
    }
    if (this.#acknowledged) this.#unhandled.push(device * SEQUENCES + sequence)
    this.#events.speech?.transmitted(device, sequence, now)
    return true
  }

  /** A message of somebody who is no device is handed on as device -1: the consumer counts what it does not know. */
  protected scanned(bytes: Uint8Array, start: number, end: number, now: Nanoseconds): boolean {
    const h = handledCount(bytes, start, end)
    if (h >= 0) {
      this.handled(h, now)
      return true
    }
    if (!scanMessage(bytes, start, end)) return false
    this.counts()
    const device = senderAt(bytes, message.from, message.fromEnd)
    this.#events.received(device, bytes.subarray(message.body, message.bodyEnd), now)
    return true
  }

  protected arrived(element: Element, now: Nanoseconds): void {
    const { type, id } = element.attrs
    switch (element.getName()) {
      case 'message':
        if (type !== 'error') this.#message(element, now)
        return
      case 'presence':
        if (type !== 'error') return
        throw refused(
          'protocol',
          `presence refused: ${conditionOf(element.getChild('error'), NS_STANZA_ERRORS)}`,
        )
      default:
        // An error says as surely as a result that what came before was dealt with.
        if (id !== READY_ID || this.#isReady) return
        this.#isReady = true
        this.#events.consumerReady(now)
    }
  }

  #message(element: Element, now: Nanoseconds): void {
    const body = element.getChild('body', NS_CLIENT)
    if (body === undefined) return
    const from = Buffer.from(element.attrs.from ?? '')
    this.#events.received(senderAt(from, 0, from.length), Buffer.from(body.text()), now)
  }

  protected handled(h: number, now: Nanoseconds): void {
    for (let i = this.#unhandled.newly(h); i > 0 && !this.over; i--) {
      const sent = this.#unhandled.shift()
      if (sent === NO_MESSAGE) continue
      const device = Math.floor(sent / SEQUENCES)
      this.#events.speech?.acknowledged(device, sent - device * SEQUENCES, now)
    }
  }

  protected answered(): void {
    if (this.#acknowledged) this.#unhandled.push(NO_MESSAGE)
  }

  protected writable(now: Nanoseconds): void {
    if (!this.#refused) return
    this.#refused = false
    this.#events.speech?.unblocked(ALL_DEVICES, now)
  }

  protected ended(cause: Cause, now: Nanoseconds): void {
    this.#events.ended(cause, now)
  }
}
