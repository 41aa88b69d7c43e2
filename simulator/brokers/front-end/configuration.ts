/** What the process of the front end is told: an argument of it names the file. */
import type { Address } from '../../core/endpoint.ts'
import type { TlsOptions } from '../../core/types.ts'
import type { QuicOptions } from '../../transports/quic-context.ts'
import type { QuicLimits } from '../../transports/quic-server.ts'

export interface FrontEndConfiguration {
  readonly listen: Address
  /** Where the broker takes connections without security. */
  readonly broker: Address
  /** Files with the server's chain and private key, PEM. */
  readonly chain: string
  readonly key: string
  /** What clients come on. */
  readonly transport: QuicFrontEnd | TlsFrontEnd
}

export interface QuicFrontEnd extends QuicOptions {
  readonly kind: 'quic'
  /** Streams that a client may have open at once. */
  readonly streams: number
  /** A file with 48 bytes, which outlives the process: tickets are good after a restart. Absent: they are not. */
  readonly ticketKey?: string
  readonly limits?: Partial<QuicLimits>
}

export interface TlsFrontEnd extends TlsOptions {
  readonly kind: 'tls'
  /** Sends session tickets; they are good for as long as the process. */
  readonly resumption: boolean
  readonly earlyData: boolean
}
