/**
 * The consumer's XMPP connection. Initial presence makes messages to the bare JID come here (RFC 6121 section 8.5.2);
 * an iq behind it tells when the server has dealt with it, because stanzas are processed in order (RFC 6120 section 10.1).
 */
import type { Nanoseconds } from '../../core/clock.ts'
import { deviceAt } from '../../core/device-name.ts'
import type { Cause } from '../../core/layer.ts'
import type { ConsumerConfig, ConsumerEvents, ConsumerSession } from '../session.ts'
import { message, scanMessage } from './attributes.ts'
import { XmppConnection } from './connection.ts'
import { conditionOf, escapeXML, type Element } from './element.ts'
import { COLLECTOR } from './message.ts'
import { NS_CLIENT, NS_PING, NS_STANZA_ERRORS } from './namespaces.ts'
import { refused } from './violation.ts'

const READY_ID = 'ready'
/** Of a device's localpart, as `deviceAt` reads it. */
const NAME_LENGTH = 7
const AT_SIGN = 0x40

/** The device whose JID stands from `start` to `end`, or -1. */
const senderAt = (bytes: Uint8Array, start: number, end: number): number =>
  start + NAME_LENGTH < end && bytes[start + NAME_LENGTH] === AT_SIGN ? deviceAt(bytes, start) : -1

export class XmppConsumer extends XmppConnection implements ConsumerSession {
  readonly #domain: string
  readonly #events: ConsumerEvents
  #isReady = false

  constructor(config: ConsumerConfig, events: ConsumerEvents) {
    const { serverName: domain, password, options, random } = config
    super(
      { username: COLLECTOR, domain, password, options, random },
      config.reliability !== 'best-effort',
    )
    this.#domain = domain
    this.#events = events
  }

  protected established(now: Nanoseconds): void {
    const ping = `<iq type='get' id='${READY_ID}' to='${escapeXML(this.#domain)}'><ping xmlns='${NS_PING}'/></iq>`
    this.control(`<presence/>${ping}`, now)
  }

  /** A message of somebody who is no device is handed on as device -1: the consumer counts what it does not know. */
  protected scanned(bytes: Uint8Array, start: number, end: number, now: Nanoseconds): boolean {
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

  /** The consumer asks for no acknowledgements: it sends nothing that could be lost. */
  protected handled(): void {}

  protected answered(): void {}

  protected writable(): void {}

  protected ended(cause: Cause, now: Nanoseconds): void {
    this.#events.ended(cause, now)
  }
}
