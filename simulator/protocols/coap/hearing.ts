/**
 * The serving side of a device: it hears what the application says (RFC 7252 section 1: endpoints may be client and server at
 * once). A request is delivered once per message ID; a duplicate CON is answered with the same bytes (section 4.5).
 */
import type { Nanoseconds } from '../../core/clock.ts'
import { BROADCAST_PATH, COMMAND_PATH } from './device-requests.ts'
import {
  ACK,
  BAD_OPTION,
  CHANGED,
  CON,
  HEADER,
  type Message,
  METHOD_NOT_ALLOWED,
  NON,
  NOT_FOUND,
  POST,
  URI_PATH,
} from './message.ts'
import { MessageWriter } from './message-writer.ts'
import type { Transmission } from './options.ts'
import { RecentIds } from './recent-ids.ts'
import type { Requester } from './requester.ts'

/** A device hears from one server: as many IDs as there are. */
const SLOTS = 65536
/** Replies kept for duplicates: with NSTART = 1 the server repeats no other request than its last. */
const KEPT = 8
const LONGEST_REPLY = 65507

/** One per worker: a reply is put together here, and copied where it is kept. */
let writer: MessageWriter | null = null

export class Hearing {
  readonly #path: number
  readonly #transmission: Transmission
  /** Made when the server first says something. */
  #ids: RecentIds | null = null
  /** The last replies to CON requests, and the IDs of those. */
  readonly #replies: Uint8Array[] = []
  readonly #repliedIds: number[] = []
  /** The present request has its answer. */
  #answered = false

  constructor(hears: 'commands' | 'broadcasts', transmission: Transmission) {
    this.#path = (hears === 'commands' ? COMMAND_PATH : BROADCAST_PATH).charCodeAt(0)
    this.#transmission = transmission
  }

  /** The response code for a request: 2.04, or why a device does not serve it. It serves POST with the one path. */
  decide(message: Message): number {
    message.rewind()
    let segments = 0
    let here = true
    while (message.nextOption()) {
      const { option, optionLength, optionAt, bytes } = message
      if (option === URI_PATH) {
        segments++
        here &&= optionLength === 1 && bytes[optionAt] === this.#path
      } else if (option & 1) return BAD_OPTION
    }
    if (!here || segments !== 1) return NOT_FOUND
    return message.code === POST ? CHANGED : METHOD_NOT_ALLOWED
  }

  /** What refuses a request with the code; null: a NON is ignored (section 4.3). */
  refuse(message: Message, code: number): Uint8Array | null {
    return message.type === CON ? compose(message, ACK, code, message.id, NO_CONTENT) : null
  }

  /** What is to be done with a request: deliver it, ignore it, or send this reply again. */
  begin(message: Message, now: Nanoseconds): 'deliver' | 'ignore' | Uint8Array {
    const confirmable = message.type === CON
    const { exchangeLifetime, nonLifetime } = this.#transmission
    this.#ids ??= new RecentIds({ slots: SLOTS })
    this.#answered = false
    if (!this.#ids.seen(message.id, confirmable ? exchangeLifetime : nonLifetime, now))
      return 'deliver'
    const kept = confirmable ? this.#repliedIds.indexOf(message.id) : -1
    return this.#replies[kept] ?? 'ignore'
  }

  /** The answer to the present request: piggybacked on the ACK of a CON, as a NON to a NON (section 5.2). */
  answer(
    message: Message,
    requester: Requester,
    payload: Uint8Array,
    now: Nanoseconds,
  ): Uint8Array {
    this.#answered = true
    if (message.type === CON)
      return this.#keep(message.id, compose(message, ACK, CHANGED, message.id, payload))
    return compose(message, NON, CHANGED, requester.takeId(now), payload)
  }

  /** What ends a request that was not answered with content; null: nothing is needed. */
  end(message: Message): Uint8Array | null {
    if (this.#answered || message.type !== CON) return null
    return this.#keep(message.id, compose(message, ACK, CHANGED, message.id, NO_CONTENT))
  }

  #keep(id: number, reply: Uint8Array): Uint8Array {
    if (this.#replies.length === KEPT) {
      this.#replies.shift()
      this.#repliedIds.shift()
    }
    const kept = reply.slice()
    this.#replies.push(kept)
    this.#repliedIds.push(id)
    return kept
  }
}

const NO_CONTENT = new Uint8Array(0)

/** A response with the token of the request. */
const compose = (
  message: Message,
  type: number,
  code: number,
  id: number,
  payload: Uint8Array,
): Uint8Array => {
  writer ??= new MessageWriter(LONGEST_REPLY)
  writer.begin(type, code, id, message.bytes, HEADER, message.tokenLength)
  writer.payload(payload)
  return writer.message()
}
