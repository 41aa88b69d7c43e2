/**
 * What the runner and the link process say to each other: one JSON object per line, orders on the link's standard input,
 * events on its standard output. The first line is the LinkConfig.
 */
import type { Nanoseconds } from '../core/clock.ts'
import type { LinkProfile, TimelineEvent } from '../core/link-profile.ts'
import type { TcpOptions } from '../core/types.ts'

/** The server's address in its namespace, and the network from which devices take theirs: device i is `deviceAddress(i)`. */
export const SERVER_ADDRESS = '10.63.0.1'
export const DEVICE_NETWORK = '10.64.0.0/10'

/** Behind a NAT, devices have addresses of this network for the server. */
export const EXTERNAL_NETWORK = '10.128.0.0/10'
/** Of either network without its first and its last one; and the first that is used of each. */
export const ADDRESSES = 2 ** 22 - 2
export const FIRST_DEVICE = 0x0a400001
export const FIRST_EXTERNAL = 0x0a800001
/** From where somebody sends what he heard: the last address, which no device ever has. What is sent there arrives nowhere. */
export const LISTENER = FIRST_EXTERNAL + ADDRESSES - 1

/** 10.64.0.1 for device 0, and so on. */
export const deviceAddress = (device: number): string => {
  const ip = FIRST_DEVICE + device
  return `${ip >>> 24}.${(ip >>> 16) & 255}.${(ip >>> 8) & 255}.${ip & 255}`
}

export interface LinkConfig {
  readonly devices: number
  /** Further devices, numbered from `devices` on, whose links only delay (the profile's mean delay): they measure the instrument. */
  readonly probes: number
  readonly profile: LinkProfile
  readonly timeline: readonly TimelineEvent[]
  readonly tcp: TcpOptions
  /** File of a network namespace that is to become the server's, such as that of a container; absent: a new one. */
  readonly serverNamespace?: string
  /** Scenario seed and repetition in one: the channel is a function of it, device, direction and time. */
  readonly seed: number
  /** What payloads are filled with; seen in a packet, it is plaintext on the wire. */
  readonly canary: string
  /** The processor to stay on, or null. */
  readonly cpu: number | null
}

export type LinkOrder =
  /** The connect phase of the channel begins: its slots count from here. */
  | { readonly order: 'connect'; readonly at: Nanoseconds }
  /** The plan: from `warmup` on, channel slots count from t0 (so that warm-up slots are negative). */
  | {
      readonly order: 'phases'
      readonly warmup: Nanoseconds
      readonly t0: Nanoseconds
      readonly t1: Nanoseconds
    }
  /** The devices are told to close: what passes from here on is no connection's work, and in no hurry. */
  | { readonly order: 'close'; readonly at: Nanoseconds }
  /** All is over: answer with the account. `ready` is base64 of a Float64Array: when each device was application ready (NaN: never). */
  | { readonly order: 'account'; readonly ready: string; readonly spans?: Spans }
  | { readonly order: 'stop' }

export type LinkEvent =
  | {
      readonly event: 'ready'
      readonly devicesNamespace: string
      readonly serverNamespace: string
      readonly sysctls: Readonly<Record<string, string>>
    }
  | { readonly event: 'account'; readonly account: LinkAccount }
  | { readonly event: 'failed'; readonly code: string; readonly message: string }

/** Packets of one direction in one phase: whole IP packets, counted where the sender puts them on the link, before loss. */
export interface WireCount {
  packets: number
  bytes: number
  /** What left the link at the other end. */
  deliveredPackets: number
  deliveredBytes: number
  /** Of packets that are no retransmissions: bytes = ipHeader + transportHeader + transportPayload + retransmittedBytes. */
  ipHeader: number
  transportHeader: number
  transportPayload: number
  /** TCP segments that carry bytes already seen from this sender (whole packets), and their bytes. */
  retransmittedPackets: number
  retransmittedBytes: number
}

/** Base64 of Float64Arrays, three numbers for each span: device, from, to. */
export interface Spans {
  /** First packet and application ready of connections. */
  readonly connects: string
  /** Wake-ups and first deliveries. */
  readonly wakes: string
}

interface SpanCount {
  readonly up: { readonly packets: number; readonly bytes: number }
  readonly down: { readonly packets: number; readonly bytes: number }
}

/** Packets in the spans that were asked for: whole IP packets, before loss. They are in a WirePhase too. */
export type SpanCounts = Readonly<Record<keyof Spans, SpanCount>>

export type WirePhase = 'connect' | 'steady' | 'close' | 'other'

export interface LinkAccount {
  readonly wire: Readonly<Record<WirePhase, { readonly up: WireCount; readonly down: WireCount }>>
  readonly spans: SpanCounts
  /** Devices in whose first 20 packets the canary stood in plain text. */
  readonly plaintextDevices: number
  /** Conservation, asserted: arrived + duplicated = delivered + lost + overflowed + unreachable + queued (+ failed writes, which are unplanned drops). */
  readonly arrived: number
  /** Copies that the link made, and packets of which it flipped a bit. */
  readonly duplicated: number
  readonly corrupted: number
  readonly delivered: number
  /** By the channel's loss, or in a blackout. */
  readonly lost: number
  /** By a queue: its limit, CoDel, or the policer. */
  readonly overflowed: number
  /** By the NAT: no mapping lived, or the segment was out of state. */
  readonly unreachable: number
  /** Packets of first flights that somebody else sent once more; they are among those that arrived. */
  readonly replayed: number
  readonly queued: number
  /** Drops that nobody asked for: TUN queues, pool exhausted, failed writes. */
  readonly unplannedDrops: number
  /** Packets handed on more than 1 ms after their due time. */
  readonly latePackets: number
  /** Handed on before the devices closed their connections: those of which it is judged how late they were. */
  readonly timedPackets: number
  /** Hand-on minus due time, ns: p50, p99, max. */
  readonly lateness: {
    readonly p50: Nanoseconds
    readonly p99: Nanoseconds
    readonly max: Nanoseconds
  }
  /** Share of the measured window in which the link looked for packets on its clock (pace.ts). */
  readonly clocked: number
  /** SHA-256 over the channel's slots of the measured window, hex: equal for all stacks of a repetition. */
  readonly channelDigest: string
}
