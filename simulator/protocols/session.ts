/**
 * What every application protocol offers to the fleet and to the consumer, in protocol-neutral verbs.
 * A new protocol is one folder with an adapter and one line in index.ts; shared code never asks for a protocol's name.
 */
import type { Nanoseconds } from '../core/clock.ts'
import type { DatagramEndpoint } from '../core/endpoint.ts'
import type { Cause, Timed, Upper } from '../core/layer.ts'
import type { Random } from '../core/random.ts'
import type { ProtocolOptions, Reliability } from '../core/types.ts'

/** What a device session tells its device. Calls come from inside calls into the session. */
export interface DeviceEvents {
  /** Application ready: CONNACK, bound JID, answer to the registration request. Once per session. */
  sessionReady(now: Nanoseconds): void
  /** Before `sessionReady`: the session takes messages already, which then go before the peer has let it in. */
  takesMessages?(session: Pick<DeviceSession, 'send' | 'transfer'>, now: Nanoseconds): void
  /** The first transmission of the message was handed to the layer below. */
  transmitted(sequence: number, now: Nanoseconds): void
  /** The stack's own acknowledgement of the message came (never for best-effort). */
  acknowledged(sequence: number, now: Nanoseconds): void
  /** The session gave the message up: CON without answer after all retransmissions, RST, error response. */
  gaveUp(sequence: number, reason: string, now: Nanoseconds): void
  /** After a refused `send` or `answer`: the session takes messages again. */
  unblocked(now: Nanoseconds): void
  /** The application spoke to the device: a command, or what it says to all. `payload` is valid only during the call. */
  heard?(payload: Uint8Array, now: Nanoseconds): void
  /** The session is over, and with it the pile; no call follows. */
  ended(cause: Cause, now: Nanoseconds): void
}

/** One device's connection: the top of the pile. */
export interface DeviceSession extends Upper, Timed {
  /**
   * Takes the message (true) or is blocked (false: NSTART, window, lower layer full; `unblocked` follows).
   * Only after `sessionReady`. `sequence` is the device's own number of the message and comes back in the events.
   * After `sessionReady` come first, in their order, the messages that an earlier session left unacknowledged.
   */
  send(sequence: number, payload: Uint8Array, now: Nanoseconds): boolean
  /**
   * Takes a message that may be large, on a way of its own where the connection has one: taken or blocked, transmitted and
   * acknowledged like a message, under a number that is no message's. Of `payload`, what is behind the first 16 384 bytes must not
   * change before the session is over. Present where the adapter has `large`.
   */
  transfer?(sequence: number, payload: Uint8Array, now: Nanoseconds): boolean
  /**
   * Answers a command. Taken or blocked, transmitted and acknowledged like a message; where the protocol answers requests
   * itself (CoAP), only from inside `heard`, always taken, and no event follows. Present where the adapter has `speech`.
   */
  answer?(sequence: number, payload: Uint8Array, now: Nanoseconds): boolean
  /** Messages taken, also by sessions before it on the same memory, and neither acknowledged nor given up; 0 for best-effort. */
  outstanding(): number
  /** Orderly end (DISCONNECT, </stream:stream>, nothing for CoAP), then closes the layer below. `ended` is not called. */
  close(now: Nanoseconds): void
}

/** What a session tells of the application's own messages. `device` is whom they are for, ALL_DEVICES for a broadcast. */
export interface SpeechEvents {
  /** The first transmission was handed to the layer below. */
  transmitted(device: number, sequence: number, now: Nanoseconds): void
  /** The stack's own acknowledgement came (never for best-effort). */
  acknowledged(device: number, sequence: number, now: Nanoseconds): void
  /** The session gave the message up; nobody may have been reached. */
  gaveUp(device: number, sequence: number, reason: string, now: Nanoseconds): void
  /** After a refused `command` or `broadcast`: messages to this device, or to any (ALL_DEVICES), are taken again. */
  unblocked(device: number, now: Nanoseconds): void
}

export const ALL_DEVICES = -1

/** How the application speaks to devices: a consumer session, or the server that is the consumer. */
export interface Speech {
  /** Takes a message for one device (true) or is blocked (false; `unblocked` follows). Only after `consumerReady`. */
  command(device: number, sequence: number, payload: Uint8Array, now: Nanoseconds): boolean
  /** One message for all devices; absent: the protocol has no such thing, and each device is sent its own. */
  broadcast?(sequence: number, payload: Uint8Array, now: Nanoseconds): boolean
}

/** What a consumer session or server tells the consumer. */
export interface ConsumerEvents {
  /** Absent or null where the application only listens. */
  readonly speech?: SpeechEvents | null
  /** Subscribed, bound or listening: messages can come. */
  consumerReady(now: Nanoseconds): void
  /** A message arrived. `now` was stamped before parsing. `payload` is valid only during the call. */
  received(device: number, payload: Uint8Array, now: Nanoseconds): void
  /** The same for a large message, or a part of one. */
  receivedLarge?(device: number, payload: Uint8Array, now: Nanoseconds): void
  ended(cause: Cause, now: Nanoseconds): void
}

/** A consumer that subscribes at a broker (MQTT, XMPP). */
export interface ConsumerSession extends Upper, Timed, Partial<Speech> {
  close(now: Nanoseconds): void
}

/** What the application says to devices in this workload: `commands` to each, which are answered, or the same `broadcasts` to all. */
export type Hears = 'commands' | 'broadcasts' | null

/**
 * What outlives the sessions of one device, where its protocol has such a thing: each session of the device gets the same
 * one. A session that finds its peer's half of it again goes on where the one before stopped: what the device then sends
 * again under a number that was not acknowledged is the same message, not a new one.
 */
export interface SessionMemory {
  /** The adapter's own; null before the first session. */
  kept: object | null
}

export interface SessionConfig {
  /** Index of the device, from 0; its name is `deviceName(device)`. */
  readonly device: number
  readonly reliability: Reliability
  readonly options: ProtocolOptions
  /** The name of the server: virtual host of XMPP, TLS server name. */
  readonly serverName: string
  readonly password: string
  /** Seeded by cell and device: message ids, retransmission factors, nonces. */
  readonly random: Random
  /** How the device registers where the protocol has no connection (CoAP); what the server behind it understands. */
  readonly registration: 'resource-directory' | 'time-resource'
  /** Getting ready to hear (a subscription, presence) is part of becoming ready. Absent or null: nothing. */
  readonly hears?: Hears
  /** A session that retransmits itself ends after so many retransmissions in a row without an answer; null or absent: never. */
  readonly unansweredLimit?: number | null
  /** Absent: nothing outlives the session. */
  readonly memory?: SessionMemory
  /** Each topic goes on a lane of its own where the layer below has lanes; absent: all on one stream. */
  readonly lanes?: boolean
  /** The device has another connection, for its messages: this one carries the large ones. */
  readonly second?: boolean
}

export interface ConsumerConfig {
  readonly devices: number
  readonly reliability: Reliability
  readonly options: ProtocolOptions
  readonly serverName: string
  readonly password: string
  readonly random: Random
  /** What devices hear from this consumer; absent or null: nothing. */
  readonly says?: Hears
  /** Devices send large messages, too; absent: they do not. */
  readonly large?: boolean
}

/** How messages reach the consumer: it subscribes at a broker, or it is the server itself. */
export type ConsumerPath =
  | {
      readonly kind: 'subscribe'
      create(config: ConsumerConfig, events: ConsumerEvents): ConsumerSession
    }
  | {
      readonly kind: 'serve'
      create(config: ConsumerConfig, events: ConsumerEvents): DatagramEndpoint & Partial<Speech>
    }

export interface ProtocolAdapter {
  readonly name: string
  readonly carrier: 'stream' | 'datagram'
  readonly ports: { readonly plain: number; readonly secure: number }
  readonly reliabilities: readonly Reliability[]
  /** How the neutral verbs map to this protocol, in its own terms; printed in the report. */
  readonly mapping: Readonly<
    Record<'connect' | 'send' | 'acknowledgement' | 'receive' | 'name', string>
  >
  /** The same for what the application says; absent: it cannot speak to devices here, and such workloads are unsupported. */
  readonly speech?: Readonly<Record<'command' | 'answer' | 'fan-out', string>>
  /** How large messages go (`DeviceSession.transfer`); absent: it has no way for them here, and such workloads are unsupported. */
  readonly large?: string
  /** What of the protocol's own ends a session whose peer has fallen silent, in words; absent: nothing does. */
  readonly silence?: (options: ProtocolOptions) => string | null
  /** After how long a session that has nothing to send says something of its own accord; null or absent: never. */
  readonly keepAlive?: (options: ProtocolOptions) => Nanoseconds | null
  readonly consumer: ConsumerPath
  device(config: SessionConfig, events: DeviceEvents): DeviceSession
}
