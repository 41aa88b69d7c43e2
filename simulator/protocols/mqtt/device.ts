/**
 * One device's MQTT connection: PUBLISH of QoS 0 (best-effort), 1 (acknowledged) or 2 (exactly-once) to the device's own topics, one
 * for messages and one for large ones; all on one byte stream, or each topic on a lane of its own.
 */
import type { Nanoseconds } from '../../core/clock.ts'
import { deviceName } from '../../core/device-name.ts'
import type { Cause } from '../../core/layer.ts'
import type { DeviceEvents, DeviceSession, SessionConfig } from '../session.ts'
import { MqttConnection } from './connection.ts'
import { Lane } from './lane.ts'
import type { LaneEvents } from './lane.ts'
import { publish, pubrel } from './generate.ts'
import type { PublishStyle, TopicForm } from './generate.ts'
import { credentials, publishStyle, settingsOf } from './options.ts'
import type { Outlet } from './outlet.ts'
import { PIECE } from './outlet.ts'
import { packetName, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK } from './packet.ts'
import type { Connack } from './parse.ts'
import type { Replies } from './replies.ts'
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

/** Urgencies of the lanes (RFC 9218 section 4.1): the usual one, and the least. */
const MESSAGES_URGENCY = 3
const LARGE_URGENCY = 7

export class MqttDevice extends MqttConnection implements DeviceSession, LaneEvents {
  readonly #device: number
  readonly #style: PublishStyle
  readonly #largeStyle: PublishStyle
  readonly #inLanes: boolean
  /** On which stream what goes. */
  #messages: Outlet = this.main
  #large: Outlet = this.main
  /** Null where the application does not speak. */
  readonly #subscription: Subscription | null
  readonly #wantsAlias: boolean
  readonly #pipelines: boolean
  /** How the next PUBLISH names the topic. */
  #form: TopicForm = 'name'
  readonly #events: DeviceEvents

  constructor(config: SessionConfig, events: DeviceEvents) {
    const settings = settingsOf(config.options)
    const clientId = `${deviceName(config.device)}${config.second ? '-large' : ''}`
    const hello = {
      ...settings,
      clientId,
      will: settings.will && { ...settings.will, topic: `${settings.will.topic}/${clientId}` },
      credentials: credentials(settings, config.password),
    }
    super(hello, sessionState(settings, config.memory), LARGEST_PACKET)
    this.#device = config.device
    this.#style = publishStyle(settings, config.reliability, 'd')
    this.#largeStyle = { ...this.#style, topic: 'b' }
    this.#inLanes = config.lanes ?? false
    this.#subscription = config.hears
      ? new Subscription(this.v5, heardTopic(config.hears, config.device), this.#style.qos)
      : null
    this.#wantsAlias = settings.topicAlias
    this.#pipelines = settings.pipelining && this.#subscription === null
    this.#events = events
  }

  send(sequence: number, payload: Uint8Array, now: Nanoseconds): boolean {
    return this.#hand(this.#messages, this.#style, sequence, payload, now)
  }

  transfer(sequence: number, payload: Uint8Array, now: Nanoseconds): boolean {
    return this.#hand(this.#large, this.#largeStyle, sequence, payload, now)
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
    if (this.#inLanes) this.#openLanes(now)
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
    this.answered(first, bytes, start, end, this.replies, now)
  }

  answered(
    first: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    replies: Replies,
    now: Nanoseconds,
  ): void {
    const type = first >> 4
    if (type !== PUBACK && type !== PUBREC && type !== PUBCOMP)
      throw protocolError(`${packetName(type)} to a client that only publishes`, 'MQTT-4.8.0-1')
    this.state.outbound.answered(type, this.v5, bytes, start, end, replies, this.#events, now)
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

  laneReady(now: Nanoseconds): void {
    this.said(now)
    this.#release(now)
  }

  protected override get stuck(): boolean {
    return !this.#messages.free && !this.#large.free
  }

  /** The server takes data streams from CONNACK on. A layer below without lanes has one stream for all. */
  #openLanes(now: Nanoseconds): void {
    this.#messages = this.#openLane(MESSAGES_URGENCY, now)
    this.#large = this.#openLane(LARGE_URGENCY, now)
  }

  #openLane(urgency: number, now: Nanoseconds): Outlet {
    const { below } = this
    if (below.lane === undefined) return this.main
    const lane = new Lane(this, LARGEST_PACKET)
    below.lane(lane, urgency, now)
    return lane.outlet
  }

  #hand(
    outlet: Outlet,
    style: PublishStyle,
    sequence: number,
    payload: Uint8Array,
    now: Nanoseconds,
  ): boolean {
    if (!this.connected && !this.pipelined) return false
    if (this.over || this.#subscription?.granted === false) return false
    if (!outlet.free) return this.refuse()
    if (style.qos === 0) {
      if (!this.#publish(outlet, style, 0, false, payload, now)) return false
      this.#events.transmitted(sequence, now)
      return true
    }
    const { outbound } = this.state
    if (outbound.full) return this.refuse()
    const left = outbound.left(sequence)
    if (left !== 0) return this.#sendAgain(outlet, style, sequence, left, payload, now)
    const id = outbound.take(sequence, style.qos)
    if (!this.#publish(outlet, style, id, false, payload, now)) {
      outbound.untake(id)
      return false
    }
    outbound.sent(sequence, id)
    this.#events.transmitted(sequence, now)
    return true
  }

  /** A message of an earlier connection, under its own identifier: PUBLISH with DUP, or PUBREL [MQTT-4.4.0-1]. */
  #sendAgain(
    outlet: Outlet,
    style: PublishStyle,
    sequence: number,
    id: number,
    payload: Uint8Array,
    now: Nanoseconds,
  ): boolean {
    const { outbound } = this.state
    if (outbound.released(id)) {
      if (!outlet.write(pubrel(id), now)) return this.refuse()
      this.said(now)
    } else if (!this.#publish(outlet, style, id, true, payload, now)) return false
    outbound.sent(sequence, id)
    return true
  }

  /** False: the layer below is blocked, or the message is too large. */
  #publish(
    outlet: Outlet,
    style: PublishStyle,
    id: number,
    again: boolean,
    payload: Uint8Array,
    now: Nanoseconds,
  ): boolean {
    const form = style === this.#style ? this.#form : 'name'
    const packet = publish(style, this.#device, id, again, form, payload, PIECE)
    const size = packet.length + Math.max(0, payload.length - PIECE)
    if (size > this.maximumPacketSize) return this.tooLarge(size, now)
    if (!outlet.write(packet, now)) return this.refuse()
    this.said(now)
    if (payload.length > PIECE) outlet.follow(payload, PIECE, now)
    if (form === 'name-and-alias') this.#form = 'alias'
    return true
  }

  #release(now: Nanoseconds): void {
    if (this.roomAgain()) this.#events.unblocked(now)
  }
}
