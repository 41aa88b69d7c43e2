/** Where a packet has its identifier (MQTT 3.1.1 section 2.3.1), in variable header and payload from `start` to `end`. */
import {
  PUBACK,
  PUBCOMP,
  PUBLISH,
  PUBREC,
  PUBREL,
  SUBACK,
  SUBSCRIBE,
} from '../../protocols/mqtt/packet.ts'
import { malformed } from '../../protocols/mqtt/violation.ts'

const UNSUBSCRIBE = 10
export const UNSUBACK = 11

/** A request of a client that begins or goes on with a flight of its own. -1: the packet carries no such identifier. Throws a Violation. */
export const requestIdAt = (
  first: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number => {
  const type = first >> 4
  if (type === PUBLISH) {
    if ((first & 6) === 0) return -1
    return within(start + 2 + wordAt(bytes, within(start, end)), end)
  }
  if (type === PUBREL || type === SUBSCRIBE || type === UNSUBSCRIBE) return within(start, end)
  return -1
}

/** An answer of the broker to such a request. */
export const isAnswer = (first: number): boolean => {
  const type = first >> 4
  return (
    type === PUBACK || type === PUBREC || type === PUBCOMP || type === SUBACK || type === UNSUBACK
  )
}

/** Whether this answer is the last of its flight; a PUBREC is when it refuses (MQTT 5 section 4.3.3). */
export const endsFlight = (first: number, bytes: Uint8Array, start: number, end: number): boolean =>
  first >> 4 !== PUBREC || (end - start > 2 && (bytes[start + 2] ?? 0) >= 0x80)

export const wordAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at] as number) * 256 + (bytes[at + 1] as number)

export const putWord = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >> 8
  bytes[at + 1] = value & 255
}

const within = (at: number, end: number): number => {
  if (at + 2 > end) throw malformed('a packet that ends before its fields do', 'MQTT section 2.1')
  return at
}
