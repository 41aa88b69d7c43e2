/**
 * The sending side of QoS 1 and 2 (MQTT 5 section 4.3): which identifiers are in flight, and what each waits for.
 *
 *     QoS 1  PUBLISH --PUBACK--> settled
 *     QoS 2  PUBLISH --PUBREC, answered by PUBREL--> released --PUBCOMP--> settled       [MQTT-4.3.3-1] to [MQTT-4.3.3-7]
 *
 * It is part of the session state (section 4.1.1), so it outlives the connection. It keeps no payloads: whoever has the
 * messages sends those that are not settled again on the next connection, each before any new one [MQTT-4.6.0-1]; `left`
 * then says under which identifier it is known [MQTT-4.4.0-1].
 */
import type { Nanoseconds } from '../../core/clock.ts'
import { packetName, PUBACK, PUBCOMP, PUBREC, PUBREL } from './packet.ts'
import { PacketIds } from './packet-ids.ts'
import { answerId, answerReason } from './parse.ts'
import { FAILURE, reasonInWords } from './reasons.ts'
import type { Replies } from './replies.ts'
import { protocolError } from './violation.ts'

/** What a sender is told of its messages. */
export interface OutboundEvents {
  acknowledged(sequence: number, now: Nanoseconds): void
  gaveUp(sequence: number, reason: string, now: Nanoseconds): void
}

/** Beside PUBCOMP in what an identifier waits for: its PUBREL was sent again on a new connection. */
const RECOVERED = 16
/** Reason code: packet identifier not found. */
const NOT_FOUND = 0x92
/** What no earlier connection left. */
const NOTHING = new Map<number, number>()

export class Outbound {
  readonly #ids = new PacketIds()
  /** Message number -> identifier of what an earlier connection left and this one has not sent again. */
  #left = NOTHING
  /** Sent on this connection and not settled: what the send quota of section 4.9 counts. */
  #flying = 0
  #receiveMaximum = 65_535

  /** Messages that are not settled, whichever connection sent them. */
  get size(): number {
    return this.#ids.size
  }

  /** No further PUBLISH of QoS 1 or 2 may be sent now [MQTT-3.3.4-7]. */
  get full(): boolean {
    return this.#flying >= this.#receiveMaximum
  }

  /** A new connection. @param present the server has the session, too; otherwise everything is forgotten [MQTT-3.2.2-5] */
  connected(present: boolean, receiveMaximum: number): void {
    this.#flying = 0
    this.#receiveMaximum = receiveMaximum
    if (!present) this.#ids.clear()
    this.#left = this.#ids.size === 0 ? NOTHING : this.#ids.bySequence()
  }

  /** What the server said of a connection on which messages went before its CONNACK. */
  limited(receiveMaximum: number): void {
    this.#receiveMaximum = receiveMaximum
  }

  /** The identifier under which an earlier connection left the message, or 0. */
  left(sequence: number): number {
    return this.#left.size === 0 ? 0 : (this.#left.get(sequence) ?? 0)
  }

  /** Whether PUBREC has come for `id`: what is sent again is PUBREL. */
  released(id: number): boolean {
    return (this.#ids.awaited(id) & 15) === PUBCOMP
  }

  /** An identifier for a new message. */
  take(sequence: number, qos: 1 | 2): number {
    return this.#ids.take(sequence, qos === 1 ? PUBACK : PUBREC)
  }

  /** An identifier that is not in flight, for a packet that is not a message. */
  free(): number {
    let id = 1
    while (this.#ids.awaited(id) !== 0) id++
    return id
  }

  /** The new message of `id` was not sent after all. */
  untake(id: number): void {
    this.#ids.release(id)
  }

  /** The message went out on this connection, for the first time or again. */
  sent(sequence: number, id: number): void {
    this.#flying++
    if (!this.#left.delete(sequence)) return
    if (this.released(id)) this.#ids.waitFor(id, PUBCOMP | RECOVERED)
  }

  /** PUBACK, PUBREC or PUBCOMP, the packet of `type` in `bytes`. Throws a Violation where nothing waits for it. */
  answered(
    type: number,
    v5: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
    replies: Replies,
    events: OutboundEvents,
    now: Nanoseconds,
  ): void {
    const id = answerId(v5, type, bytes, start, end)
    const awaited = this.#ids.awaited(id)
    // A second PUBREC, after PUBREL: the server has not seen that yet.
    const again = type === PUBREC && (awaited & 15) === PUBCOMP
    if (!again && (awaited & 15) !== type)
      throw protocolError(
        `${packetName(type)} with an identifier that is not in flight`,
        'MQTT-2.3.1-6, in MQTT 5 MQTT-2.2.1-5',
      )
    const reason = end - start > 2 ? answerReason(type, bytes, start, end) : null
    const refused = reason !== null && reason.code >= FAILURE
    if (type === PUBREC && !refused) {
      if (!again) this.#ids.waitFor(id, PUBCOMP)
      replies.put(PUBREL, id)
      return
    }
    const sequence = this.#settle(id)
    // "Packet Identifier not found" is no error during recovery (section 3.7.2.1): the server had settled it.
    const known = reason?.code === NOT_FOUND && (awaited & RECOVERED) !== 0
    if (refused && !known) {
      const words = reasonInWords(reason.code, reason.reasonString)
      events.gaveUp(sequence, `${packetName(type)}: ${words}`, now)
    } else events.acknowledged(sequence, now)
  }

  #settle(id: number): number {
    const sequence = this.#ids.release(id)
    // What an earlier connection sent and this one has not sent again does not count against its quota.
    if (!this.#left.delete(sequence)) this.#flying--
    return sequence
  }
}
