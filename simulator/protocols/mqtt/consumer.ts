/** The consumer's MQTT connection: subscribes to the topics of all devices and acknowledges what comes at QoS 1. */
import type { Nanoseconds } from '../../core/clock.ts'
import type { Cause } from '../../core/layer.ts'
import type { ConsumerConfig, ConsumerEvents, ConsumerSession } from '../session.ts'
import { MqttConnection } from './connection.ts'
import { PUBACK_SIZE, putPuback, subscribe } from './generate.ts'
import { settingsOf } from './options.ts'
import { packetName, PUBLISH, SUBACK } from './packet.ts'
import type { Connack } from './parse.ts'
import { parsePublish, parseSuback, publishFields } from './parse.ts'
import { FAILURE, reasonInWords } from './reasons.ts'
import { ALL_TOPICS, topicDevice } from './topic.ts'
import { protocolError } from './violation.ts'

const CLIENT_ID = 'collector'
const SUBSCRIBE_ID = 1
const LARGEST_PACKET = 16 * 1024 * 1024

export class MqttConsumer extends MqttConnection implements ConsumerSession {
  readonly #qos: 0 | 1
  readonly #events: ConsumerEvents
  readonly #fields = publishFields()
  #subscribed = false
  /** PUBACKs of the packets of one call from below: they leave in one write. */
  #acks = new Uint8Array(256 * PUBACK_SIZE)
  #ackBytes = 0

  constructor(config: ConsumerConfig, events: ConsumerEvents) {
    super(CLIENT_ID, settingsOf(config.options), LARGEST_PACKET)
    this.#qos = config.reliability === 'best-effort' ? 0 : 1
    this.#events = events
  }

  protected accepted(_connack: Connack, now: Nanoseconds): void {
    this.control(subscribe(this.v5, SUBSCRIBE_ID, ALL_TOPICS, this.#qos), now)
  }

  protected arrived(
    first: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    now: Nanoseconds,
  ): void {
    const type = first >> 4
    if (type === PUBLISH) this.#published(first, bytes, start, end, now)
    else if (type === SUBACK) this.#granted(bytes, start, end, now)
    else throw protocolError(`${packetName(type)} to a client that only receives`, 'MQTT-4.8.0-1')
  }

  protected drained(now: Nanoseconds): void {
    if (this.#ackBytes === 0) return
    const acks = this.#acks.subarray(0, this.#ackBytes)
    this.#ackBytes = 0
    this.control(acks, now)
  }

  protected writable(): void {}

  protected ended(cause: Cause, now: Nanoseconds): void {
    this.#events.ended(cause, now)
  }

  /** A topic that is no device's is handed on as device -1: the consumer counts what it does not know. */
  #published(first: number, bytes: Uint8Array, start: number, end: number, now: Nanoseconds): void {
    const fields = this.#fields
    parsePublish(this.v5, first, bytes, start, end, fields)
    if (fields.qos > this.#qos)
      throw protocolError(
        `PUBLISH of QoS ${fields.qos}, over the QoS granted`,
        'MQTT-3.8.4-6, in MQTT 5 MQTT-3.8.4-8',
      )
    if (fields.qos === 1) this.#acknowledge(fields.id)
    const device = topicDevice(bytes, fields.topicStart, fields.topicEnd)
    this.#events.received(device, bytes.subarray(fields.payloadStart, end), now)
  }

  #acknowledge(id: number): void {
    if (this.#ackBytes === this.#acks.length) {
      const grown = new Uint8Array(2 * this.#acks.length)
      grown.set(this.#acks)
      this.#acks = grown
    }
    putPuback(this.#acks, this.#ackBytes, id)
    this.#ackBytes += PUBACK_SIZE
  }

  #granted(bytes: Uint8Array, start: number, end: number, now: Nanoseconds): void {
    const { id, code, reasonString } = parseSuback(this.v5, bytes, start, end)
    if (id !== SUBSCRIBE_ID || this.#subscribed)
      throw protocolError('SUBACK without its SUBSCRIBE', 'MQTT-3.8.4-2')
    if (code >= FAILURE) {
      const words = `SUBSCRIBE to ${ALL_TOPICS} refused: ${reasonInWords(code, reasonString)}`
      this.fail(code === 0x87 ? 'authentication' : 'protocol', words, now, 0)
      return
    }
    if (code !== this.#qos) {
      const words = `SUBSCRIBE to ${ALL_TOPICS} was granted QoS ${code} instead of ${this.#qos}`
      this.fail('protocol', words, now, 0)
      return
    }
    this.#subscribed = true
    this.#events.consumerReady(now)
  }
}
