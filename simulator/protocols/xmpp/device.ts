/**
 * One device's XMPP connection: message stanzas to the bare JID of the consumer. Acknowledged means that the server
 * answers the `<r/>` behind each message with `<a h='...'/>` (XEP-0198). A device sends no presence.
 */
import type { Nanoseconds } from '../../core/clock.ts'
import { deviceName } from '../../core/device-name.ts'
import type { Cause } from '../../core/layer.ts'
import type { DeviceEvents, DeviceSession, SessionConfig } from '../session.ts'
import { handledCount } from './attributes.ts'
import { XmppConnection } from './connection.ts'
import { messageStanza } from './message.ts'
import { broken } from './violation.ts'

/** In the queue of stanzas: one that is no message. */
const NO_MESSAGE = -1

export class XmppDevice extends XmppConnection implements DeviceSession {
  readonly #domain: string
  readonly #acknowledged: boolean
  readonly #events: DeviceEvents
  /** Sequences of the stanzas that the server has not said it handled, in order. */
  #unhandled: number[] = []
  #outstanding = 0
  /** The last h. */
  #h = 0
  /** `send` was refused: `unblocked` is owed. */
  #refused = false

  constructor(config: SessionConfig, events: DeviceEvents) {
    const acknowledged = config.reliability !== 'best-effort'
    const { serverName: domain, password, options, random } = config
    super({ username: deviceName(config.device), domain, password, options, random }, acknowledged)
    this.#domain = domain
    this.#acknowledged = acknowledged
    this.#events = events
  }

  send(sequence: number, payload: Uint8Array, now: Nanoseconds): boolean {
    if (!this.bound || this.over) return false
    if (!this.write(messageStanza(this.#domain, payload, this.#acknowledged), now)) {
      this.#refused = true
      return false
    }
    if (this.#acknowledged) {
      this.#unhandled.push(sequence)
      this.#outstanding++
    }
    this.#events.transmitted(sequence, now)
    return true
  }

  outstanding(): number {
    return this.#outstanding
  }

  protected established(now: Nanoseconds): void {
    this.#events.sessionReady(now)
  }

  protected scanned(bytes: Uint8Array, start: number, end: number, now: Nanoseconds): boolean {
    const h = handledCount(bytes, start, end)
    if (h < 0) return false
    this.handled(h, now)
    return true
  }

  /** A device asks nothing; what comes are errors, where nobody takes its messages. */
  protected arrived(): void {}

  protected handled(h: number, now: Nanoseconds): void {
    const newly = (h - this.#h) >>> 0
    if (newly > this.#unhandled.length)
      throw broken(
        `h='${h}' where ${this.#h + this.#unhandled.length} stanzas were sent`,
        'XEP-0198 section 4',
        'undefined-condition',
      )
    this.#h = h
    for (let i = 0; i < newly && !this.over; i++) {
      const sequence = this.#unhandled.shift() as number
      if (sequence === NO_MESSAGE) continue
      this.#outstanding--
      this.#events.acknowledged(sequence, now)
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
}
