/** What the QUIC connections of a stack have in common: QUIC version 1 (RFC 9000) with TLS 1.3 inside. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND } from '../core/clock.ts'
import { ThingbenchError } from '../core/errors.ts'
import type { QuicheConfig } from '../native/quiche.ts'
import { quiche } from '../native/quiche.ts'

/**
 * The UDP payload of every datagram but the last of a burst, and the least that a path must carry (RFC 9000 section 14).
 * There is no search for more.
 */
export const DATAGRAM = 1200
/** What one side may send before the other reads it; both are read at once here. */
const CONNECTION_WINDOW = 1 << 20
const STREAM_WINDOW = 1 << 18
/**
 * Connection ids that one side takes from the other, its first included; in quiche also the paths that it remembers. A server
 * forgets no path of a connection, so that the client's address can change so often, less one.
 */
const CLIENT_IDS = 2
const SERVER_IDS = 255

export interface QuicOptions {
  /** The application protocol (RFC 7301) that both ends must name, such as mqtt. */
  readonly alpn: string
  /**
   * quiche 0.18 takes the time of a sample from its pacer with cubic and reno: with losses on a slow flow the round trip that it
   * believes in grows from 20 ms to seconds. With bbr it does not.
   */
  readonly congestion: 'bbr' | 'cubic' | 'reno'
  /** Without a word from the peer for so long the connection is over (RFC 9000 section 10.1). Whole milliseconds. */
  readonly idleTimeout: Nanoseconds
  /** After so long without a packet either way, a PING; null: none. */
  readonly keepalive: Nanoseconds | null
  /** Data may come with the first flight of a connection that is resumed (0-RTT). Who listens may hear it twice. */
  readonly earlyData: boolean
  /** A file that the secrets of each connection are appended to, in the NSS key log format. */
  readonly keylog?: string
}

export interface QuicClientOptions extends QuicOptions {
  /** PEM of the authorities that may have signed the server's certificate. */
  readonly authority: string
}

export interface QuicServerOptions extends QuicOptions {
  /** PEM of the server's chain, its own certificate first. */
  readonly certificate: string
  /** PEM of its private key. */
  readonly key: string
  /** 48 bytes. With the same key, tickets are good after a restart; default: a key that nobody else has. */
  readonly ticketKey?: Uint8Array
  /** Streams that a client may have open at once. */
  readonly streams: number
}

/** BoringSSL's own choice of groups and suites: a client sends a key share for X25519 alone. */
export class QuicContext {
  readonly config: QuicheConfig
  readonly options: QuicOptions

  /** @param streams how many the other end may open at once */
  private constructor(config: QuicheConfig, options: QuicOptions, streams: number, ids: number) {
    this.config = config
    this.options = options
    config.setApplicationProtos([options.alpn])
    config.setMaxIdleTimeout(options.idleTimeout / MILLISECOND)
    config.setCcAlgorithmName(options.congestion)
    // Its pacer only stamps packets with times at which somebody else should send them.
    config.enablePacing(false)
    config.grease(false)
    config.setMaxSendUdpPayloadSize(DATAGRAM)
    config.setInitialMaxData(CONNECTION_WINDOW)
    config.setInitialMaxStreamDataBidiLocal(STREAM_WINDOW)
    config.setInitialMaxStreamDataBidiRemote(STREAM_WINDOW)
    config.setInitialMaxStreamsBidi(streams)
    config.setActiveConnectionIdLimit(ids)
    config.setDisableActiveMigration(false)
    if (options.earlyData) config.enableEarlyData()
    if (options.keylog !== undefined) config.logKeys()
  }

  /** For clients that verify the server's certificate against `authority`. Throws TB_TLS_SETUP and TB_QUIC_MISSING. */
  static client(options: QuicClientOptions): QuicContext {
    const config = configured('The authority', () => {
      const authority = Buffer.from(options.authority)
      // For quiche, a file without certificates is a list of none.
      void new X509Certificate(authority)
      return quiche().Config.withBoringSslCtx(true, false, authority)
    })
    return new QuicContext(config, options, 0, CLIENT_IDS)
  }

  /** For servers that present `certificate`. Throws TB_TLS_SETUP and TB_QUIC_MISSING. */
  static server(options: QuicServerOptions): QuicContext {
    const config = configured('The certificate with its key', () => {
      const [key, chain] = [Buffer.from(options.key), Buffer.from(options.certificate)]
      // quiche would find out with the first client.
      if (!new X509Certificate(chain).checkPrivateKey(createPrivateKey(key)))
        throw new Error('the key is not that of the first certificate')
      return quiche().Config.withBoringSslCtx(false, false, undefined, [key], [chain])
    })
    if (options.ticketKey !== undefined) config.setTicketKey(options.ticketKey)
    return new QuicContext(config, options, options.streams, SERVER_IDS)
  }
}

const configured = (what: string, make: () => QuicheConfig): QuicheConfig => {
  try {
    return make()
  } catch (error) {
    if (error instanceof ThingbenchError) throw error
    throw new ThingbenchError('TB_TLS_SETUP', {
      what,
      found: 'for QUIC',
      reason: (error as Error).message,
      advice: 'It must be PEM.',
    })
  }
}
