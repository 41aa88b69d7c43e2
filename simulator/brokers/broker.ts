/** What the runner needs of a server, whichever product and whichever runtime. One product is one file and one line in catalogue.ts. */
import type {
  Framing,
  ProtocolOptions,
  Security,
  Stack,
  StackQuic,
  TlsAbilities,
} from '../core/types.ts'
import type { Programs } from './runtimes/programs.ts'
import type { VersionRange } from './versions.ts'

export interface BrokerPlan {
  /** An empty folder for configuration, keys and data, which nobody else may read and which goes with the server. */
  readonly folder: string
  /** Where to listen. */
  readonly address: string
  readonly protocol: string
  /** Framing and security of the device listener. A plain listener without framing, for the consumer, exists in any case. */
  readonly framing: Framing
  readonly security: Security
  readonly serverName: string
  readonly password: string
  /** PEM: the server's certificate chain and key, present when `security` is `tls` or `quic`. */
  readonly certificate: { readonly chain: string; readonly key: string } | null
  readonly tls: {
    readonly version: '1.2' | '1.3'
    readonly group: string
    readonly cipher: string
  } | null
  /** Present when `security` is `quic`. */
  readonly quic: StackQuic | null
  /** PEM of the authority that has signed each device's certificate, with the device name as its common name; absent: devices show none. */
  readonly clientAuthority?: string
  /** Device name -> pre-shared key; in TLS, when there are any, they take the place of certificates. */
  readonly psk: ReadonlyMap<string, Uint8Array>
  readonly devices: number
  readonly options: ProtocolOptions
}

export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** Where it listens: without security, and with it. */
export interface Ports {
  readonly plain: number
  readonly secure: number
}

/** What a runtime needs to start it. */
export interface ServerProgram {
  readonly name: string
  readonly title: string
  /** The Debian package that brings it; null: part of thingbench, or an npm package of it, or in an image alone. */
  readonly debianPackage: string | null
  /** The program to look for on PATH; null: part of thingbench, or an npm package of it. */
  readonly program: string | null
  /** Versions that understand the configuration and have the defaults that `audit` tells of; null: package-lock.json says which one. */
  readonly versions: VersionRange | null
  /** The exact version, by asking the program, that of this machine if no other is given; null when it is not installed. */
  version(programs?: Programs): Promise<string | null>
  /** Writes configuration into the plan's folder and says what to start; null: nothing to start. */
  prepare(plan: BrokerPlan): Promise<Launch | null>
}

/** A listener for QUIC of a product's own: where it is, and, for the audit, who speaks there, and how. */
export interface QuicListener {
  /** UDP. */
  readonly port: number
  /** Name and version. */
  readonly library: string
  congestion(quic: StackQuic): string
  /** When it acknowledges what it gets. */
  readonly acknowledgements: string
  /** How large those are that it sends. */
  readonly datagrams: string
}

export interface BrokerProduct extends ServerProgram {
  /** protocol -> securities it can serve. */
  readonly serves: Readonly<Record<string, readonly Security[]>>
  /** Why it cannot serve a stack of `serves` all the same, in words; null or absent: it can. */
  readonly unable?: (stack: Pick<Stack, 'options' | 'quic' | 'via'>) => string | null
  /** Absent: its TLS shows a certificate and resumes nothing. */
  readonly tls?: TlsAbilities
  /** Between device and consumer: 2 through a broker, 1 where the consumer is the server. */
  readonly hops: 1 | 2
  /** No consumer can stand behind it: only `ack.*` is measured, never `latency.*`. */
  readonly consumer: 'subscribes' | 'is-server' | 'none'
  /** Milliseconds until it listens, where 10 s may not be enough. */
  readonly patience?: number
  /** What is configured away from the product's defaults, queue and in-flight limits: printed in the audit. */
  readonly audit: Readonly<Record<string, string>>
  /** How a device registers (see SessionConfig.registration). */
  readonly registration: 'resource-directory' | 'time-resource'
  readonly ports: Readonly<Record<string, Ports>>
  /** protocol -> ports at which it is served over WebSocket too, with the same securities; absent: nowhere. */
  readonly websocket?: Readonly<Record<string, Ports>>
  /** protocol -> where it serves security `quic` itself; absent: nowhere. */
  readonly quic?: Readonly<Record<string, QuicListener>>
  /** Its file of configuration; absent where it has none. With a password that is no secret it can be kept in the results. */
  readonly configuration?: (plan: BrokerPlan) => { readonly file: string; readonly text: string }
}

/** A started server. Disposing ends it and waits until it is gone. */
export interface Broker extends AsyncDisposable {
  readonly product: ServerProgram
  readonly version: string
  /** A program of this machine, an npm package in a process of its own, or a program of an image. */
  readonly runtime: 'process' | 'embedded' | 'container'
  /** Name and digest of the image; null where there is none. */
  readonly image: string | null
  /** Processes whose CPU and memory are the broker's. */
  pids(): readonly number[]
  /** The last lines of its log. */
  log(): string
  /** Null while it runs; how it ended otherwise. */
  ended(): string | null
}
