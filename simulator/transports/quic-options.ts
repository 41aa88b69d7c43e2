/** What the two ends of a stack's QUIC connections have in common. */
import type { Nanoseconds } from '../core/clock.ts'
import { SECOND } from '../core/clock.ts'
import type { StackQuic } from '../core/types.ts'
import type { QuicOptions } from './quic-context.ts'

const LEAST_IDLE_TIMEOUT = 60 * SECOND

/**
 * The session's own keep alive is to notice first that nothing comes any more. 0: there is no idle timeout (RFC 9000 section 10.1).
 * @param keepAlive of the session above; null: it has none
 */
export const idleTimeoutOf = (keepAlive: Nanoseconds | null): Nanoseconds =>
  keepAlive === null ? 0 : Math.max(LEAST_IDLE_TIMEOUT, 2 * keepAlive)

/** @param protocol of the session above: its name is the ALPN identifier too */
export const quicOptions = (
  { congestion, earlyData }: StackQuic,
  protocol: string,
  keepAlive: Nanoseconds | null,
): QuicOptions => ({
  alpn: protocol,
  congestion,
  idleTimeout: idleTimeoutOf(keepAlive),
  keepalive: null,
  earlyData,
})
