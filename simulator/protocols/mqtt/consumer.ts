/** The consumer's MQTT connection: subscribes to the topics of all devices and acknowledges what comes at QoS 1 and 2. */
import type { Nanoseconds } from '../../core/clock.ts'
import type { Cause } from '../../core/layer.ts'
import type { ConsumerConfig, ConsumerEvents, ConsumerSession } from '../session.ts'
import { MqttConnection } from './connection.ts'
import { subscribe } from './generate.ts'
import { credentials, qosOf, settingsOf } from './options.ts'
import type { Qos } from './options.ts'
import { packetName, PUBLISH, PUBREL, SUBACK } from './packet.ts'
import type { Connack } from './parse.ts'
import { checkTopic, parsePublish, parseSuback, publishFields } from './parse.ts'
import { causeOfReason, FAILURE, reasonInWords } from './reasons.ts'
import { SessionState } from './session-state.ts'
import { ALL_TOPICS, topicDevice } from './topic.ts'
import { protocolError } from './violation.ts'

const CLIENT_ID = 'collector'
/** The same topics for a group of subscribers, each message to one of them (MQTT 5 section 4.8.2). */
const SHARED = `$share/${CLIENT_ID}/${ALL_TOPICS}`
const SUBSCRIBE_ID = 1
const LARGEST_PACKET = 16 * 1024 * 1024

export class MqttConsumer extends MqttConnection implements ConsumerSession {
  readonly #qos: Qos
  readonly #events: ConsumerEvents
  readonly #fields = publishFields()
  readonly #filter: string
  #subscribed = false

  constructor(config: ConsumerConfig, events: ConsumerEvents) {
    // A consumer whose connection ends has failed: its session is not kept.
    const settings = settingsOf(config.options)
    const hello = {
      ...settings,
      clientId: CLIENT_ID,
      cleanStart: true,
      sessionExpiry: 0,
      will: null,
      credentials: credentials(settings, config.password),
    }
    super(hello, new SessionState(settings.receiveMaximum), LARGEST_PACKET)
    this.#filter = settings.sharedSubscription ? SHARED : ALL_TOPICS
    this.#qos = qosOf(config.reliability)
    this.#events = events
  }

  protected accepted(_connack: Connack, now: Nanoseconds): void {
    this.control(subscribe(this.v5, SUBSCRIBE_ID, this.#filter, this.#qos), now)
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
    else if (type === PUBREL) this.state.inbound.released(this.v5, bytes, start, end, this.replies)
    else if (type === SUBACK) this.#granted(bytes, start, end, now)
    else throw protocolError(`${packetName(type)} to a client that only receives`, 'MQTT-4.8.0-1')
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
    const device = topicDevice(bytes, fields.topicStart, fields.topicEnd)
    if (device < 0) checkTopic(bytes.subarray(fields.topicStart, fields.topicEnd))
    if (!this.state.inbound.published(fields.qos, fields.id, this.replies)) return
    this.#events.received(device, bytes.subarray(fields.payloadStart, end), now)
  }

  #granted(bytes: Uint8Array, start: number, end: number, now: Nanoseconds): void {
    const { id, code, reasonString } = parseSuback(this.v5, bytes, start, end)
    if (id !== SUBSCRIBE_ID || this.#subscribed)
      throw protocolError('SUBACK without its SUBSCRIBE', 'MQTT-3.8.4-2')
    if (code >= FAILURE) {
      const words = `SUBSCRIBE to ${this.#filter} refused: ${reasonInWords(code, reasonString)}`
      this.fail(causeOfReason(code, 'protocol'), words, now, 0)
      return
    }
    if (code !== this.#qos) {
      const words = `SUBSCRIBE to ${this.#filter} was granted QoS ${code} instead of ${this.#qos}`
      this.fail('protocol', words, now, 0)
      return
    }
    this.#subscribed = true
    this.#events.consumerReady(now)
  }
}
