/**
 * Packets that a client sends. Each is built in one buffer of this worker and valid until the next is built:
 * who cannot send it at once copies it.
 */
import { DISCONNECT, flagsOf, PINGREQ, PUBLISH, PUBREL, SUBSCRIBE } from './packet.ts'
import { TOPIC_ALIAS } from './properties.ts'
import { putTopic, TOPIC_SIZE, type TopicLetter } from './topic.ts'
import { putVariable, variableSize } from './variable-integer.ts'

let scratch = new Uint8Array(4096)
let latest = scratch

const room = (size: number): Uint8Array => {
  if (scratch.length < size) scratch = new Uint8Array(2 * size)
  return scratch
}

/** The first `size` bytes of the buffer; messages of one size share one view. */
const built = (size: number): Uint8Array => {
  if (latest.length !== size || latest.buffer !== scratch.buffer) latest = scratch.subarray(0, size)
  return latest
}

const putAscii = (out: Uint8Array, at: number, text: string): number => {
  out[at++] = text.length >> 8
  out[at++] = text.length & 255
  for (let i = 0; i < text.length; i++) out[at++] = text.charCodeAt(i)
  return at
}

/** What all PUBLISH packets of a session have in common. */
export interface PublishStyle {
  readonly topic: TopicLetter
  readonly v5: boolean
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  /** User Properties as they stand in the packet (MQTT 5). */
  readonly userProperties: Uint8Array
}

/** How a PUBLISH names its topic: in full; in full, with the alias that stands for it from now on; by the alias alone (MQTT 5 section 3.3.2.3.4). */
export type TopicForm = 'name' | 'name-and-alias' | 'alias'
/** The one topic of a device has the one alias it needs. */
const ALIAS = 1
const ALIAS_SIZE = 3

/**
 * PUBLISH to the topic of `device`, with at most the first `most` bytes of the payload: what is behind them is to follow.
 * @param again sent before, on an earlier connection: DUP @param id for QoS 1 and 2 only @param form other than `name` in MQTT 5 only
 */
export const publish = (
  style: PublishStyle,
  device: number,
  id: number,
  again: boolean,
  form: TopicForm,
  payload: Uint8Array,
  most = Infinity,
): Uint8Array => {
  const { v5, qos, userProperties } = style
  const topic = form === 'alias' ? 0 : TOPIC_SIZE
  const properties = (form === 'name' ? 0 : ALIAS_SIZE) + userProperties.length
  const remaining =
    2 +
    topic +
    (qos === 0 ? 0 : 2) +
    (v5 ? variableSize(properties) + properties : 0) +
    payload.length
  const first = payload.length > most ? payload.subarray(0, most) : payload
  const size = 1 + variableSize(remaining) + remaining - payload.length + first.length
  const out = room(size)
  out[0] = (PUBLISH << 4) | (again ? 8 : 0) | (qos << 1) | (style.retain ? 1 : 0)
  let at = putVariable(out, 1, remaining)
  out[at++] = 0
  out[at++] = topic
  if (topic > 0) at = putTopic(out, at, style.topic, device)
  if (qos > 0) {
    out[at++] = id >> 8
    out[at++] = id & 255
  }
  if (v5) {
    at = putVariable(out, at, properties)
    if (form !== 'name') {
      out[at++] = TOPIC_ALIAS
      out[at++] = 0
      out[at++] = ALIAS
    }
    out.set(userProperties, at)
    at += userProperties.length
  }
  out.set(first, at)
  return built(size)
}

/**
 * Writes the PUBACK, PUBREC, PUBREL or PUBCOMP of `id` at `at` of `out` and returns where it ends. Without a reason it is the
 * short form, which means success in MQTT 5 too (section 3.4.2.1).
 */
export const putAnswer = (
  out: Uint8Array,
  at: number,
  type: number,
  id: number,
  reason: number,
): number => {
  out[at] = (type << 4) | flagsOf(type)
  out[at + 1] = reason === 0 ? 2 : 3
  out[at + 2] = id >> 8
  out[at + 3] = id & 255
  if (reason === 0) return at + 4
  out[at + 4] = reason
  return at + 5
}

/** The PUBREL of `id`, alone. */
export const pubrel = (id: number): Uint8Array => built(putAnswer(room(4), 0, PUBREL, id, 0))

/** SUBSCRIBE to one topic filter. @param filter ASCII */
export const subscribe = (v5: boolean, id: number, filter: string, qos: 0 | 1 | 2): Uint8Array => {
  const remaining = 2 + (v5 ? 1 : 0) + 2 + filter.length + 1
  const out = room(5 + remaining)
  out[0] = (SUBSCRIBE << 4) | 2
  let at = putVariable(out, 1, remaining)
  out[at++] = id >> 8
  out[at++] = id & 255
  if (v5) out[at++] = 0
  at = putAscii(out, at, filter)
  out[at++] = qos
  return built(at)
}

export const pingreq = (): Uint8Array => {
  const out = room(2)
  out[0] = PINGREQ << 4
  out[1] = 0
  return built(2)
}

/** DISCONNECT. @param reasonCode of MQTT 5; 0 (normal disconnection) gives the packet of both versions */
export const disconnect = (reasonCode: number): Uint8Array => {
  const out = room(3)
  out[0] = DISCONNECT << 4
  out[1] = reasonCode === 0 ? 0 : 1
  out[2] = reasonCode
  return built(reasonCode === 0 ? 2 : 3)
}
