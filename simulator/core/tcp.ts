import type { Nanoseconds } from './clock.ts'
import type { TcpOptions } from './types.ts'

/** TCP as a scenario has it that asks for nothing else: cubic at both ends, no Nagle algorithm. */
export const PLAIN_TCP: TcpOptions = {
  nodelay: true,
  congestion: 'cubic',
  initialWindow: null,
  keepalive: null,
  rtoMin: null,
  userTimeout: null,
  notsentLowat: null,
  timestamps: true,
}

/** What the kernel says of a connection that stands. */
export interface TcpFound {
  readonly nodelay: boolean
  readonly congestion: string
  /** The congestion window before the first byte, segments. */
  readonly initialWindow: number
  /** Idle time before the first probe; null: no probes. */
  readonly keepalive: Nanoseconds | null
  readonly userTimeout: Nanoseconds | null
  /** Null: the kernel's own limit, which is none. */
  readonly notsentLowat: number | null
  readonly timestamps: boolean
}

/** The first connection with this record that stands says in it what it has. */
export interface TcpRecord {
  found: TcpFound | null
}
