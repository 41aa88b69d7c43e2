/**
 * One device's XMPP connection: message stanzas to the bare JID of the consumer. Acknowledged means that the server
 * answers the `<r/>` behind each message with `<a h='...'/>` (XEP-0198). A device sends presence only where it is to hear something.
 */
import type { Nanoseconds } from '../../core/clock.ts'
import { deviceName } from '../../core/device-name.ts'
import type { Cause } from '../../core/layer.ts'
import type { DeviceEvents, DeviceSession, SessionConfig } from '../session.ts'
import { handledCount, message, scanMessage } from './attributes.ts'
import { AVAILABLE_STANZAS, available, READY_ID } from './available.ts'
import { XmppConnection } from './connection.ts'
import type { Element } from './element.ts'
import { messageStanza } from './message.ts'
import { NS_CLIENT } from './namespaces.ts'
import { NO_MESSAGE, Unhandled } from './unhandled.ts'

export class XmppDevice extends XmppConnection implements DeviceSession {
  readonly #domain: string
  readonly #acknowledged: boolean
  readonly #events: DeviceEvents
  readonly #hears: boolean
  readonly #unhandled = new Unhandled()
  #isReady = false
  /** `send` was refused: `unblocked` is owed. */
  #refused = false

  constructor(config: SessionConfig, events: DeviceEvents) {
    const acknowledged = config.reliability !== 'best-effort'
    const { serverName: domain, password, options, random } = config
    super({ username: deviceName(config.device), domain, password, options, random }, acknowledged)
    this.#domain = domain
    this.#acknowledged = acknowledged
    this.#events = events
    this.#hears = Boolean(config.hears)
  }

  send(sequence: number, payload: Uint8Array, now: Nanoseconds): boolean {
    if (!this.#isReady || this.over) return false
    if (!this.write(messageStanza(this.#domain, payload, this.#acknowledged), now)) {
      this.#refused = true
      return false
    }
    if (this.#acknowledged) this.#unhandled.push(sequence)
    this.#events.transmitted(sequence, now)
    return true
  }

  outstanding(): number {
    return this.#unhandled.outstanding
  }

  /** An answer is a message like any other. */
  answer(sequence: number, payload: Uint8Array, now: Nanoseconds): boolean {
    return this.send(sequence, payload, now)
  }

  protected established(now: Nanoseconds): void {
    if (!this.#hears) return this.#nowReady(now)
    this.control(available(this.#domain), now)
    for (let i = 0; i < AVAILABLE_STANZAS; i++) this.answered()
  }

  protected scanned(bytes: Uint8Array, start: number, end: number, now: Nanoseconds): boolean {
    const h = handledCount(bytes, start, end)
    if (h >= 0) {
      this.handled(h, now)
      return true
    }
    if (!this.#hears || !scanMessage(bytes, start, end)) return false
    this.counts()
    this.#events.heard?.(bytes.subarray(message.body, message.bodyEnd), now)
    return true
  }

  /** What comes otherwise are errors, where nobody takes its messages. */
  protected arrived(element: Element, now: Nanoseconds): void {
    const { type, id } = element.attrs
    if (!this.#hears || element.getName() === 'presence') return
    if (element.getName() === 'iq') {
      // An error says as surely as a result that what came before was dealt with.
      if (id === READY_ID && !this.#isReady) this.#nowReady(now)
      return
    }
    const body = type === 'error' ? undefined : element.getChild('body', NS_CLIENT)
    if (body !== undefined) this.#events.heard?.(Buffer.from(body.text()), now)
  }

  protected handled(h: number, now: Nanoseconds): void {
    for (let i = this.#unhandled.newly(h); i > 0 && !this.over; i--) {
      const sequence = this.#unhandled.shift()
      if (sequence !== NO_MESSAGE) this.#events.acknowledged(sequence, now)
    }
  }

  protected answered(): void {
    if (this.#acknowledged) this.#unhandled.push(NO_MESSAGE)
  }

  protected writable(now: Nanoseconds): void {
    if (!this.#refused) return
    this.#refused = false
    this.#events.unblocked(now)
  }

  protected ended(cause: Cause, now: Nanoseconds): void {
    this.#events.ended(cause, now)
  }

  #nowReady(now: Nanoseconds): void {
    this.#isReady = true
    this.#events.sessionReady(now)
  }
}
