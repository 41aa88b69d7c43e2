/** One device's MQTT connection: PUBLISH of QoS 0 (best-effort), 1 (acknowledged) or 2 (exactly-once) to the device's own topic. */
import type { Nanoseconds } from '../../core/clock.ts'
import { deviceName } from '../../core/device-name.ts'
import type { Cause } from '../../core/layer.ts'
import type { DeviceEvents, DeviceSession, SessionConfig } from '../session.ts'
import { MqttConnection } from './connection.ts'
import { publish, pubrel } from './generate.ts'
import type { PublishStyle, TopicForm } from './generate.ts'
import { credentials, publishStyle, settingsOf } from './options.ts'
import { packetName, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK } from './packet.ts'
import type { Connack } from './parse.ts'
import { sessionState } from './session-state.ts'
import { Subscription } from './subscription.ts'
import { topicOf } from './topic.ts'
import { protocolError } from './violation.ts'

/** A server has nothing large to say to a client that publishes, or hears what the application says. */
const LARGEST_PACKET = 64 * 1024

/** Messages of QoS 1 and 2 before CONNACK says how many the server takes at a time: no more than any server here does. */
const MOST_UNASKED = 16

/** What comes to a client that has subscribed, besides answers to what it publishes. */
const HEARD: ReadonlySet<number> = new Set([PUBLISH, PUBREL, SUBACK])

const heardTopic = (hears: 'commands' | 'broadcasts', device: number): string =>
  hears === 'commands' ? topicOf('c', device) : topicOf('f', 0)

export class MqttDevice extends MqttConnection implements DeviceSession {
  readonly #device: number
  readonly #style: PublishStyle
  /** Null where the application does not speak. */
  readonly #subscription: Subscription | null
  readonly #wantsAlias: boolean
  readonly #pipelines: boolean
  /** How the next PUBLISH names the topic. */
  #form: TopicForm = 'name'
  readonly #events: DeviceEvents

  constructor(config: SessionConfig, events: DeviceEvents) {
    const settings = settingsOf(config.options)
    const clientId = deviceName(config.device)
    const hello = {
      ...settings,
      clientId,
      will: settings.will && { ...settings.will, topic: `${settings.will.topic}/${clientId}` },
      credentials: credentials(settings, config.password),
    }
    super(hello, sessionState(settings, config.memory), LARGEST_PACKET)
    this.#device = config.device
    this.#style = publishStyle(settings, config.reliability, 'd')
    this.#subscription = config.hears
      ? new Subscription(this.v5, heardTopic(config.hears, config.device), this.#style.qos)
      : null
    this.#wantsAlias = settings.topicAlias
    this.#pipelines = settings.pipelining && this.#subscription === null
    this.#events = events
  }

  send(sequence: number, payload: Uint8Array, now: Nanoseconds): boolean {
    if (!this.connected && !this.pipelined) return false
    if (this.over || this.#subscription?.granted === false) return false
    if (this.stopped) return this.refuse()
    const { qos } = this.#style
    if (qos === 0) {
      if (!this.#publish(0, false, payload, now)) return false
      this.#events.transmitted(sequence, now)
      return true
    }
    if (this.state.outbound.full) return this.refuse()
    const left = this.state.outbound.left(sequence)
    return left === 0
      ? this.#sendNew(sequence, qos, payload, now)
      : this.#sendAgain(sequence, left, payload, now)
  }

  /** An answer is a message like any other. */
  answer(sequence: number, payload: Uint8Array, now: Nanoseconds): boolean {
    return this.send(sequence, payload, now)
  }

  outstanding(): number {
    return this.state.outbound.size
  }

  protected override asked(now: Nanoseconds): void {
    if (!this.#pipelines) return
    this.pipelined = true
    this.state.outbound.connected(false, MOST_UNASKED)
    this.#events.takesMessages?.(this, now)
  }

  protected accepted(connack: Connack, now: Nanoseconds): void {
    if (connack.maximumQos < this.#style.qos) {
      const words = `the server takes at most QoS ${connack.maximumQos} [MQTT-3.2.2-11]`
      this.fail('protocol', words, now, 0x9b)
      return
    }
    this.maximumPacketSize = connack.maximumPacketSize
    // An alias holds for one connection (MQTT 5 section 3.3.2.3.4), and only where the server takes one [MQTT-3.2.2-18].
    if (this.#wantsAlias && connack.topicAliasMaximum > 0) this.#form = 'name-and-alias'
    if (this.#subscription === null) {
      this.#events.sessionReady(now)
      this.#release(now)
    } else this.control(this.#subscription.packet(this.state.outbound.free()), now)
  }

  protected arrived(
    first: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    now: Nanoseconds,
  ): void {
    const type = first >> 4
    if (this.#subscription !== null && HEARD.has(type))
      return this.#heard(this.#subscription, type, first, bytes, start, end, now)
    if (type !== PUBACK && type !== PUBREC && type !== PUBCOMP)
      throw protocolError(`${packetName(type)} to a client that only publishes`, 'MQTT-4.8.0-1')
    const { replies, v5 } = this
    this.state.outbound.answered(type, v5, bytes, start, end, replies, this.#events, now)
    this.#release(now)
  }

  #heard(
    subscription: Subscription,
    type: number,
    first: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    now: Nanoseconds,
  ): void {
    const { replies } = this
    const { inbound } = this.state
    if (type === PUBREL) inbound.released(this.v5, bytes, start, end, replies)
    else if (type === SUBACK) {
      const refusal = subscription.answered(bytes, start, end)
      if (refusal === null) this.#events.sessionReady(now)
      else this.fail(refusal.code, refusal.words, now, 0)
    } else {
      const fields = subscription.published(first, bytes, start, end, inbound, replies)
      if (fields !== null) this.#events.heard?.(bytes.subarray(fields.payloadStart, end), now)
    }
  }

  protected writable(now: Nanoseconds): void {
    this.#release(now)
  }

  protected ended(cause: Cause, now: Nanoseconds): void {
    this.#events.ended(cause, now)
  }

  #sendNew(sequence: number, qos: 1 | 2, payload: Uint8Array, now: Nanoseconds): boolean {
    const { outbound } = this.state
    const id = outbound.take(sequence, qos)
    if (!this.#publish(id, false, payload, now)) {
      outbound.untake(id)
      return false
    }
    outbound.sent(sequence, id)
    this.#events.transmitted(sequence, now)
    return true
  }

  /** A message of an earlier connection, under its own identifier: PUBLISH with DUP, or PUBREL [MQTT-4.4.0-1]. */
  #sendAgain(sequence: number, id: number, payload: Uint8Array, now: Nanoseconds): boolean {
    const { outbound } = this.state
    if (outbound.released(id)) {
      if (!this.write(pubrel(id), now)) return this.refuse()
    } else if (!this.#publish(id, true, payload, now)) return false
    outbound.sent(sequence, id)
    return true
  }

  /** False: the layer below is blocked, or the message is too large. */
  #publish(id: number, again: boolean, payload: Uint8Array, now: Nanoseconds): boolean {
    const packet = publish(this.#style, this.#device, id, again, this.#form, payload)
    if (packet.length > this.maximumPacketSize) return this.tooLarge(packet.length, now)
    if (!this.write(packet, now)) return this.refuse()
    if (this.#form === 'name-and-alias') this.#form = 'alias'
    return true
  }

  #release(now: Nanoseconds): void {
    if (this.roomAgain()) this.#events.unblocked(now)
  }
}
