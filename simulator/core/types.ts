/**
 * The words of thingbench as data: what is asked (Scenario), what is combined (Cell), what comes out (Measurement).
 * All read-only. Times are nanoseconds, rates bits per second, sizes bytes, ratios fractions of 1.
 */
import type { Nanoseconds } from './clock.ts'
import type { LinkProfile, TimelineEvent } from './link-profile.ts'

// ---- what can be asked for -------------------------------------------------------------------------------------

export type Reliability = 'best-effort' | 'acknowledged' | 'exactly-once'
export type Security = 'none' | 'tls' | 'dtls-psk' | 'quic'
/** What devices connect to: the server itself, or a front end that ends their security and speaks TCP to the server. */
export type Via = 'direct' | 'front-end'
/** What lies between the session and the security below it. */
export type Framing = 'none' | 'websocket'
/** lean: sessions of thingbench; reference: the client library that users know, in a process of its own. */
export type Client = 'lean' | 'reference'

/** Keys of one protocol in a scenario's stack mapping (`mqtt:`, `coap:`, `xmpp:`), defaults filled in; those of a mapping in it as `key.field`. */
export type ProtocolOptions = Readonly<Record<string, string | number | boolean>>

export interface TlsOptions {
  readonly version: '1.2' | '1.3'
  readonly group: string
  /** OpenSSL or IANA name of the one cipher suite that is offered. */
  readonly cipher: string
}

/** Who shows what in TLS: the server a certificate; both ends a certificate; or no certificates, but a key that both know. */
export type TlsAuth = 'server' | 'x509' | 'psk'

/** What a server can do in TLS besides showing a certificate. */
export interface TlsAbilities {
  readonly auth: readonly TlsAuth[]
  /** It takes the session tickets that it gives. */
  readonly resumption: boolean
  /** It takes data in the first flight of who resumes with TLS 1.3; absent: no. */
  readonly earlyData?: boolean
  /** It has the key exchange group X25519MLKEM768; absent: no. */
  readonly hybrid?: boolean
}

export interface StackTls extends TlsOptions {
  readonly auth: TlsAuth
  /** Devices keep session tickets and offer them when they connect again. */
  readonly resumption: boolean
  /** What devices say goes with the first flight of a connection that is resumed. */
  readonly earlyData: boolean
}

export interface DtlsOptions {
  /** A device shakes hands anew after so many retransmissions in a row without an answer; null: never. */
  readonly rehandshakeAfter: number | null
  readonly cipher: string
  /** Largest UDP payload of a handshake datagram, bytes. */
  readonly mtu: number
}

/** QUIC of a stack's devices; the front end is quiche, and a server with QUIC of its own has its own. */
export interface StackQuic {
  /** Whose QUIC the devices have. */
  readonly engine: 'quiche' | 'openssl'
  /** Of the devices; `reno` with openssl, which has no other. */
  readonly congestion: 'bbr' | 'cubic' | 'reno'
  /** All that a device says on one stream, or on one for each topic. */
  readonly streams: 'single' | 'per-topic'
  /** Devices keep session tickets and offer them when they connect again. */
  readonly resumption: boolean
  /** What devices say goes with the first flight of a connection that is resumed (0-RTT). */
  readonly earlyData: boolean
  /** Key exchange group, the only one for which a key share is sent. */
  readonly group: string
}

/** TCP of a stack's connections, at both ends unless it says otherwise. `null`: the kernel's default. */
export interface TcpOptions {
  /** TCP_NODELAY on the devices' sockets; the servers' always have it. */
  readonly nodelay: boolean
  readonly congestion: 'cubic' | 'reno' | 'bbr'
  /** Segments. */
  readonly initialWindow: number | null
  /** Idle time before the first probe, and between probes, on the devices' sockets; null: off. */
  readonly keepalive: Nanoseconds | null
  /** The least retransmission timeout. */
  readonly rtoMin: Nanoseconds | null
  /** TCP_USER_TIMEOUT on the devices' sockets. */
  readonly userTimeout: Nanoseconds | null
  /** TCP_NOTSENT_LOWAT on the devices' sockets, bytes: the kernel takes no more while so much is unsent. */
  readonly notsentLowat: number | null
  readonly timestamps: boolean
}

/** What a server in a container may use at most; null: all that there is. */
export interface ServerLimits {
  /** Bytes, of the container as a whole, without swap. */
  readonly memory: number | null
  /** Share of its processor. */
  readonly cpu: number | null
}

/** A stack as a scenario asks for it: application protocol x transport x security, with the name it has in every result. */
export interface Stack {
  readonly name: string
  /** The catalogue's name, such as mqtt-tls. */
  readonly kind: string
  readonly protocol: string
  /** What its packets are on the link: TCP or UDP. */
  readonly carrier: 'stream' | 'datagram'
  readonly framing: Framing
  readonly security: Security
  readonly broker: string
  readonly via: Via
  readonly client: Client
  readonly reliability: Reliability
  readonly tls: StackTls | null
  readonly dtls: DtlsOptions | null
  readonly quic: StackQuic | null
  readonly tcp: TcpOptions
  readonly options: ProtocolOptions
  /** Absent: none. */
  readonly server?: ServerLimits
  /** Absent: whole, on the connection of the other messages. */
  readonly bulk?: BulkCarriage
}

/** How a stack sends the large messages of a workload. */
export interface BulkCarriage {
  /** On the connection of the other messages, or on one of their own. */
  readonly connection: 'shared' | 'own'
  /** In messages of so many bytes of payload; null: whole. */
  readonly chunk: number | null
}

/** How the messages of a device are spaced: evenly, at random, or so many at once. The mean gap is the interval in all three. */
export type Arrivals = 'constant' | 'poisson' | { readonly burst: number }

/** Which messages a workload intends, and how large they are. */
export interface Messages {
  /** The name of the level in results: the kind, or with the values that vary, such as `telemetry interval=1s`. */
  readonly name: string
  /** Mean time between two messages of a device. */
  readonly interval: Nanoseconds
  readonly arrivals: Arrivals
  /** Bytes of application payload per message. */
  readonly payload: number
  /** How devices come and go meanwhile; absent: they stay. */
  readonly absences?: Sleep | Churn
}

/** Every device reports to one consumer. */
export interface TelemetryWorkload extends Messages {
  readonly kind: 'telemetry'
  /** Absent: there are no large messages. */
  readonly bulk?: Bulk
}

/** A large message of each device beside its others: on a topic of its own, and with accounts of its own. */
export interface Bulk {
  /** Bytes of application payload. */
  readonly payload: number
  /** From t0. */
  readonly after: Nanoseconds
  /** From one to the next; null: there is one. */
  readonly every: Nanoseconds | null
}

/** The application commands every device, and each command is answered. */
export interface CommandWorkload extends Messages {
  readonly kind: 'command'
}

/** The application says the same to all devices at once; `interval` is between two such messages. */
export interface FanOutWorkload extends Messages {
  readonly kind: 'fan-out'
}

/** Messages with intended times. */
export type MessageWorkload = TelemetryWorkload | CommandWorkload | FanOutWorkload

/** Every device closes its connection and makes another, again and again; nothing else is sent. */
export interface ConnectWorkload {
  readonly name: string
  readonly kind: 'connect'
  readonly absences: Reconnects
}

/** Devices are connected and say nothing. */
export interface IdleWorkload {
  readonly name: string
  readonly kind: 'idle'
}

/** orderly: the protocol's own end, then FIN; abrupt: not a word. */
export type Closing = 'orderly' | 'abrupt'

/** Absences without duration: once in each interval. */
export interface Reconnects {
  readonly kind: 'reconnects'
  readonly interval: Nanoseconds
  /** All devices at the same instant; otherwise each at one of its own. */
  readonly together: boolean
  readonly close: Closing
}

export interface Sleep {
  readonly kind: 'sleep'
  readonly awake: Nanoseconds
  readonly asleep: Nanoseconds
  readonly close: Closing
}

/** In each period a seeded share of the devices loses its connection at an instant of it. */
export interface Churn {
  readonly kind: 'churn'
  readonly share: number
  readonly every: Nanoseconds
}

export type Absences = Reconnects | Sleep | Churn

/** What happens in a cell, told apart by `kind`. */
export type Workload = MessageWorkload | ConnectWorkload | IdleWorkload

export interface Phases {
  readonly ramp: Nanoseconds
  readonly warmup: Nanoseconds
  readonly measure: Nanoseconds
  readonly drain: Nanoseconds
  readonly connectDeadline: Nanoseconds
}

export interface Threshold {
  readonly metric: string
  readonly stack: string | null
  readonly link: string | null
  readonly bound: 'below' | 'above'
  /** In the metric's own unit. */
  readonly value: number
  /** As the file wrote it. */
  readonly text: string
}

/** The resolved, frozen question: every default filled in. */
export interface Scenario {
  readonly format: 1
  readonly name: string
  readonly title: string
  readonly file: string
  /** SHA-256 of the resolved scenario, hex: the same question has the same digest. */
  readonly digest: string
  readonly stacks: readonly Stack[]
  /** Stack name -> name of the stack it is compared with; a stack that is its own baseline maps to itself. */
  readonly baseline: Readonly<Record<string, string>>
  readonly links: readonly LinkProfile[]
  readonly devices: readonly number[]
  readonly workloads: readonly Workload[]
  readonly phases: Phases
  readonly timeline: readonly TimelineEvent[]
  readonly repetitions: number
  readonly seed: number
  readonly thresholds: readonly Threshold[]
}

/** One combination to run once. `id` is the same for the same question. */
export interface Cell {
  readonly id: string
  /** Which cell group it belongs to: everything but the repetition. */
  readonly group: string
  readonly stack: Stack
  readonly link: LinkProfile
  readonly devices: number
  readonly workload: Workload
  /** From 1. */
  readonly repetition: number
  /** Seeds the schedule and the channel: a function of scenario seed and repetition, the same for every stack. */
  readonly seed: number
}

// ---- the catalogue: what the scenario reader is told about the rest -----------------------------------------------

export interface StackEntry {
  readonly name: string
  readonly title: string
  readonly protocol: string
  readonly carrier: 'stream' | 'datagram'
  readonly framing: Framing
  readonly security: Security
  /** The first is the default. */
  readonly brokers: readonly string[]
  /** Broker -> how devices can reach it; the first is its default. */
  readonly via: Readonly<Record<string, readonly Via[]>>
  readonly clients: readonly Client[]
  readonly reliabilities: readonly Reliability[]
  /** The plain stack of the same protocol. */
  readonly plain: string
}

/** One key of a protocol's mapping that has a single value: its default, and how a value is checked. */
export type ScalarOptionRule = (
  | {
      readonly type: 'choice'
      readonly allowed: readonly (string | number)[]
      readonly default: string | number
    }
  | { readonly type: 'duration'; readonly default: Nanoseconds }
  | {
      /** Bytes. */
      readonly type: 'size'
      readonly least: number
      readonly most: number
      readonly default: number
    }
  | {
      readonly type: 'integer'
      readonly least: number
      readonly most: number
      readonly default: number
    }
  | { readonly type: 'boolean'; readonly default: boolean }
  | {
      /** `pattern` is a regular expression for the whole word, `allowed` says the same to people. */
      readonly type: 'text'
      readonly pattern: string
      readonly allowed: string
      /** null: without the key there is no such thing. */
      readonly default: string | null
    }
) & {
  readonly help: string
  /** Other keys, and the values of them without which this one means nothing. */
  readonly needs?: Readonly<Record<string, string | boolean>>
}

/** Or a mapping: without it there is no such thing, and `options` has its values as `key.field`. */
export type OptionRule =
  | ScalarOptionRule
  | {
      readonly type: 'mapping'
      readonly fields: Readonly<Record<string, ScalarOptionRule>>
      readonly help: string
    }

export interface Catalogue {
  readonly stacks: readonly StackEntry[]
  /** Stacks of the format that have no engine yet. */
  readonly plannedStacks: readonly string[]
  /** protocol -> key -> rule. */
  readonly options: Readonly<Record<string, Readonly<Record<string, OptionRule>>>>
  /** protocol -> keys of the format, or `key: value` for one value of a key, that have no engine yet. */
  readonly plannedOptions: Readonly<Record<string, readonly string[]>>
  readonly brokers: readonly {
    readonly name: string
    readonly title: string
    readonly tls: TlsAbilities
  }[]
  /** metric name -> unit. */
  readonly metrics: Readonly<Record<string, string>>
}

// ---- what comes out ---------------------------------------------------------------------------------------------

export type Outcome = 'measured' | 'unsupported' | 'censored' | 'invalid' | 'failed'

/** One line of rows.ndjson: one metric of one cell, or (metric `outcome`) the verdict on the cell. */
export interface Measurement {
  readonly schema: 1
  readonly cell: string
  readonly group: string
  readonly scenario: string
  readonly stack: string
  readonly broker: string
  readonly link: string
  readonly workload: string
  readonly devices: number
  readonly repetition: number
  /** 1, or 2 when the cell was repeated because the first attempt was invalid. */
  readonly attempt: number
  readonly outcome: Outcome
  readonly metric: string
  readonly unit: string
  /** null where no number can be given honestly; the warnings say why. */
  readonly value: number | null
  /** How many observations are behind the value. */
  readonly n: number
  readonly warnings: readonly string[]
}

/** The verdict on a cell: why it is not simply `measured`, in sentences. */
export interface Verdict {
  readonly outcome: Outcome
  readonly reasons: readonly string[]
  /** Findings that do not disqualify: broker saturated, probe error, RTT step. */
  readonly notes: readonly string[]
}
