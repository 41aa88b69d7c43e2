/**
 * Which timers of a stack notice that nothing comes back any more, as behind a NAT that drops what is out of state. They
 * decide how long it stalls then, and few of them belong to the protocol.
 */
import type { Stack } from '../core/types.ts'
import { formatQuantity } from '../core/units.ts'
import { adapterOf } from '../protocols/index.ts'
import { quicIdleTimeout } from './quic-audit.ts'

const tcpWords = ({ tcp }: Stack, settings: Readonly<Record<string, string>>): string[] => {
  const retries = settings['net.ipv4.tcp_retries2']
  const limit =
    tcp.userTimeout === null
      ? `tcp_retries2 of the kernel${retries === undefined ? '' : `, ${retries} retransmissions`}`
      : `TCP user timeout ${formatQuantity(tcp.userTimeout, 'duration')}`
  // RFC 9293 section 3.8.4: probes are for connections on which nothing is outstanding.
  return tcp.keepalive === null
    ? [limit]
    : [
        limit,
        `TCP keep-alive ${formatQuantity(tcp.keepalive, 'duration')}, while nothing is unacknowledged`,
      ]
}

const datagramWords = (stack: Stack): string[] => {
  const { dtls, reliability } = stack
  const quic = quicIdleTimeout(stack)
  if (quic !== null) return [quic]
  if (dtls === null) return ['no association to lose']
  if (dtls.rehandshakeAfter === null) return ['nothing: the association lasts as long as the run']
  const retransmissions = dtls.rehandshakeAfter === 1 ? 'retransmission' : 'retransmissions'
  return reliability === 'best-effort'
    ? ['nothing: what is not acknowledged is not missed']
    : [`another handshake after ${dtls.rehandshakeAfter} ${retransmissions} without an answer`]
}

/** @param settings of the namespaces, as they were read back */
export const silenceWords = (stack: Stack, settings: Readonly<Record<string, string>>): string => {
  const own = adapterOf(stack.protocol).silence?.(stack.options) ?? null
  const below = stack.carrier === 'stream' ? tcpWords(stack, settings) : datagramWords(stack)
  return [...below, ...(own === null ? [] : [own])].join('; ')
}
