/**
 * A scanner for start tags as servers write them: `name='value'` with single spaces between, ASCII, no references.
 * Anything else is not refused but left to the parser: every function here either agrees with it or says that it cannot tell.
 */
import { NS_SM } from './namespaces.ts'

/** The attribute that `nextAttribute` found last: offsets into the bytes. One per worker. */
export const attribute = { name: 0, nameEnd: 0, value: 0, valueEnd: 0 }

const SPACE = 0x20
const EQUALS = 0x3d
const QUOTE = 0x22
const APOSTROPHE = 0x27
const AMPERSAND = 0x26
const SLASH = 0x2f
const GREATER = 0x3e
const LOWER_A = 0x61
const LOWER_Z = 0x7a
const COLON = 0x3a

/** Reads the attribute that begins with the space at `at` into `attribute`. Returns the offset behind it, or -1: cannot tell. */
export const nextAttribute = (bytes: Uint8Array, at: number, end: number): number => {
  if (bytes[at] !== SPACE) return -1
  let i = at + 1
  attribute.name = i
  for (; i < end; i++) {
    const byte = bytes[i] as number
    if ((byte < LOWER_A || byte > LOWER_Z) && byte !== COLON) break
  }
  attribute.nameEnd = i
  if (i === at + 1 || bytes[i] !== EQUALS) return -1
  const quote = bytes[i + 1] as number
  if (quote !== APOSTROPHE && quote !== QUOTE) return -1
  i += 2
  attribute.value = i
  for (; i < end; i++) {
    const byte = bytes[i] as number
    if (byte === quote) {
      attribute.valueEnd = i
      return i + 1
    }
    if (byte === AMPERSAND || byte >= 0x80) return -1
  }
  return -1
}

/** Whether `bytes` holds exactly `text` (ASCII) from `start` to `end`. */
export const spells = (
  bytes: Uint8Array,
  start: number,
  end: number,
  text: Uint8Array,
): boolean => {
  if (end - start !== text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false
  return true
}

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))

const XMLNS = ascii('xmlns')
const H = ascii('h')
const SM = ascii(NS_SM)
const MOST_DIGITS = 10

/**
 * The count of handled stanzas in `<a xmlns='urn:xmpp:sm:3' h='7'/>` (XEP-0198 section 4), the answer to every message.
 * -1: not of this form; the parser decides what it is.
 */
export const handledCount = (bytes: Uint8Array, start: number, end: number): number => {
  if (bytes[start + 1] !== LOWER_A || bytes[end - 2] !== SLASH || bytes[end - 1] !== GREATER)
    return -1
  let named = false
  let h = -1
  let at = start + 2
  while (at < end - 2) {
    at = nextAttribute(bytes, at, end - 2)
    if (at < 0) return -1
    if (spells(bytes, attribute.name, attribute.nameEnd, XMLNS)) {
      if (!spells(bytes, attribute.value, attribute.valueEnd, SM)) return -1
      named = true
    } else if (spells(bytes, attribute.name, attribute.nameEnd, H)) {
      h = decimal(bytes, attribute.value, attribute.valueEnd)
    } else return -1
  }
  return named ? h : -1
}

const decimal = (bytes: Uint8Array, start: number, end: number): number => {
  if (end === start || end - start > MOST_DIGITS) return -1
  let value = 0
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] as number) - 0x30
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

const MESSAGE = ascii('<message')
const BODY = ascii('><body>')
const END = ascii('</body></message>')
const FROM = ascii('from')
const TYPE = ascii('type')
const NORMAL = ascii('normal')
const CHAT = ascii('chat')

/** What `scanMessage` found: where the sender's JID starts, and the body from `body` to `bodyEnd`. One per worker. */
export const message = { from: 0, fromEnd: 0, body: 0, bodyEnd: 0 }

/**
 * Reads `<message ...><body>...</body></message>` of type normal or chat, in ASCII without references, into `message`:
 * what a device sends, as a server delivers it. False: not of this form; the parser decides what it is.
 */
export const scanMessage = (bytes: Uint8Array, start: number, end: number): boolean => {
  const tail = end - END.length
  if (tail <= start || !spells(bytes, start, start + MESSAGE.length, MESSAGE)) return false
  let at = start + MESSAGE.length
  message.from = -1
  while (bytes[at] === SPACE) {
    at = nextAttribute(bytes, at, tail)
    if (at < 0) return false
    const { name, nameEnd, value, valueEnd } = attribute
    if (spells(bytes, name, nameEnd, FROM)) {
      message.from = value
      message.fromEnd = valueEnd
    } else if (spells(bytes, name, nameEnd, TYPE)) {
      if (!spells(bytes, value, valueEnd, NORMAL) && !spells(bytes, value, valueEnd, CHAT))
        return false
    } else if (spells(bytes, name, nameEnd, XMLNS)) return false
  }
  message.body = at + BODY.length
  message.bodyEnd = tail
  return (
    message.from >= 0 &&
    message.body <= tail &&
    spells(bytes, at, message.body, BODY) &&
    spells(bytes, tail, end, END) &&
    plain(bytes, message.body, tail)
  )
}

/** Text that stands for itself: ASCII, no markup, no references. */
const plain = (bytes: Uint8Array, start: number, end: number): boolean => {
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number
    if (byte >= 0x80 || byte === AMPERSAND || byte === 0x3c) return false
  }
  return true
}
