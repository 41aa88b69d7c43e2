/** QUIC and the front end of a stack in the fairness audit: who speaks it, and how. */
import { frontEndLibrary } from '../brokers/front-end/program.ts'
import type { Stack, StackQuic } from '../core/types.ts'
import { formatQuantity } from '../core/units.ts'
import type { FleetReport } from '../fleet/fleet-protocol.ts'
import { QUICHE_VERSION } from '../native/quiche.ts'
import { adapterOf } from '../protocols/index.ts'
import { DATAGRAM } from '../transports/quic-context.ts'
import { frontEndCongestion, idleTimeoutOf } from '../transports/quic-options.ts'
import { LIMITS } from '../transports/quic-server.ts'

export const frontEndWords = (stack: Stack): string =>
  stack.via === 'direct'
    ? 'none'
    : `a process of thingbench before the server, on its processor, with ${frontEndLibrary(stack)}`

const ticketWords = ({ security, tls }: Pick<Stack, 'security' | 'tls'>): string => {
  if (security === 'quic') return 'sent (built into BoringSSL)'
  if (tls?.resumption !== true) return 'none'
  return tls.earlyData
    ? 'sent, each good for one connection (OpenSSL, against replays) while the front end runs'
    : 'sent, good while the front end runs'
}

/** Property -> what it is; empty where there is none. */
export const frontEndProperties = ({ via, security, tls }: Stack): Record<string, string> => {
  if (via === 'direct') return {}
  const quic = security === 'quic'
  return {
    'front end: TCP_NODELAY': 'on, towards the server too',
    'front end: connections to the server': 'one for each device, over the loopback interface',
    'front end: session tickets': ticketWords({ security, tls }),
    ...(quic && {
      'front end: Retry': `asked for from ${LIMITS.retryFrom} handshakes under way on`,
    }),
  }
}

/** For the audit; null for a stack without QUIC. */
export const quicIdleTimeout = ({ quic, protocol, options }: Stack): string | null => {
  if (quic === null) return null
  const timeout = idleTimeoutOf(quic, adapterOf(protocol).keepAlive?.(options) ?? null)
  return timeout === 0 ? 'no QUIC idle timeout' : `QUIC idle timeout ${formatQuantity(timeout, 'duration')}` // prettier-ignore
}

/** What a library does, in words: the front end is always quiche. */
const LIBRARY_WORDS = {
  quiche: {
    library: `${QUICHE_VERSION}, at both ends`,
    acknowledgements: 'at once, with what is to be said then (quiche delays none)',
    pings: 'none',
  },
  openssl: {
    library: `OpenSSL ${process.versions.openssl} on devices; ${QUICHE_VERSION} in the front end`,
    acknowledgements:
      'devices (OpenSSL): every second packet at once, one alone after 25 ms at most; the front end at once (quiche delays none)',
    // ossl_quic_channel: half of the idle timeout, or MAX_NAT_INTERVAL.
    pings: 'of OpenSSL, when half of the idle timeout or 25 s went by without a packet',
  },
} as const

const congestionWords = (quic: StackQuic): string =>
  quic.engine === 'openssl'
    ? `NewReno of OpenSSL on devices, ${frontEndCongestion(quic)} of quiche in the front end; no pacing`
    : `${quic.congestion} of quiche, at both ends; no pacing`

/**
 * Property -> what it was; empty for a stack without QUIC.
 * @param serverBytes DER bytes of the server's certificate chain
 */
export const quicProperties = (
  stack: Stack,
  { tickets }: Pick<FleetReport, 'tickets'>,
  serverBytes: number,
): Record<string, string> => {
  const { quic } = stack
  if (quic === null) return {}
  const { group, earlyData, streams } = quic
  const words = LIBRARY_WORDS[quic.engine]
  return {
    'QUIC library': words.library,
    'QUIC congestion control': congestionWords(quic),
    'QUIC key share': `${group} alone`,
    'QUIC datagrams': `at most ${DATAGRAM} B of UDP payload; there is no search for more`,
    'QUIC acknowledgements': words.acknowledgements,
    'QUIC pings': words.pings,
    'QUIC streams': streams === 'single' ? 'one for all that a device says' : 'one for each topic',
    'QUIC certificates': `of the server ${serverBytes} B; devices show none`,
    'QUIC resumption':
      tickets === null
        ? 'no: every handshake is a full one'
        : `${tickets.accepted} of ${tickets.offered} session tickets that were offered were taken`,
    'QUIC early data': earlyData ? 'with the first flight of connections that are resumed' : 'none',
  }
}
