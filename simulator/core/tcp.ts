import type { TcpOptions } from './types.ts'

/** TCP as a scenario has it that asks for nothing else: cubic at both ends, no Nagle algorithm. */
export const PLAIN_TCP: TcpOptions = {
  nodelay: true,
  congestion: 'cubic',
  initialWindow: null,
  keepalive: null,
  rtoMin: null,
  userTimeout: null,
  timestamps: true,
}
