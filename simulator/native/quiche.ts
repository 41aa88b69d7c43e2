/**
 * quiche 0.18 with its own BoringSSL, through the native part of @matrixai/quic alone. It has no threads, sockets or timers:
 * whoever holds a connection hands it datagrams, asks it for datagrams, and asks it for its deadline. It reads the real clock.
 * Names and meanings are those of the documentation of quiche. Every call is synchronous; a failed one throws an Error with
 * the name of quiche's error as its message; `null` stands for quiche's Done.
 */
import { createRequire } from 'node:module'
import { ThingbenchError } from '../core/errors.ts'

const PACKAGE = '@matrixai/quic-linux-x64'
/** What that package has inside. */
export const QUICHE_VERSION = 'quiche 0.18.0 with its BoringSSL'

export interface HostPort {
  host: string
  port: number
}

export interface QuicheConfig {
  setApplicationProtos(names: readonly string[]): void
  /** Milliseconds; 0: none. */
  setMaxIdleTimeout(milliseconds: number): void
  setMaxRecvUdpPayloadSize(bytes: number): void
  setMaxSendUdpPayloadSize(bytes: number): void
  setInitialMaxData(bytes: number): void
  setInitialMaxStreamDataBidiLocal(bytes: number): void
  setInitialMaxStreamDataBidiRemote(bytes: number): void
  setInitialMaxStreamsBidi(count: number): void
  setActiveConnectionIdLimit(count: number): void
  setDisableActiveMigration(disabled: boolean): void
  setCcAlgorithmName(name: string): void
  enablePacing(enabled: boolean): void
  grease(enabled: boolean): void
  enableEarlyData(): void
  /** Lets `setKeylog` of a connection work. */
  logKeys(): void
  /** 48 bytes: tickets of any process with the same key are good. */
  setTicketKey(key: Uint8Array): void
  /** Of the id that the next server connection of it begins with. */
  setStatelessResetToken(token: bigint): void
}

export interface QuicheError {
  readonly isApp: boolean
  readonly errorCode: number
  readonly reason: Uint8Array
}

export interface QuicheSent {
  /** Where the datagram must go. */
  readonly to: HostPort
}

export interface QuicheStats {
  readonly sent: number
  readonly recv: number
  readonly lost: number
  readonly retrans: number
}

export interface QuichePathStats {
  readonly localHost: HostPort
  readonly peerHost: HostPort
  readonly active: boolean
  /** Milliseconds. */
  readonly rtt: number
  readonly cwnd: number
}

export interface QuicheConnection {
  /** Decrypts in place. */
  recv(datagram: Uint8Array, path: { readonly from: HostPort; readonly to: HostPort }): number
  /** Writes the next datagram into `into`, which must hold the largest one. */
  send(into: Uint8Array): readonly [length: number, sent: QuicheSent] | null
  /** Whole milliseconds, rounded down; null: none. */
  timeout(): number | null
  onTimeout(): void
  isReadable(): boolean
  readable(): Iterable<number>
  streamRecv(stream: number, into: Uint8Array): readonly [length: number, fin: boolean] | null
  /** How many bytes were taken; null: none fit now. */
  streamSend(stream: number, bytes: Uint8Array, fin: boolean): number | null
  /** `urgency` 0 to 255, the smaller number first, 127 unless set; `incremental`: streams of the same urgency take turns. */
  streamPriority(stream: number, urgency: number, incremental: boolean): void
  streamShutdown(stream: number, direction: number, error: number): void
  close(application: boolean, error: number, reason: Uint8Array): void
  sendAckEliciting(): void
  newSourceCid(id: Uint8Array, resetToken: bigint, retireIfNeeded: boolean): number
  sourceCidsLeft(): number
  activeSourceCids(): number
  retiredScidNext(): Uint8Array | null
  availableDcids(): number
  /** The sequence number of the connection id that is used there. */
  migrateSource(local: HostPort): number
  retireDestinationCid(sequence: number): void
  session(): Uint8Array | null
  setSession(session: Uint8Array): void
  /** Appends to the file, which is created. */
  setKeylog(file: string): void
  isEstablished(): boolean
  isInEarlyData(): boolean
  isResumed(): boolean
  isDraining(): boolean
  isClosed(): boolean
  isTimedOut(): boolean
  peerError(): QuicheError | null
  localError(): QuicheError | null
  stats(): QuicheStats
  pathStats(): readonly QuichePathStats[]
}

export interface QuicheHeader {
  /** INITIAL and its siblings. */
  readonly ty: number
  readonly version: number
  readonly dcid: Uint8Array
  readonly scid: Uint8Array
  readonly token?: Uint8Array | null
}

export interface Quiche {
  readonly Config: {
    /** PEM; `key` and `certificate` as lists of one, the chain with the own certificate first. */
    withBoringSslCtx(
      verifyPeer: boolean,
      allowUnverified: boolean,
      authorities?: Uint8Array,
      key?: readonly Uint8Array[],
      certificate?: readonly Uint8Array[],
    ): QuicheConfig
  }
  readonly Connection: {
    connect(
      serverName: string,
      id: Uint8Array,
      local: HostPort,
      remote: HostPort,
      config: QuicheConfig,
    ): QuicheConnection
    /** `original` is the id that the client's first Initial had, when a Retry came between. */
    accept(
      id: Uint8Array,
      original: Uint8Array | undefined,
      local: HostPort,
      remote: HostPort,
      config: QuicheConfig,
    ): QuicheConnection
  }
  readonly Header: { fromSlice(datagram: Uint8Array, idLength: number): QuicheHeader }
  versionIsSupported(version: number): boolean
  /** Both write a datagram into `into` and give its length. */
  negotiateVersion(scid: Uint8Array, dcid: Uint8Array, into: Uint8Array): number
  retry(
    scid: Uint8Array,
    dcid: Uint8Array,
    newId: Uint8Array,
    token: Uint8Array,
    version: number,
    into: Uint8Array,
  ): number
}

/** QuicheHeader.ty of a packet that may open a connection. */
export const INITIAL = 0
/** Directions of streamShutdown. */
export const READING = 0
export const WRITING = 1

let loaded: Quiche | undefined

/** Throws TB_QUIC_MISSING where the binding was not installed or cannot be loaded. */
export const quiche = (): Quiche => {
  if (loaded !== undefined) return loaded
  try {
    loaded = createRequire(import.meta.url)(PACKAGE) as Quiche
  } catch (error) {
    // The first line: npm and the loader go on with a list of what they tried.
    const reason = (error as Error).message.split('\n', 1)[0] ?? ''
    const machine = `${process.platform} on ${process.arch}`
    throw new ThingbenchError('TB_QUIC_MISSING', { package: PACKAGE, machine, reason })
  }
  return loaded
}
