/**
 * The receiving side of QoS 1 and 2 (MQTT 5 section 4.3): acknowledges, and hands on each message of QoS 2 once. From
 * PUBLISH until PUBREL its identifier is remembered, and what comes under it is the same message [MQTT-4.3.3-10]. Part of
 * the session state (section 4.1.1), so it outlives the connection.
 */
import { PUBACK, PUBCOMP, PUBREC, PUBREL } from './packet.ts'
import { answerId, answerReason } from './parse.ts'
import type { Replies } from './replies.ts'
import { Violation } from './violation.ts'

const NOT_FOUND = 0x92
const RECEIVE_MAXIMUM_EXCEEDED = 0x93

export class Inbound {
  /** Identifiers of QoS 2 between PUBLISH and PUBREL. A session that receives none keeps no set. */
  #unreleased: Set<number> | null = null
  readonly #receiveMaximum: number

  /** @param receiveMaximum what this client announces: more PUBLISH of QoS 2 without their PUBREL are a violation */
  constructor(receiveMaximum: number) {
    this.#receiveMaximum = receiveMaximum
  }

  /** A new connection. @param present the server has the session, too */
  connected(present: boolean): void {
    if (!present) this.#unreleased = null
  }

  /** A PUBLISH came. Says whether its message is to be handed on. */
  published(qos: 0 | 1 | 2, id: number, replies: Replies): boolean {
    if (qos === 0) return true
    if (qos === 1) {
      replies.put(PUBACK, id)
      return true
    }
    replies.put(PUBREC, id)
    this.#unreleased ??= new Set()
    const unreleased = this.#unreleased
    if (unreleased.has(id)) return false
    unreleased.add(id)
    if (unreleased.size > this.#receiveMaximum)
      throw new Violation(
        `more than ${this.#receiveMaximum} PUBLISH without waiting for their acknowledgement [MQTT-3.3.4-9]`,
        RECEIVE_MAXIMUM_EXCEEDED,
      )
    return true
  }

  /** A PUBREL came. One for an unknown identifier is answered, too: after a PUBCOMP that was lost it comes again. */
  released(v5: boolean, bytes: Uint8Array, start: number, end: number, replies: Replies): void {
    const id = answerId(v5, PUBREL, bytes, start, end)
    if (end - start > 2) answerReason(PUBREL, bytes, start, end)
    const known = this.#unreleased?.delete(id) ?? false
    replies.put(PUBCOMP, id, v5 && !known ? NOT_FOUND : 0)
  }
}
