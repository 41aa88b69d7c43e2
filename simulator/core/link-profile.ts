/**
 * What a link does to packets, as data. Each device has a link of its own, and each of its two directions a profile.
 * Times are nanoseconds, rates bits of IP packets per second, sizes bytes of IP packets, ratios fractions of 1.
 */
import type { Nanoseconds } from './clock.ts'

/** The shape of the extra delay: mean 0, standard deviation `jitter`. */
export type JitterDistribution = 'normal' | 'uniform' | 'pareto'

/**
 * `time`: a two-state chain in time, bad periods of mean `burst` that lose all; a burst of 0 is independent loss.
 * `packets`: the same chain counted in packets of the device, mean bad run of `burst` packets: a function of the traffic, so
 * not comparable between stacks. `list`: exactly these packets of each device, counted from 1 from its first packet on.
 */
export type Loss =
  | { readonly kind: 'time'; readonly ratio: number; readonly burst: Nanoseconds }
  | { readonly kind: 'packets'; readonly ratio: number; readonly burst: number }
  | { readonly kind: 'list'; readonly packets: readonly number[] }

/** CoDel (RFC 8289) at the head of the queue. */
export interface Codel {
  readonly target: Nanoseconds
  readonly interval: Nanoseconds
}

/** What may wait for the rate limiter at most; what comes beyond it is dropped (drop-tail). */
export interface QueueLimit {
  readonly limit: number
  readonly unit: 'packets' | 'bytes'
}

/**
 * Recorded delivery opportunities in the format of mahimahi: one integer per line, milliseconds, never falling; at each,
 * 1 504 bytes may leave; after the last the trace begins again.
 */
export interface DeliveryTrace {
  /** Absolute path. */
  readonly file: string
  /** SHA-256 of the file, hex: another file is another question. */
  readonly digest: string
}

/** What one direction of a device's link does. `null` means unlimited, or none. */
export interface DirectionProfile {
  readonly delay: Nanoseconds
  /** Standard deviation of the extra delay. It is cut where the delay would be negative. */
  readonly jitter: Nanoseconds
  readonly distribution: JitterDistribution
  /** False: the extra delay varies over time, and a device's packets keep their order. True: drawn for each packet, and packets overtake. */
  readonly overtaking: boolean
  /** Constant bit rate; with `rateBurst`, a token bucket of that depth. */
  readonly rate: number | null
  readonly rateBurst: number
  /** Instead of `rate`. */
  readonly trace: DeliveryTrace | null
  readonly queue: QueueLimit | null
  readonly codel: Codel | null
  readonly loss: Loss
  /** Bytes of a packet that fit in one link-layer frame: `loss` then strikes frames, and a packet needs all of its own. */
  readonly frame: number | null
  /** Fraction of packets that arrive twice. */
  readonly duplicate: number
  /** Fraction of packets of which one bit is flipped. */
  readonly corrupt: number
  /** Fraction of packets that arrive later than others by this much, and so are overtaken. */
  readonly reorder: { readonly ratio: number; readonly by: Nanoseconds } | null
  /** Packets per second that pass, with a burst of packets; what comes beyond it is dropped, not queued. */
  readonly policer: { readonly rate: number; readonly burst: number } | null
}

/** What all devices share behind their own links: a cell tower, a gateway. */
export interface SharedProfile {
  readonly rate: number
  readonly queue: QueueLimit | null
}

export interface LinkProfile {
  readonly name: string
  readonly title: string
  readonly mtu: number
  readonly up: DirectionProfile
  readonly down: DirectionProfile
  /** The directions take turns: while one sends, the other waits. */
  readonly halfDuplex: boolean
  /** After `inactivity` without a packet in either direction, the next waits `delay` until the radio is connected. */
  readonly wake: { readonly delay: Nanoseconds; readonly inactivity: Nanoseconds } | null
  readonly shared: { readonly up: SharedProfile | null; readonly down: SharedProfile | null }
  /** A device is behind a NAT of its own: without a packet for so long, its mapping is gone, and with it its reachability. */
  readonly nat: { readonly udpTimeout: Nanoseconds; readonly tcpTimeout: Nanoseconds } | null
  /** Where the values come from, for the report. */
  readonly source: string
}

/**
 * What happens to links on the way. `at` and `for` count from t0, the start of measure; `for` null: until the end.
 * `devices`: the fraction of devices that it meets, the first of them by number.
 */
export type TimelineEvent =
  /** Every packet is lost. */
  | {
      readonly kind: 'blackout'
      readonly at: Nanoseconds
      readonly for: Nanoseconds | null
      readonly direction: 'up' | 'down' | 'both'
      readonly devices: number
    }
  /** Only the named values change. */
  | {
      readonly kind: 'change'
      readonly at: Nanoseconds
      readonly for: Nanoseconds | null
      readonly up: ChangeableValues
      readonly down: ChangeableValues
      readonly devices: number
    }
  /**
   * The NAT forgets its mappings: the next packet of each connection leaves from a new port or address. What then is out of
   * state, such as a segment of an old connection, passes (`reset`: the server's RST comes back), or is dropped (`drop`).
   */
  | {
      readonly kind: 'rebind'
      readonly at: Nanoseconds
      readonly policy: 'reset' | 'drop'
      readonly to: 'port' | 'address'
      readonly devices: number
    }
  /** Somebody who listened sends the first flight of each device's latest connection once more, from elsewhere. */
  | { readonly kind: 'replay'; readonly at: Nanoseconds; readonly devices: number }
  /** Of each of these devices, the next so many packets of the direction that carry something are lost. */
  | {
      readonly kind: 'drop'
      readonly at: Nanoseconds
      readonly direction: 'up' | 'down' | 'both'
      readonly packets: number
      /** Bytes of an IP packet; smaller ones pass, and are not counted. */
      readonly least: number
      readonly devices: number
    }

/** What a link can change while it runs. */
export type ChangeableValues = Partial<
  Pick<DirectionProfile, 'delay' | 'jitter' | 'rate' | 'loss' | 'queue'>
>

/** A direction that does nothing. */
export const CLEAR_DIRECTION: DirectionProfile = {
  delay: 0,
  jitter: 0,
  distribution: 'normal',
  overtaking: false,
  rate: null,
  rateBurst: 0,
  trace: null,
  queue: null,
  codel: null,
  loss: { kind: 'time', ratio: 0, burst: 0 },
  frame: null,
  duplicate: 0,
  corrupt: 0,
  reorder: null,
  policer: null,
}

/** A link that does nothing. */
export const CLEAR_LINK: LinkProfile = {
  name: 'clear',
  title: 'No impairment',
  mtu: 1500,
  up: CLEAR_DIRECTION,
  down: CLEAR_DIRECTION,
  halfDuplex: false,
  wake: null,
  shared: { up: null, down: null },
  nat: null,
  source: 'nothing is asked of it',
}
