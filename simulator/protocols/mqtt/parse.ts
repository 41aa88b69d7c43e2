/** Packets that a server sends, from their variable header and payload in `bytes` from `start` to `end`. All throw Violations. */
import { CONNACK, DISCONNECT, packetName, PUBLISH, SUBACK } from './packet.ts'
import {
  isText,
  MAXIMUM_PACKET_SIZE,
  MAXIMUM_QOS,
  propertiesEnd,
  readProperties,
  REASON_STRING,
  RECEIVE_MAXIMUM,
  SERVER_KEEP_ALIVE,
  TOPIC_ALIAS_MAXIMUM,
} from './properties.ts'
import type { Properties } from './properties.ts'
import { hasWildcard } from './topic.ts'
import { malformed, protocolError } from './violation.ts'

export interface Connack {
  /** 0: accepted. A return code of 3.1.1 or a reason code of MQTT 5 otherwise. */
  readonly code: number
  readonly sessionPresent: boolean
  /** Messages of QoS 1 and 2 that may be unacknowledged at a time. */
  readonly receiveMaximum: number
  readonly maximumQos: number
  /** Bytes. */
  readonly maximumPacketSize: number
  /** Seconds; null leaves it to the client. */
  readonly serverKeepAlive: number | null
  /** Largest alias that stands for a topic; 0: none may. */
  readonly topicAliasMaximum: number
  readonly reasonString: string
}

const word = (bytes: Uint8Array, at: number): number =>
  (bytes[at] as number) * 256 + (bytes[at + 1] as number)

/** Reads a property list that must be the last of its packet. */
const lastProperties = (packet: number, bytes: Uint8Array, at: number, end: number): Properties => {
  const listEnd = propertiesEnd(bytes, at, end)
  if (listEnd !== end) throw tooLong(packet, end - listEnd)
  return readProperties(packet, bytes, at, listEnd)
}

const tooShort = (packet: number): Error =>
  malformed(`${packetName(packet)} that ends before its fields do`, 'MQTT section 2.1, 1.5')
const tooLong = (packet: number, extra: number): Error =>
  malformed(`${packetName(packet)} with ${extra} bytes after its last field`, 'MQTT section 2.1')

const reasonStringOf = (properties: Properties): string =>
  String(properties.get(REASON_STRING) ?? '')
const numberOf = (properties: Properties, id: number, absent: number): number =>
  Number(properties.get(id) ?? absent)

/** CONNACK (section 3.2). A refusal in two bytes is also taken in MQTT 5: a server that speaks only 3.1.1 answers so. */
export const parseConnack = (
  v5: boolean,
  bytes: Uint8Array,
  start: number,
  end: number,
): Connack => {
  if (end - start < 2) throw tooShort(CONNACK)
  const flags = bytes[start] as number
  const code = bytes[start + 1] as number
  if (flags > 1) throw malformed(`CONNACK with acknowledge flags ${flags}`, 'MQTT-3.2.2-1')
  if (flags === 1 && code !== 0)
    throw protocolError(
      'CONNACK that refuses, with a session present',
      'MQTT-3.2.2-4, in MQTT 5 MQTT-3.2.2-6',
    )
  const hasProperties = v5 && !(code !== 0 && end - start === 2)
  if (!hasProperties && end - start > 2) throw tooLong(CONNACK, end - start - 2)
  const properties: Properties = hasProperties
    ? lastProperties(CONNACK, bytes, start + 2, end)
    : new Map<number, number>()
  return {
    code,
    sessionPresent: flags === 1,
    receiveMaximum: numberOf(properties, RECEIVE_MAXIMUM, 65_535),
    maximumQos: numberOf(properties, MAXIMUM_QOS, 2),
    maximumPacketSize: numberOf(properties, MAXIMUM_PACKET_SIZE, Infinity),
    serverKeepAlive: properties.has(SERVER_KEEP_ALIVE)
      ? numberOf(properties, SERVER_KEEP_ALIVE, 0)
      : null,
    topicAliasMaximum: numberOf(properties, TOPIC_ALIAS_MAXIMUM, 0),
    reasonString: reasonStringOf(properties),
  }
}

/** Where the parts of a PUBLISH are. One object per reader of PUBLISH packets, overwritten by each. */
export interface PublishFields {
  qos: 0 | 1 | 2
  duplicate: boolean
  topicStart: number
  topicEnd: number
  /** 0 for QoS 0. */
  id: number
  payloadStart: number
}

export const publishFields = (): PublishFields => ({
  qos: 0,
  duplicate: false,
  topicStart: 0,
  topicEnd: 0,
  id: 0,
  payloadStart: 0,
})

/** PUBLISH (section 3.3) into `fields`; the payload reaches to `end`. */
export const parsePublish = (
  v5: boolean,
  first: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  fields: PublishFields,
): void => {
  const qos = (first >> 1) & 3
  if (qos === 3) throw malformed('PUBLISH with both QoS bits set', 'MQTT-3.3.1-4')
  fields.qos = qos as 0 | 1 | 2
  fields.duplicate = (first & 8) !== 0
  if (fields.duplicate && qos === 0) throw malformed('PUBLISH of QoS 0 with DUP', 'MQTT-3.3.1-2')
  if (end - start < 2) throw tooShort(PUBLISH)
  fields.topicStart = start + 2
  let at = start + 2 + word(bytes, start)
  fields.topicEnd = at
  fields.id = 0
  if (at + (qos > 0 ? 2 : 0) > end) throw tooShort(PUBLISH)
  if (qos > 0) {
    fields.id = word(bytes, at)
    if (fields.id === 0)
      throw malformed('PUBLISH with packet identifier 0', 'MQTT-2.3.1-1, in MQTT 5 MQTT-2.2.1-4')
    at += 2
  }
  if (v5) {
    const listEnd = propertiesEnd(bytes, at, end)
    if (listEnd - at > 1) readProperties(PUBLISH, bytes, at, listEnd)
    at = listEnd
  }
  fields.payloadStart = at
}

/** Throws where the topic of a PUBLISH is none. */
export const checkTopic = (topic: Uint8Array): void => {
  if (topic.length === 0)
    throw protocolError(
      'PUBLISH without a topic, and without an alias for one',
      'MQTT-4.7.3-1, in MQTT 5 section 3.3.2.1',
    )
  if (!isText(topic))
    throw malformed(
      'PUBLISH whose topic is no UTF-8 text, or has a null character',
      'MQTT-3.3.2-1, MQTT-1.5.4-1, MQTT-1.5.4-2',
    )
  if (hasWildcard(topic)) throw malformed('PUBLISH to a topic with a wildcard', 'MQTT-3.3.2-2')
}

/** The packet identifier of a PUBACK, PUBREC, PUBREL or PUBCOMP (sections 3.4 to 3.7). */
export const answerId = (
  v5: boolean,
  type: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number => {
  if (end - start < 2) throw tooShort(type)
  if (!v5 && end - start > 2) throw tooLong(type, end - start - 2)
  const id = word(bytes, start)
  if (id === 0)
    throw malformed(`${packetName(type)} with packet identifier 0`, 'MQTT section 2.3.1, 2.2.1')
  return id
}

/** What MQTT 5 says beyond the identifier, where such a packet has more than the identifier. */
export const answerReason = (
  type: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly code: number; readonly reasonString: string } => ({
  code: bytes[start + 2] as number,
  reasonString: end - start > 3 ? reasonStringOf(lastProperties(type, bytes, start + 3, end)) : '',
})

/** SUBACK (section 3.9) of a SUBSCRIBE with one filter. */
export const parseSuback = (
  v5: boolean,
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly id: number; readonly code: number; readonly reasonString: string } => {
  if (end - start < 3) throw tooShort(SUBACK)
  let at = start + 2
  let reasonString = ''
  if (v5) {
    const listEnd = propertiesEnd(bytes, at, end)
    reasonString = reasonStringOf(readProperties(SUBACK, bytes, at, listEnd))
    at = listEnd
  }
  if (end - at !== 1)
    throw malformed(
      `SUBACK with ${end - at} codes for one topic filter`,
      'MQTT-3.8.4-5, MQTT-3.8.4-6',
    )
  return { id: word(bytes, start), code: bytes[at] as number, reasonString }
}

/** DISCONNECT of MQTT 5 (section 3.14). */
export const parseDisconnect = (
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly code: number; readonly reasonString: string } => ({
  code: end > start ? (bytes[start] as number) : 0,
  reasonString:
    end - start > 1 ? reasonStringOf(lastProperties(DISCONNECT, bytes, start + 1, end)) : '',
})
