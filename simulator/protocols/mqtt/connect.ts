/** The CONNECT packet (section 3.1). Made once per connection, so it is put together piece by piece. */
import { CONNECT } from './packet.ts'
import { RECEIVE_MAXIMUM, SESSION_EXPIRY_INTERVAL } from './properties.ts'
import { putVariable, variableSize } from './variable-integer.ts'

/** The message that the server publishes when the connection ends without DISCONNECT (section 3.1.2.5). */
export interface Will {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1 | 2
}

/** Text is ASCII. */
export interface ConnectFields {
  readonly v5: boolean
  readonly clientId: string
  /** Seconds, 0..65535; 0 is none. */
  readonly keepAlive: number
  /** Clean session in 3.1.1. */
  readonly cleanStart: boolean
  /** Seconds; MQTT 5 alone has it. 0 (the session ends with the connection) is not written. */
  readonly sessionExpiry: number
  /** MQTT 5 alone has it. 65535 is what it means when it is absent, and not written. */
  readonly receiveMaximum: number
  readonly will: Will | null
  readonly credentials: { readonly user: string; readonly password: string } | null
}

export const LARGEST_RECEIVE_MAXIMUM = 65_535

const word = (value: number): number[] => [value >> 8, value & 255]
const prefixed = (bytes: Uint8Array): number[] => [...word(bytes.length), ...bytes]
const text = (ascii: string): number[] => prefixed(Buffer.from(ascii, 'latin1'))

const properties = (fields: ConnectFields): number[] => {
  const { sessionExpiry: expiry, receiveMaximum } = fields
  const list = [
    ...(expiry > 0
      ? [SESSION_EXPIRY_INTERVAL, ...word(Math.floor(expiry / 65_536)), ...word(expiry % 65_536)]
      : []),
    ...(receiveMaximum < LARGEST_RECEIVE_MAXIMUM ? [RECEIVE_MAXIMUM, ...word(receiveMaximum)] : []),
  ]
  return [list.length, ...list]
}

export const connect = (fields: ConnectFields): Uint8Array => {
  const { v5, cleanStart, will, credentials } = fields
  const flags =
    (cleanStart ? 0x02 : 0) |
    (will === null ? 0 : 0x04 | (will.qos << 3)) |
    (credentials === null ? 0 : 0xc0)
  const body = [
    ...text('MQTT'),
    v5 ? 5 : 4,
    flags,
    ...word(fields.keepAlive),
    ...(v5 ? properties(fields) : []),
    ...text(fields.clientId),
    // The Will has a property list of its own, here empty (section 3.1.3.2).
    ...(will === null ? [] : [...(v5 ? [0] : []), ...text(will.topic), ...prefixed(will.payload)]),
    ...(credentials === null ? [] : [...text(credentials.user), ...text(credentials.password)]),
  ]
  const packet = new Uint8Array(1 + variableSize(body.length) + body.length)
  packet[0] = CONNECT << 4
  packet.set(body, putVariable(packet, 1, body.length))
  return packet
}
