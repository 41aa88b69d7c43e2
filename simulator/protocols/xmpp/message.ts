/** Message stanzas, in as few bytes as the standard allows for what it says (RFC 6121 section 5). */
import { deviceName } from '../../core/device-name.ts'
import { escapeXML } from './element.ts'
import { NS_SM } from './namespaces.ts'

/** The localpart of the consumer's JID. */
export const COLLECTOR = 'collector'

const BODY_END = Buffer.from('</body></message>')
const BODY_END_AND_REQUEST = Buffer.from(`</body></message><r xmlns='${NS_SM}'/>`)
const ROOM = 64 * 1024
/** Of a device's localpart. */
const DIGITS = deviceName(0).length - 1
const BEFORE_DIGITS = "<message to='d".length

/** Where messages to one local part, or to all that look like it, are put together, one at a time. */
class StanzaRoom {
  readonly #local: string
  #room = new Uint8Array(ROOM)
  /** Whose start tags stand in front, up to `#head`. */
  #domain = ''
  #head = 0

  constructor(local: string) {
    this.#local = local
  }

  /** A stanza to `local@domain`; where `device` is not negative, to that device. Valid until the next call. */
  stanza(domain: string, device: number, payload: Uint8Array, request: boolean): Uint8Array {
    if (domain !== this.#domain) this.#startFor(domain)
    if (device >= 0) this.#address(device)
    const tail = request ? BODY_END_AND_REQUEST : BODY_END
    const end = this.#head + payload.length
    if (end + tail.length > this.#room.length) {
      const grown = new Uint8Array(2 * (end + tail.length))
      grown.set(this.#room.subarray(0, this.#head))
      this.#room = grown
    }
    this.#room.set(payload, this.#head)
    this.#room.set(tail, end)
    return this.#room.subarray(0, end + tail.length)
  }

  #startFor(domain: string): void {
    const text = `<message to='${this.#local}@${escapeXML(domain)}' type='normal'><body>`
    this.#room.set(Buffer.from(text))
    this.#head = Buffer.byteLength(text)
    this.#domain = domain
  }

  #address(device: number): void {
    for (let i = BEFORE_DIGITS + DIGITS - 1; i >= BEFORE_DIGITS; i--) {
      this.#room[i] = 0x30 + (device % 10)
      device = Math.floor(device / 10)
    }
  }
}

/** One each per worker. */
const toCollector = new StanzaRoom(COLLECTOR)
const toDevice = new StanzaRoom(deviceName(0))

/**
 * `<message to='collector@DOMAIN' type='normal'><body>PAYLOAD</body></message>`, and with `request` an `<r/>` (XEP-0198)
 * behind it. `payload` is base64url text, which needs no escaping. The bytes are valid until the next call.
 * With the domain thingbench.test that is 77 bytes around the payload, and 26 for the request.
 */
export const messageStanza = (to: string, payload: Uint8Array, request: boolean): Uint8Array =>
  toCollector.stanza(to, -1, payload, request)

/** The same to the bare JID of a device. */
export const commandStanza = (
  domain: string,
  device: number,
  payload: Uint8Array,
  request: boolean,
): Uint8Array => toDevice.stanza(domain, device, payload, request)
