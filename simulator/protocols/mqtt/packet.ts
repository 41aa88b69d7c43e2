/** Control packet types and the flags of their first byte (MQTT 3.1.1 and 5, tables 2-1 and 2-2). */
import { malformed } from './violation.ts'

export const CONNECT = 1
export const CONNACK = 2
export const PUBLISH = 3
export const PUBACK = 4
export const PUBREC = 5
export const PUBREL = 6
export const PUBCOMP = 7
export const SUBSCRIBE = 8
export const SUBACK = 9
export const PINGREQ = 12
export const PINGRESP = 13
export const DISCONNECT = 14

const NAMES = [
  'packet type 0',
  'CONNECT',
  'CONNACK',
  'PUBLISH',
  'PUBACK',
  'PUBREC',
  'PUBREL',
  'PUBCOMP',
  'SUBSCRIBE',
  'SUBACK',
  'UNSUBSCRIBE',
  'UNSUBACK',
  'PINGREQ',
  'PINGRESP',
  'DISCONNECT',
  'AUTH',
] as const

export const packetName = (type: number): string => NAMES[type] ?? `packet type ${type}`

/** Type 2 in the low four bits: PUBREL, SUBSCRIBE, UNSUBSCRIBE; 0 for the others. PUBLISH has flags of its own. */
export const flagsOf = (type: number): number =>
  type === PUBREL || type === SUBSCRIBE || type === 10 ? 2 : 0

/** Throws when the reserved flags of a packet other than PUBLISH are not what table 2-2 lists. */
export const checkFlags = (first: number): void => {
  const type = first >> 4
  if (type === PUBLISH || (first & 15) === flagsOf(type)) return
  throw malformed(
    `${packetName(type)} with flags ${first & 15} instead of ${flagsOf(type)}`,
    'MQTT-2.2.2-2, in MQTT 5 MQTT-2.1.3-1',
  )
}
