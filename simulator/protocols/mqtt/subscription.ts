/** One topic filter that a client subscribes to: SUBSCRIBE, SUBACK, and the PUBLISH packets that come for it. */
import type { CauseCode } from '../../core/layer.ts'
import { subscribe } from './generate.ts'
import type { Inbound } from './inbound.ts'
import type { Qos } from './options.ts'
import {
  checkTopic,
  parsePublish,
  parseSuback,
  publishFields,
  type PublishFields,
} from './parse.ts'
import { causeOfReason, FAILURE, reasonInWords } from './reasons.ts'
import type { Replies } from './replies.ts'
import { topicDevice } from './topic.ts'
import { protocolError } from './violation.ts'

export class Subscription {
  /** SUBACK has come. */
  granted = false
  readonly #filter: string
  readonly #qos: Qos
  readonly #v5: boolean
  readonly #fields = publishFields()
  #id = 0

  constructor(v5: boolean, filter: string, qos: Qos) {
    this.#v5 = v5
    this.#filter = filter
    this.#qos = qos
  }

  /** @param id a packet identifier that is not in flight */
  packet(id: number): Uint8Array {
    this.#id = id
    return subscribe(this.#v5, id, this.#filter, this.#qos)
  }

  /** SUBACK came. Null: granted as it was asked; otherwise why the connection is of no use. Throws a Violation. */
  answered(
    bytes: Uint8Array,
    start: number,
    end: number,
  ): { readonly code: CauseCode; readonly words: string } | null {
    const { id, code, reasonString } = parseSuback(this.#v5, bytes, start, end)
    if (id !== this.#id || this.granted)
      throw protocolError('SUBACK without its SUBSCRIBE', 'MQTT-3.8.4-2')
    const asked = `SUBSCRIBE to ${this.#filter}`
    if (code >= FAILURE)
      return {
        code: causeOfReason(code, 'protocol'),
        words: `${asked} refused: ${reasonInWords(code, reasonString)}`,
      }
    if (code !== this.#qos)
      return {
        code: 'protocol',
        words: `${asked} was granted QoS ${code} instead of ${this.#qos}`,
      }
    this.granted = true
    return null
  }

  /** PUBLISH came: where its parts are, or null when its message was handed on before. Throws a Violation. */
  published(
    first: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    inbound: Inbound,
    replies: Replies,
  ): PublishFields | null {
    const fields = this.#fields
    parsePublish(this.#v5, first, bytes, start, end, fields)
    if (fields.qos > this.#qos)
      throw protocolError(
        `PUBLISH of QoS ${fields.qos}, over the QoS granted`,
        'MQTT-3.8.4-6, in MQTT 5 MQTT-3.8.4-8',
      )
    // A topic that names a device is known to be one.
    if (topicDevice(bytes, fields.topicStart, fields.topicEnd) < 0)
      checkTopic(bytes.subarray(fields.topicStart, fields.topicEnd))
    return inbound.published(fields.qos, fields.id, replies) ? fields : null
  }
}
