/** Properties of MQTT 5 (section 2.2.2): which exist, of which type, in which packets that a server sends; and reading a list of them. */
import { isUtf8 } from 'node:buffer'
import {
  CONNACK,
  DISCONNECT,
  packetName,
  PUBACK,
  PUBCOMP,
  PUBLISH,
  PUBREC,
  PUBREL,
  SUBACK,
} from './packet.ts'
import { hasWildcard } from './topic.ts'
import { variableAt, variableSize } from './variable-integer.ts'
import { malformed, protocolError } from './violation.ts'

export const SESSION_EXPIRY_INTERVAL = 0x11
export const REASON_STRING = 0x1f
export const SERVER_KEEP_ALIVE = 0x13
export const RECEIVE_MAXIMUM = 0x21
export const MAXIMUM_QOS = 0x24
export const USER_PROPERTY = 0x26
export const MAXIMUM_PACKET_SIZE = 0x27
const RESPONSE_TOPIC = 0x08
const SUBSCRIPTION_IDENTIFIER = 0x0b
export const TOPIC_ALIAS = 0x23
export const TOPIC_ALIAS_MAXIMUM = 0x22

type PropertyType = 'byte' | 'two' | 'four' | 'variable' | 'string' | 'binary' | 'pair'
/** Packets that have a reason code, and may have words about it. */
const REASONED = [CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, DISCONNECT] as const
type Row = readonly [id: number, name: string, type: PropertyType, ...packets: number[]]

/** Table 2-4, without what only a client sends. */
const ROWS: readonly Row[] = [
  [0x01, 'Payload Format Indicator', 'byte', PUBLISH],
  [0x02, 'Message Expiry Interval', 'four', PUBLISH],
  [0x03, 'Content Type', 'string', PUBLISH],
  [RESPONSE_TOPIC, 'Response Topic', 'string', PUBLISH],
  [0x09, 'Correlation Data', 'binary', PUBLISH],
  [SUBSCRIPTION_IDENTIFIER, 'Subscription Identifier', 'variable', PUBLISH],
  [SESSION_EXPIRY_INTERVAL, 'Session Expiry Interval', 'four', CONNACK],
  [0x12, 'Assigned Client Identifier', 'string', CONNACK],
  [SERVER_KEEP_ALIVE, 'Server Keep Alive', 'two', CONNACK],
  [0x15, 'Authentication Method', 'string', CONNACK],
  [0x16, 'Authentication Data', 'binary', CONNACK],
  [0x1a, 'Response Information', 'string', CONNACK],
  [0x1c, 'Server Reference', 'string', CONNACK, DISCONNECT],
  [REASON_STRING, 'Reason String', 'string', ...REASONED],
  [RECEIVE_MAXIMUM, 'Receive Maximum', 'two', CONNACK],
  [TOPIC_ALIAS_MAXIMUM, 'Topic Alias Maximum', 'two', CONNACK],
  [TOPIC_ALIAS, 'Topic Alias', 'two', PUBLISH],
  [MAXIMUM_QOS, 'Maximum QoS', 'byte', CONNACK],
  [0x25, 'Retain Available', 'byte', CONNACK],
  [USER_PROPERTY, 'User Property', 'pair', PUBLISH, ...REASONED],
  [MAXIMUM_PACKET_SIZE, 'Maximum Packet Size', 'four', CONNACK],
  [0x28, 'Wildcard Subscription Available', 'byte', CONNACK],
  [0x29, 'Subscription Identifier Available', 'byte', CONNACK],
  [0x2a, 'Shared Subscription Available', 'byte', CONNACK],
]
const PROPERTIES = new Map(ROWS.map((row) => [row[0], row]))

/** What a list said: numbers by identifier, and the Reason String. Other text and User Properties are checked and skipped. */
export type Properties = ReadonlyMap<number, number | string>
const NONE: Properties = new Map()

const SECTION = 'MQTT 5 section 2.2.2.2'

/** Where the property list that starts at `at` ends. */
export const propertiesEnd = (bytes: Uint8Array, at: number, end: number): number => {
  const length = variableAt(bytes, at, end)
  const listEnd = at + variableSize(length) + length
  if (length < 0 || listEnd > end)
    throw malformed('a Property Length that does not fit its packet', 'MQTT 5 section 2.2.2.1')
  return listEnd
}

/** Reads the property list that starts at `at` of a packet of type `packet` and ends at `listEnd` (see `propertiesEnd`). */
export const readProperties = (
  packet: number,
  bytes: Uint8Array,
  at: number,
  listEnd: number,
): Properties => {
  at += variableSize(variableAt(bytes, at, listEnd))
  if (at === listEnd) return NONE
  const found = new Map<number, number | string>()
  while (at < listEnd) {
    const id = bytes[at++] as number
    const row = PROPERTIES.get(id)
    if (row === undefined || !row.includes(packet, 3))
      throw malformed(`property 0x${id.toString(16)} in a ${packetName(packet)}`, SECTION)
    if (found.has(id) && id !== USER_PROPERTY && id !== SUBSCRIPTION_IDENTIFIER)
      throw protocolError(`${row[1]} twice in a ${packetName(packet)}`, SECTION)
    const size = valueSize(row[2], bytes, at, listEnd)
    if (size < 0 || at + size > listEnd)
      throw malformed(`${row[1]} that is not of its data type`, SECTION)
    if (id === RESPONSE_TOPIC && hasWildcard(bytes.subarray(at + 2, at + size)))
      throw protocolError('a Response Topic with a wildcard', 'MQTT-3.3.2-14')
    found.set(id, id === REASON_STRING ? text(bytes, at + 2, at + size) : valueOf(bytes, at, size))
    at += size
  }
  checkValues(found)
  return found
}

/** Bytes of a value of `type` at `at`, or -1 when it is malformed or does not end. */
const valueSize = (type: PropertyType, bytes: Uint8Array, at: number, end: number): number => {
  switch (type) {
    case 'byte':
      return 1
    case 'two':
      return 2
    case 'four':
      return 4
    case 'variable': {
      const value = variableAt(bytes, at, end)
      return value < 0 ? -1 : variableSize(value)
    }
    case 'binary':
      return lengthPrefixed(bytes, at, end)
    case 'string':
      return stringSize(bytes, at, end)
    case 'pair': {
      const name = stringSize(bytes, at, end)
      const value = name < 0 ? -1 : stringSize(bytes, at + name, end)
      return value < 0 ? -1 : name + value
    }
    default:
      return type satisfies never
  }
}

const lengthPrefixed = (bytes: Uint8Array, at: number, end: number): number => {
  if (at + 2 > end) return -1
  const size = 2 + (bytes[at] as number) * 256 + (bytes[at + 1] as number)
  return at + size > end ? -1 : size
}

/** Whether the bytes are a string of MQTT: well-formed UTF-8 [MQTT-1.5.4-1] without U+0000 [MQTT-1.5.4-2]. */
export const isText = (bytes: Uint8Array): boolean => isUtf8(bytes) && !bytes.includes(0)

const stringSize = (bytes: Uint8Array, at: number, end: number): number => {
  const size = lengthPrefixed(bytes, at, end)
  return size < 0 || !isText(bytes.subarray(at + 2, at + size)) ? -1 : size
}

const text = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.subarray(start, end)).toString('utf8')

/** The number in one, two or four bytes; of other types the value is of no use here. */
const valueOf = (bytes: Uint8Array, at: number, size: number): number => {
  let value = 0
  for (let i = at; i < at + Math.min(size, 4); i++) value = value * 256 + (bytes[i] as number)
  return value
}

/** Properties that say whether the server can do something: 0 or 1. */
const AVAILABLE = [0x25, 0x28, 0x29, 0x2a] as const
/** What a server may send only to a client that asked for it, as this one does not. */
const UNASKED: readonly (readonly [id: number, clause: string])[] = [
  [TOPIC_ALIAS, 'MQTT-3.1.2-27'],
  [0x15, 'MQTT-4.12.0-6'],
  [0x16, 'MQTT-4.12.0-6'],
  [0x1a, 'MQTT-3.1.2-28'],
]

const checkValues = (found: Properties): void => {
  const name = (id: number): string => String(PROPERTIES.get(id)?.[1])
  for (const id of [RECEIVE_MAXIMUM, MAXIMUM_PACKET_SIZE, TOPIC_ALIAS, SUBSCRIPTION_IDENTIFIER])
    if (found.get(id) === 0)
      throw protocolError(`${name(id)} of 0`, 'MQTT 5 section 3.2.2.3, 3.3.2.3')
  for (const id of AVAILABLE)
    if (Number(found.get(id) ?? 0) > 1)
      throw protocolError(`${name(id)} other than 0 or 1`, 'MQTT 5 section 3.2.2.3')
  for (const [id, clause] of UNASKED)
    if (found.has(id)) throw protocolError(`${name(id)}, which this client does not allow`, clause)
  if (Number(found.get(MAXIMUM_QOS) ?? 0) > 1)
    throw protocolError('a Maximum QoS other than 0 or 1', 'MQTT 5 section 3.2.2.3.4')
}
