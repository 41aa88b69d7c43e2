/** Return codes of 3.1.1 and reason codes of MQTT 5, in words. */
import type { CauseCode } from '../../core/layer.ts'

/** CONNACK return codes of 3.1.1 (table 3.1); a 3.1.1 server gives them to a client of MQTT 5 as well. */
const RETURN_CODES: Readonly<Record<number, string>> = {
  1: 'unacceptable protocol version',
  2: 'identifier rejected',
  3: 'server unavailable',
  4: 'bad user name or password',
  5: 'not authorized',
}

/** Reason codes that a server sends (MQTT 5 section 2.4). */
const REASON_CODES: Readonly<Record<number, string>> = {
  0x00: 'success',
  0x10: 'no matching subscribers',
  0x80: 'unspecified error',
  0x81: 'malformed packet',
  0x82: 'protocol error',
  0x83: 'implementation specific error',
  0x84: 'unsupported protocol version',
  0x85: 'client identifier not valid',
  0x86: 'bad user name or password',
  0x87: 'not authorized',
  0x88: 'server unavailable',
  0x89: 'server busy',
  0x8a: 'banned',
  0x8b: 'server shutting down',
  0x8c: 'bad authentication method',
  0x8d: 'keep alive timeout',
  0x8e: 'session taken over',
  0x8f: 'topic filter invalid',
  0x90: 'topic name invalid',
  0x91: 'packet identifier in use',
  0x92: 'packet identifier not found',
  0x93: 'receive maximum exceeded',
  0x94: 'topic alias invalid',
  0x95: 'packet too large',
  0x96: 'message rate too high',
  0x97: 'quota exceeded',
  0x98: 'administrative action',
  0x99: 'payload format invalid',
  0x9a: 'retain not supported',
  0x9b: 'QoS not supported',
  0x9c: 'use another server',
  0x9d: 'server moved',
  0x9e: 'shared subscriptions not supported',
  0x9f: 'connection rate exceeded',
  0xa0: 'maximum connect time',
  0xa1: 'subscription identifiers not supported',
  0xa2: 'wildcard subscriptions not supported',
}

/** From this code on a reason code is a failure (MQTT 5 section 2.4). */
export const FAILURE = 0x80

/** "not authorized (0x87)", with the server's own words where it gives any. */
export const reasonInWords = (code: number, reasonString = ''): string => {
  const words = (code < FAILURE && RETURN_CODES[code]) || REASON_CODES[code] || 'unknown reason'
  return `${words} (0x${code.toString(16).padStart(2, '0')})${reasonString && `: ${reasonString}`}`
}

/** What a refused CONNECT or a DISCONNECT with this code counts as; `otherwise` where the code says nothing about who is at fault. */
export const causeOfReason = (code: number, otherwise: CauseCode): CauseCode => {
  switch (code) {
    case 0x04:
    case 0x05:
    case 0x86:
    case 0x87:
    case 0x8a:
    case 0x8c:
      return 'authentication'
    case 0x81:
    case 0x82:
    case 0x93:
    case 0x94:
    case 0x95:
      return 'protocol'
    case 0x8d:
      return 'timeout'
    case 0x8e:
      return 'taken-over'
    case 0x96:
    case 0x97:
    case 0x9f:
      return 'quota'
    default:
      return otherwise
  }
}
