/** What the two ends of a stack's QUIC connections have in common. */
import type { Nanoseconds } from '../core/clock.ts'
import { SECOND } from '../core/clock.ts'
import type { StackQuic } from '../core/types.ts'
import { DATAGRAM, type QuicOptions } from './quic-context.ts'

const LEAST_IDLE_TIMEOUT = 60 * SECOND
/** Longer than a cell. */
const DAY = 86_400 * SECOND

/**
 * The session's own keep alive is to notice first that nothing comes any more. 0: there is no idle timeout (RFC 9000 section 10.1);
 * with OpenSSL, which takes the lack of one at both ends for 30 s, one that never passes.
 * @param keepAlive of the session above; null: it has none
 */
export const idleTimeoutOf = (
  { engine }: Pick<StackQuic, 'engine'>,
  keepAlive: Nanoseconds | null,
): Nanoseconds => {
  if (keepAlive !== null) return Math.max(LEAST_IDLE_TIMEOUT, 2 * keepAlive)
  return engine === 'openssl' ? DAY : 0
}

/**
 * Congestion control of the front end, which is quiche whatever the devices have: theirs, or beside another library the only one
 * of quiche that measures the round trip when packets are lost.
 */
export const frontEndCongestion = ({ engine, congestion }: StackQuic): StackQuic['congestion'] =>
  engine === 'openssl' ? 'bbr' : congestion

/** What quiche does at an end, for people. */
export const QUICHE_WORDS = {
  acknowledgements: 'at once, with what is to be said then (quiche delays none)',
  datagrams: `at most ${DATAGRAM} B of UDP payload; there is no search for more`,
} as const

export const quicheCongestion = (congestion: StackQuic['congestion']): string =>
  `${congestion} of quiche, no pacing`

/** @param protocol of the session above: its name is the ALPN identifier too */
export const quicOptions = (
  quic: StackQuic,
  protocol: string,
  keepAlive: Nanoseconds | null,
): QuicOptions => ({
  alpn: protocol,
  congestion: quic.congestion,
  idleTimeout: idleTimeoutOf(quic, keepAlive),
  keepalive: null,
  earlyData: quic.earlyData,
})
