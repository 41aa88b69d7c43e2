/** The message stanza of a device, in as few bytes as the standard allows for what it says (RFC 6121 section 5). */
import { escapeXML } from './element.ts'
import { NS_SM } from './namespaces.ts'

/** The localpart of the consumer's JID. */
export const COLLECTOR = 'collector'

const BODY_END = Buffer.from('</body></message>')
const BODY_END_AND_REQUEST = Buffer.from(`</body></message><r xmlns='${NS_SM}'/>`)
const ROOM = 64 * 1024

/** One per worker: a message is put together here and handed on at once. `head` is the domain whose start tags stand in front. */
let room = new Uint8Array(ROOM)
let domain = ''
let head = 0

const startFor = (name: string): void => {
  const text = `<message to='${COLLECTOR}@${escapeXML(name)}' type='normal'><body>`
  room.set(Buffer.from(text))
  head = Buffer.byteLength(text)
  domain = name
}

/**
 * `<message to='collector@DOMAIN' type='normal'><body>PAYLOAD</body></message>`, and with `request` an `<r/>` (XEP-0198)
 * behind it. `payload` is base64url text, which needs no escaping. The bytes are valid until the next call.
 * With the domain thingbench.test that is 77 bytes around the payload, and 26 for the request.
 */
export const messageStanza = (to: string, payload: Uint8Array, request: boolean): Uint8Array => {
  if (to !== domain) startFor(to)
  const tail = request ? BODY_END_AND_REQUEST : BODY_END
  const end = head + payload.length
  if (end + tail.length > room.length) {
    const grown = new Uint8Array(2 * (end + tail.length))
    grown.set(room.subarray(0, head))
    room = grown
  }
  room.set(payload, head)
  room.set(tail, end)
  return room.subarray(0, end + tail.length)
}
