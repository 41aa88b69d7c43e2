/** What calibrate and its traffic process say to each other: one JSON object per line. The first line is the TrafficConfig. */
import type { Nanoseconds } from '../../core/clock.ts'

export interface TrafficConfig {
  /** Files of the link's two namespaces. */
  readonly devicesNamespace: string
  readonly serverNamespace: string
  /** How many device addresses it sends from and to. */
  readonly devices: number
  /** The processor to stay on, or null. */
  readonly cpu: number | null
  /** It never sleeps while it measures: for a processor that nobody else needs meanwhile. */
  readonly spins: boolean
}

/** So many UDP datagrams over the link. */
export interface Load {
  /** `both`: in turns. */
  readonly direction: 'up' | 'down' | 'both'
  readonly count: number
  /** Packets per second, evenly spaced; null: as fast as they can be sent. */
  readonly rate: number | null
  /** Bytes of an IP packet, at least LEAST_SIZE. */
  readonly size: number
  /** So many devices take turns, from device 0 on. */
  readonly devices: number
  /** How long to wait for packets after the last was sent. */
  readonly settle: Nanoseconds
}

/** IP and UDP header, packet number and number of the load. */
export const LEAST_SIZE = 28 + 8

export type TrafficOrder = { readonly order: 'load'; readonly load: Load }

export type TrafficEvent =
  | { readonly event: 'ready' }
  | {
      readonly event: 'loaded'
      /** When each packet was sent and received: base64 of Float64Arrays; NaN: never. */
      readonly sent: string
      readonly received: string
      readonly duplicates: number
    }
  | { readonly event: 'failed'; readonly code: string; readonly message: string }
