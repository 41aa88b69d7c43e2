/** The keys of a stack's `mqtt:` mapping, and what a session reads from them. */
import type { Nanoseconds } from '../../core/clock.ts'
import { SECOND } from '../../core/clock.ts'
import type {
  OptionRule,
  ProtocolOptions,
  Reliability,
  ScalarOptionRule,
} from '../../core/types.ts'
import { LARGEST_RECEIVE_MAXIMUM } from './connect.ts'
import type { Will } from './connect.ts'
import type { PublishStyle } from './generate.ts'
import { USER_PROPERTY } from './properties.ts'
import type { TopicLetter } from './topic.ts'

const LONGEST_WILL = 16 * 1024
const FIVE = { version: '5' } as const

const will: Readonly<Record<string, ScalarOptionRule>> = {
  topic: {
    type: 'text',
    pattern: '[a-z0-9_-]+(/[a-z0-9_-]+)*',
    allowed:
      'small letters, digits, _ and -, in levels with / between them, such as "w" or "plant/gone"',
    default: 'w',
    help: "topic of the will; / and the device's name follow",
  },
  payload: {
    type: 'size',
    least: 0,
    most: LONGEST_WILL,
    default: 8,
    help: 'payload of the will',
  },
  qos: { type: 'choice', allowed: [0, 1, 2], default: 0, help: 'QoS of the will' },
}

export const mqttOptions: Readonly<Record<string, OptionRule>> = {
  version: {
    type: 'choice',
    allowed: ['3.1.1', '5'],
    default: '3.1.1',
    help: 'version of MQTT that devices and consumer speak',
  },
  keepalive: {
    type: 'duration',
    default: 60 * SECOND,
    help: 'keep alive of devices and consumer, in whole seconds up to 65535 s (a part of a second counts as one); 0 s is none',
  },
  clean_start: {
    type: 'boolean',
    default: true,
    help: "false: the broker keeps a device's session, and a device that connects again goes on with it (clean session in 3.1.1); the consumer always starts clean",
  },
  session_expiry: {
    type: 'duration',
    default: 3600 * SECOND,
    help: 'how long the broker keeps the session of a device that is gone, in whole seconds; sent in MQTT 5 with clean_start: false',
    needs: { ...FIVE, clean_start: false },
  },
  receive_maximum: {
    type: 'integer',
    least: 1,
    most: LARGEST_RECEIVE_MAXIMUM,
    default: LARGEST_RECEIVE_MAXIMUM,
    help: 'messages of QoS 1 and 2 that may be on their way to a device, or to the consumer, unacknowledged; sent in MQTT 5',
    needs: FIVE,
  },
  pipelining: {
    type: 'boolean',
    default: false,
    help: 'devices that report say what waits right behind CONNECT, without waiting for CONNACK (MQTT 5 section 3.1.4); with a clean start',
    needs: { clean_start: true },
  },
  retain: {
    type: 'boolean',
    default: false,
    help: 'devices publish retained messages: the broker keeps the last one of each topic',
  },
  topic_alias: {
    type: 'boolean',
    default: false,
    help: "MQTT 5: from the second message of a connection on, a number stands for the device's topic, where the broker allows it",
    needs: FIVE,
  },
  user_properties: {
    type: 'integer',
    least: 0,
    most: 100,
    default: 0,
    help: 'MQTT 5: User Properties in each message, of 16 bytes each',
    needs: FIVE,
  },
  username: {
    type: 'text',
    pattern: '[!-~]{1,64}',
    allowed: 'up to 64 printable ASCII characters without a space',
    default: null,
    help: "user name of devices and consumer; the password is the run's own, 22 characters",
  },
  will: {
    type: 'mapping',
    fields: will,
    help: "devices leave a will with the broker: the message that it publishes when a device's connection ends without DISCONNECT",
  },
  shared_subscription: {
    type: 'boolean',
    default: false,
    help: 'the consumer subscribes as the one member of a group ($share/collector/d/+)',
  },
}

/** One for all devices of a worker. */
const NO_PROPERTIES = new Uint8Array(0)

/** `count` User Properties of 16 bytes each: k00 = 00000000, k01 = 00000001 ... */
const userProperties = (count: number): Uint8Array => {
  if (count === 0) return NO_PROPERTIES
  const pair = (i: number): number[] => {
    const name = `k${String(i).padStart(2, '0')}`
    const value = String(i).padStart(8, '0')
    return [
      USER_PROPERTY,
      0,
      name.length,
      ...Buffer.from(name),
      0,
      value.length,
      ...Buffer.from(value),
    ]
  }
  return Uint8Array.from(Array.from({ length: count }, (_, i) => pair(i)).flat())
}

/** Nothing of the format is without an engine. */
export const mqttPlannedOptions: readonly string[] = []

const LONGEST_KEEP_ALIVE = 65_535
/** Four bytes; the largest value would be a session that never ends. */
const LONGEST_EXPIRY = 0xff_ff_ff_fe

export interface MqttSettings {
  readonly v5: boolean
  /** Seconds, 0..65535; 0 is none. */
  readonly keepAlive: number
  readonly cleanStart: boolean
  /** Seconds; 0 with clean start. */
  readonly sessionExpiry: number
  readonly receiveMaximum: number
  /** Messages right behind CONNECT. */
  readonly pipelining: boolean
  readonly retain: boolean
  /** MQTT 5. */
  readonly topicAlias: boolean
  /** How many each PUBLISH has; 0 in 3.1.1. */
  readonly userProperties: number
  readonly username: string | null
  /** Without the device's name at the end of its topic. */
  readonly will: Will | null
  readonly sharedSubscription: boolean
}

const wholeSeconds = (duration: unknown, absent: Nanoseconds, most: number): number =>
  Math.min(Math.ceil(Number(duration ?? absent) / SECOND), most)

export const settingsOf = (options: ProtocolOptions): MqttSettings => {
  const cleanStart = options.clean_start !== false
  const v5 = String(options.version ?? '3.1.1') === '5'
  return {
    v5,
    keepAlive: wholeSeconds(options.keepalive, 60 * SECOND, LONGEST_KEEP_ALIVE),
    cleanStart,
    sessionExpiry: cleanStart
      ? 0
      : wholeSeconds(options.session_expiry, 3600 * SECOND, LONGEST_EXPIRY),
    receiveMaximum: Number(options.receive_maximum ?? LARGEST_RECEIVE_MAXIMUM),
    pipelining: cleanStart && options.pipelining === true,
    retain: options.retain === true,
    topicAlias: v5 && options.topic_alias === true,
    userProperties: v5 ? Number(options.user_properties ?? 0) : 0,
    username: options.username === undefined ? null : String(options.username),
    will: willOf(options),
    sharedSubscription: options.shared_subscription === true,
  }
}

const willOf = (options: ProtocolOptions): Will | null =>
  options['will.topic'] === undefined
    ? null
    : {
        topic: String(options['will.topic']),
        payload: new Uint8Array(Number(options['will.payload'])).fill(0x77),
        qos: Number(options['will.qos']) as Qos,
      }

/** What CONNECT shows of who connects; null: nothing. */
export const credentials = (
  { username }: MqttSettings,
  password: string,
): { readonly user: string; readonly password: string } | null =>
  username === null ? null : { user: username, password }

/** How the PUBLISH packets of a device, or of the consumer, look. */
export const publishStyle = (
  settings: MqttSettings,
  reliability: Reliability,
  topic: TopicLetter,
): PublishStyle => ({
  topic,
  v5: settings.v5,
  qos: qosOf(reliability),
  retain: settings.retain,
  userProperties: userProperties(settings.userProperties),
})

export type Qos = 0 | 1 | 2

export const qosOf = (reliability: Reliability): Qos => QOS[reliability]
const QOS = { 'best-effort': 0, acknowledged: 1, 'exactly-once': 2 } as const
