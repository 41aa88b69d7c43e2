/**
 * The consumer's MQTT connection: subscribes to the topics of all devices and acknowledges what comes at QoS 1 and 2; it publishes
 * commands to the topics that devices subscribe to, and what is said to all to one topic.
 */
import type { Nanoseconds } from '../../core/clock.ts'
import type { Cause } from '../../core/layer.ts'
import type { ConsumerConfig, ConsumerEvents, ConsumerSession, Speech } from '../session.ts'
import { ALL_DEVICES } from '../session.ts'
import { MqttConnection } from './connection.ts'
import { publish } from './generate.ts'
import type { PublishStyle } from './generate.ts'
import { credentials, publishStyle, qosOf, settingsOf } from './options.ts'
import type { OutboundEvents } from './outbound.ts'
import { packetName, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK } from './packet.ts'
import type { Connack } from './parse.ts'
import { Said } from './said.ts'
import { SessionState } from './session-state.ts'
import { Subscription } from './subscription.ts'
import { ALL_LARGE, ALL_TOPICS, largeTopicDevice, topicDevice } from './topic.ts'
import { protocolError } from './violation.ts'

/** What answers its own messages. */
const ANSWERS: ReadonlySet<number> = new Set([PUBACK, PUBREC, PUBCOMP])
const CLIENT_ID = 'collector'
/** The same topics for a group of subscribers, each message to one of them (MQTT 5 section 4.8.2). */
const SHARED = `$share/${CLIENT_ID}/`
const LARGEST_PACKET = 16 * 1024 * 1024

export class MqttConsumer
  extends MqttConnection
  implements ConsumerSession, Speech, OutboundEvents
{
  readonly #events: ConsumerEvents
  readonly #subscription: Subscription
  /** To large messages, behind the other one; null: there are none. */
  readonly #large: Subscription | null
  readonly #commands: PublishStyle
  readonly #broadcasts: PublishStyle
  readonly #said = new Said()

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
    const { reliability } = config
    // A retained command would be heard again by whoever subscribes again.
    const spoken = { ...settings, retain: false }
    const subscription = (topics: string): Subscription => {
      const filter = settings.sharedSubscription ? `${SHARED}${topics}` : topics
      return new Subscription(this.v5, filter, qosOf(reliability))
    }
    this.#subscription = subscription(ALL_TOPICS)
    this.#large = config.large ? subscription(ALL_LARGE) : null
    this.#commands = publishStyle(spoken, reliability, 'c')
    this.#broadcasts = publishStyle(spoken, reliability, 'f')
    this.#events = events
  }

  command(device: number, sequence: number, payload: Uint8Array, now: Nanoseconds): boolean {
    return this.#say(this.#commands, device, device, sequence, payload, now)
  }

  broadcast(sequence: number, payload: Uint8Array, now: Nanoseconds): boolean {
    return this.#say(this.#broadcasts, 0, ALL_DEVICES, sequence, payload, now)
  }

  /** The stack acknowledged what is known under this number. */
  acknowledged(number: number, now: Nanoseconds): void {
    const said = this.#said
    this.#events.speech?.acknowledged(said.device(number), said.sequence(number), now)
    said.release(number)
  }

  gaveUp(number: number, reason: string, now: Nanoseconds): void {
    const said = this.#said
    this.#events.speech?.gaveUp(said.device(number), said.sequence(number), reason, now)
    said.release(number)
  }

  protected accepted(connack: Connack, now: Nanoseconds): void {
    this.maximumPacketSize = connack.maximumPacketSize
    this.control(this.#subscription.packet(this.state.outbound.free()), now)
  }

  protected arrived(
    first: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    now: Nanoseconds,
  ): void {
    const type = first >> 4
    const { replies } = this
    const { inbound, outbound } = this.state
    if (type === PUBLISH) this.#published(first, bytes, start, end, now)
    else if (type === PUBREL) inbound.released(this.v5, bytes, start, end, replies)
    else if (type === SUBACK) this.#granted(bytes, start, end, now)
    else if (this.#speaks && ANSWERS.has(type)) {
      outbound.answered(type, this.v5, bytes, start, end, replies, this, now)
      this.#release(now)
    } else throw protocolError(`${packetName(type)} to a client that only receives`, 'MQTT-4.8.0-1')
  }

  protected writable(now: Nanoseconds): void {
    this.#release(now)
  }

  protected ended(cause: Cause, now: Nanoseconds): void {
    this.#events.ended(cause, now)
  }

  /** A topic that is no device's is handed on as device -1: the consumer counts what it does not know. */
  #published(first: number, bytes: Uint8Array, start: number, end: number, now: Nanoseconds): void {
    const { inbound } = this.state
    const fields = this.#subscription.published(first, bytes, start, end, inbound, this.replies)
    if (fields === null) return
    const payload = bytes.subarray(fields.payloadStart, end)
    const large = this.#large && largeTopicDevice(bytes, fields.topicStart, fields.topicEnd)
    if (large !== null && large >= 0) this.#events.receivedLarge?.(large, payload, now)
    else this.#events.received(topicDevice(bytes, fields.topicStart, fields.topicEnd), payload, now)
  }

  #granted(bytes: Uint8Array, start: number, end: number, now: Nanoseconds): void {
    const second = this.#subscription.granted ? this.#large : null
    const refusal = (second ?? this.#subscription).answered(bytes, start, end)
    if (refusal !== null) this.fail(refusal.code, refusal.words, now, 0)
    else if (second === null && this.#large !== null)
      this.control(this.#large.packet(this.state.outbound.free()), now)
    else this.#events.consumerReady(now)
  }

  get #speaks(): boolean {
    return Boolean(this.#events.speech)
  }

  /** @param topic of which device @param whom it is for */
  #say(
    style: PublishStyle,
    topic: number,
    whom: number,
    sequence: number,
    payload: Uint8Array,
    now: Nanoseconds,
  ): boolean {
    if (!this.#subscription.granted || this.over) return false
    const { outbound } = this.state
    const { qos } = style
    if (this.stopped || (qos > 0 && outbound.full)) return this.refuse()
    const number = qos === 0 ? 0 : this.#said.put(whom, sequence)
    const id = qos === 0 ? 0 : outbound.take(number, qos)
    const packet = publish(style, topic, id, false, 'name', payload)
    if (packet.length > this.maximumPacketSize) return this.tooLarge(packet.length, now)
    if (!this.write(packet, now)) {
      if (qos > 0) {
        outbound.untake(id)
        this.#said.release(number)
      }
      return this.refuse()
    }
    if (qos > 0) outbound.sent(number, id)
    this.#events.speech?.transmitted(whom, sequence, now)
    return true
  }

  #release(now: Nanoseconds): void {
    if (this.roomAgain()) this.#events.speech?.unblocked(ALL_DEVICES, now)
  }
}
