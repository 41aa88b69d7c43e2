/**
 * Packets that a client sends. Each is built in one buffer of this worker and valid until the next is built:
 * who cannot send it at once copies it.
 */
import { CONNECT, DISCONNECT, PINGREQ, PUBACK, PUBLISH, SUBSCRIBE } from './packet.ts'
import { putTopic, TOPIC_SIZE } from './topic.ts'
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

/** CONNECT with clean start (clean session in 3.1.1), no will, no user. @param clientId ASCII @param keepAlive seconds, 0..65535; 0 is none */
export const connect = (v5: boolean, clientId: string, keepAlive: number): Uint8Array => {
  const remaining = 10 + (v5 ? 1 : 0) + 2 + clientId.length
  const out = room(5 + remaining)
  out[0] = CONNECT << 4
  let at = putAscii(out, putVariable(out, 1, remaining), 'MQTT')
  out[at++] = v5 ? 5 : 4
  out[at++] = 0x02
  out[at++] = keepAlive >> 8
  out[at++] = keepAlive & 255
  if (v5) out[at++] = 0
  return built(putAscii(out, at, clientId))
}

/** PUBLISH to the topic of `device`, not retained, not a duplicate. `id` is for QoS 1 only. */
export const publish = (
  v5: boolean,
  device: number,
  qos: 0 | 1,
  id: number,
  payload: Uint8Array,
): Uint8Array => {
  const remaining = 2 + TOPIC_SIZE + 2 * qos + (v5 ? 1 : 0) + payload.length
  const size = 1 + variableSize(remaining) + remaining
  const out = room(size)
  out[0] = (PUBLISH << 4) | (qos << 1)
  let at = putVariable(out, 1, remaining)
  out[at++] = 0
  out[at++] = TOPIC_SIZE
  at = putTopic(out, at, device)
  if (qos === 1) {
    out[at++] = id >> 8
    out[at++] = id & 255
  }
  if (v5) out[at++] = 0
  out.set(payload, at)
  return built(size)
}

export const PUBACK_SIZE = 4

/** Writes the PUBACK of `id` at `at` of `out`: the short form, which means success in MQTT 5 too (section 3.4.2.1). */
export const putPuback = (out: Uint8Array, at: number, id: number): void => {
  out[at] = PUBACK << 4
  out[at + 1] = 2
  out[at + 2] = id >> 8
  out[at + 3] = id & 255
}

/** SUBSCRIBE to one topic filter. @param filter ASCII */
export const subscribe = (v5: boolean, id: number, filter: string, qos: 0 | 1): Uint8Array => {
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
