/**
 * What the runner says to the fleet and consumer processes and hears from them: one JSON object per line, orders on
 * standard input (the first line is the configuration), events on standard output. Never through the link.
 */
import type { Nanoseconds } from '../core/clock.ts'
import type { TcpFound } from '../core/tcp.ts'
import type { Stack, Workload } from '../core/types.ts'
import type { HistogramJson } from '../measure/histogram.ts'
import type { Second } from '../measure/intervals.ts'
import type { DeviceAuthority } from '../security/device-certificates.ts'
import type { PhasePlan } from './schedule.ts'

/** What both sides of a cell must agree on. */
export interface RoleConfig {
  /** The network namespace to enter, as a path under /proc. */
  readonly namespace: string
  /** The processor to stay on, or null. */
  readonly cpu: number | null
  readonly stack: Stack
  readonly workload: Workload
  readonly devices: number
  readonly probes: number
  /** Seeds the schedule, the same for every stack of a repetition. */
  readonly seed: number
  readonly server: {
    readonly address: string
    /** Where the consumer connects: without security, and without framing. */
    readonly plain: number
    /** Where devices connect. */
    readonly device: number
    readonly name: string
  }
  /** Hex: the run's secret, from which keys and passwords come. */
  readonly secret: string
  /** What fills payloads, for the link to look for. */
  readonly canary: string
}

export interface FleetConfig extends RoleConfig {
  readonly registration: 'resource-directory' | 'time-resource'
  /** PEM of the authority that signed the server's certificate. */
  readonly authority: string | null
  /** What signs the devices' certificates; null: they have none. */
  readonly deviceAuthority: DeviceAuthority | null
  /** Connects in flight at most (mosquitto's listen backlog is 100; beyond it SYN retransmission is measured). */
  readonly connectLimit: number
  /** Nobody stands behind the server: progress tells of `ack` what the consumer would tell of `latency`. */
  readonly watchesAck: boolean
  /** The probes' round trip on a perfect instrument. */
  readonly probeRoundTrip: Nanoseconds
}

export type FleetOrder =
  /** Start device i's connect at `at` + i x ramp / devices; who is not ready at `deadline` has failed. */
  | {
      readonly order: 'connect'
      readonly at: Nanoseconds
      readonly ramp: Nanoseconds
      readonly deadline: Nanoseconds
    }
  | { readonly order: 'phases'; readonly plan: PhasePlan }
  /** End every session in an orderly way, then report. */
  | { readonly order: 'close' }

export type FleetEvent =
  | { readonly event: 'ready' }
  | { readonly event: 'connected'; readonly connected: number; readonly failed: number }
  /** All messages are fired and settled; all that devices are to hear has arrived. */
  | { readonly event: 'quiet' }
  | ({ readonly event: 'progress' } & FleetProgress)
  | { readonly event: 'report'; readonly report: FleetReport }
  | { readonly event: 'failed'; readonly code: string; readonly message: string }

/** Told every two seconds from the connect order on, for whoever watches; nothing is computed from it. */
export interface FleetProgress {
  readonly at: Nanoseconds
  /** Devices that have a session now. */
  readonly connected: number
  /** Devices that have missed the connect deadline. */
  readonly failed: number
  /** Connections that ended before they were told to, so far. */
  readonly ended: number
  /** Messages given up so far. */
  readonly givenUp: number
  /** Measured messages acknowledged so far, and the 99th percentile of `ack`; null when there are none, or it is not watched. */
  readonly acknowledged: number
  readonly ackP99: Nanoseconds | null
  /** Null where devices only send. */
  readonly heard: ReceiptProgress | null
}

/** Bytes that crossed one layer boundary in the measured window. */
export interface BoundaryBytes {
  readonly sent: number
  readonly received: number
}

/** What arrived at whoever receives, besides the latencies. */
export interface Receipts {
  /** Further copies of measured messages. */
  readonly duplicates: number
  /** Measured messages that came behind a later one of the same device. */
  readonly reordered: number
  /** Messages that are no message of this cell. */
  readonly unknown: number
  readonly seconds: readonly Second[]
  /** Null where devices do not sleep. */
  readonly wakes: WakeReport | null
  /** One value of each device: its longest time without a receipt; null before the phases begin. */
  readonly longestGaps: HistogramJson | null
}

/** Connections that the workload asks for, of which the intended time lies in the measured window. */
export interface PlannedConnects {
  readonly intended: number
  /** A first packet was sent. */
  readonly started: number
  /** Application ready, at the latest at the end of drain. */
  readonly completed: number
  /** Base64 of a Float64Array with three numbers for each completed one: device, first packet, application ready. */
  readonly spans: string
}

/** Handshakes that were done with a ticket offered, and those of them that the server resumed. */
export interface TicketCount {
  readonly offered: number
  readonly accepted: number
  /** Of TLS over TCP: connections whose first flight carried early data, and those of them whose early data the server took. */
  readonly early?: { readonly sent: number; readonly accepted: number }
}

export interface FleetReport {
  /** Base64 of the ledger's flags. */
  readonly ledger: string
  /** The same for the parts of large messages; absent: there are none. */
  readonly bulkLedger?: string
  /** Null where devices only send. */
  readonly receipts: Receipts | null
  /** Base64 of a Float64Array: when each device was first application ready; NaN: never. */
  readonly ready: string
  readonly series: Readonly<Record<string, HistogramJson>>
  readonly connected: number
  readonly failed: number
  readonly reconnects: number
  /** Null where devices stay. */
  readonly planned: PlannedConnects | null
  /** Cause code -> connections that ended so, with one example in words. */
  readonly ends: Readonly<Record<string, { readonly count: number; readonly example: string }>>
  /** Why messages were given up -> how many. */
  readonly givenUp: Readonly<Record<string, number>>
  /** What the session handed to the layer below, what framing made of it, and what is handed to the socket. */
  readonly application: BoundaryBytes
  readonly framed: BoundaryBytes
  readonly transport: BoundaryBytes
  /** Version, cipher and group as negotiated, from one device; empty without security. */
  readonly negotiated: Readonly<Record<string, string>>
  /** Session tickets that were offered in handshakes, and those that the server took; null where devices keep none. */
  readonly tickets: TicketCount | null
  /** DER bytes of a device's certificate; null where it has none. */
  readonly certificateBytes: number | null
  /** TCP of the first device that connected; null for a datagram stack, or when none did. */
  readonly tcp: TcpFound | null
}

export interface ConsumerConfig extends RoleConfig {
  readonly kind: 'subscribe' | 'serve' | 'none'
  /** Until when to try to reach the broker. */
  readonly deadline: Nanoseconds
}

export type ConsumerOrder =
  { readonly order: 'phases'; readonly plan: PhasePlan } | { readonly order: 'report' }

export type ConsumerEvent =
  | { readonly event: 'ready' }
  /** Every measured message, or answer, arrived, and all that the application says is settled. */
  | { readonly event: 'complete' }
  | ({ readonly event: 'progress' } & ConsumerProgress)
  | { readonly event: 'report'; readonly report: ConsumerReport }
  | { readonly event: 'failed'; readonly code: string; readonly message: string }

/** What arrived so far at whoever receives. */
export interface ReceiptProgress {
  /** Messages, those of warm-up too. */
  readonly received: number
  /** Measured messages, and the 99th percentile of `latency` among them; null when there are none. */
  readonly delivered: number
  readonly latencyP99: Nanoseconds | null
}

/** Told every two seconds from the phases order on, for whoever watches; nothing is computed from it. */
export interface ConsumerProgress {
  readonly at: Nanoseconds
  /** Null where devices receive. */
  readonly heard: ReceiptProgress | null
  /** Measured messages of its own acknowledged so far, and messages given up. */
  readonly acknowledged: number
  readonly givenUp: number
}

/** Wake-ups in the measured window for which a message had become due in the sleep before. */
export interface WakeReport {
  readonly awaited: number
  /** The first delivery of such a message minus the intended wake-up. */
  readonly firstDelivery: HistogramJson
  /** Base64 of a Float64Array with three numbers for each delivered one: device, wake-up, first delivery. */
  readonly spans: string
}

/** Large messages as they arrived. */
export interface BulkReceipts {
  /** Base64 of the flags of a ledger of their parts. */
  readonly ledger: string
  /** From the intended instant until all of one was there, of those of which all came. */
  readonly duration: HistogramJson
  /** Of payload. */
  readonly bytes: number
}

/** With what it received: messages, or answers to commands. */
export interface ConsumerReport extends Receipts {
  readonly ledger: string
  readonly series: Readonly<Record<string, HistogramJson>>
  /** Why commands were given up -> how many. */
  readonly givenUp: Readonly<Record<string, number>>
  /** Absent: there are no large messages. */
  readonly bulk?: BulkReceipts
}

/** All series of a cell: each is recorded by the fleet or by the consumer, never by both. */
export const seriesOf = (
  fleet: FleetReport,
  consumer: ConsumerReport | null,
): Readonly<Record<string, HistogramJson>> => ({ ...fleet.series, ...consumer?.series })

/** Where probes are echoed (RFC 862). */
export const ECHO_PORT = 7
