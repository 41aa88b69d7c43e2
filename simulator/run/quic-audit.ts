/** QUIC and the front end of a stack in the fairness audit: who speaks it, and how. */
import type { QuicListener } from '../brokers/broker.ts'
import { brokerNamed } from '../brokers/catalogue.ts'
import { frontEndLibrary } from '../brokers/front-end/program.ts'
import type { Stack, StackQuic } from '../core/types.ts'
import { formatQuantity } from '../core/units.ts'
import type { FleetReport } from '../fleet/fleet-protocol.ts'
import { QUICHE_VERSION } from '../native/quiche.ts'
import { adapterOf } from '../protocols/index.ts'
import {
  frontEndCongestion,
  idleTimeoutOf,
  QUICHE_WORDS,
  quicheCongestion,
} from '../transports/quic-options.ts'
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

/** Who speaks QUIC at one end, and how. */
type End = Omit<QuicListener, 'port' | 'congestion'> & { readonly congestion: string }

const devicesEnd = (quic: StackQuic): End =>
  quic.engine === 'openssl'
    ? {
        library: `OpenSSL ${process.versions.openssl}`,
        congestion: 'NewReno of OpenSSL, no pacing',
        acknowledgements: 'every second packet at once, one alone after 25 ms at most (OpenSSL)',
        datagrams: QUICHE_WORDS.datagrams,
      }
    : quicheEnd(quic.congestion)

const quicheEnd = (congestion: StackQuic['congestion']): End => ({
  library: QUICHE_VERSION,
  congestion: quicheCongestion(congestion),
  ...QUICHE_WORDS,
})

/** What devices connect to: the front end, which is quiche whatever they have, or the server. */
const serverEnd = ({ via, broker, protocol }: Stack, quic: StackQuic): End => {
  if (via === 'front-end') return quicheEnd(frontEndCongestion(quic))
  const listener = brokerNamed(broker).quic?.[protocol]
  if (listener === undefined) throw new Error(`${broker} has no QUIC of its own`)
  return { ...listener, congestion: listener.congestion(quic) }
}

const bothEnds = (stack: Stack, quic: StackQuic, property: keyof End): string => {
  const [devices, server] = [devicesEnd(quic)[property], serverEnd(stack, quic)[property]]
  if (devices === server) return `${devices}, at both ends`
  return `devices: ${devices}; ${stack.via === 'direct' ? 'server' : 'front end'}: ${server}`
}

// ossl_quic_channel: half of the idle timeout, or MAX_NAT_INTERVAL.
const PINGS = {
  quiche: 'none',
  openssl: 'of OpenSSL, when half of the idle timeout or 25 s went by without a packet',
} as const

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
  return {
    'QUIC library': bothEnds(stack, quic, 'library'),
    'QUIC congestion control': bothEnds(stack, quic, 'congestion'),
    'QUIC key share': `${group} alone`,
    'QUIC datagrams': bothEnds(stack, quic, 'datagrams'),
    'QUIC acknowledgements': bothEnds(stack, quic, 'acknowledgements'),
    'QUIC pings': `of devices: ${PINGS[quic.engine]}`,
    'QUIC streams': streams === 'single' ? 'one for all that a device says' : 'one for each topic',
    'QUIC certificates': `of the server ${serverBytes} B; devices show none`,
    'QUIC resumption':
      tickets === null
        ? 'no: every handshake is a full one'
        : `${tickets.accepted} of ${tickets.offered} session tickets that were offered were taken`,
    'QUIC early data': earlyData ? 'with the first flight of connections that are resumed' : 'none',
  }
}
