/** TLS of a stack in the fairness audit: who shows what, and what became of session tickets. */
import type { Stack, TlsAuth } from '../core/types.ts'
import type { FleetReport } from '../fleet/fleet-protocol.ts'

const WORDS: Readonly<Record<TlsAuth, string>> = {
  server: 'the server, by certificate; devices show none',
  x509: 'both ends, by certificate; each device has its own, made before it connects',
  psk: 'both ends, by a key that each device shares with the server; no certificates',
}

/**
 * Property -> what it was; empty for a stack without TLS.
 * @param serverBytes DER bytes of the server's certificate chain
 */
export const tlsProperties = (
  { tls }: Stack,
  { tickets, certificateBytes }: Pick<FleetReport, 'tickets' | 'certificateBytes'>,
  serverBytes: number,
): Record<string, string> => {
  if (tls === null) return {}
  const device = certificateBytes === null ? '' : `, of a device ${certificateBytes} B`
  return {
    'TLS authentication': WORDS[tls.auth],
    'TLS certificates': tls.auth === 'psk' ? 'none' : `of the server ${serverBytes} B${device}`,
    'TLS resumption':
      tickets === null
        ? 'no: every handshake is a full one'
        : `${tickets.accepted} of ${tickets.offered} session tickets that were offered were taken`,
    'TLS early data': tls.earlyData
      ? `with the first flight of ${tickets?.early?.sent ?? 0} connections; the server took it of ${tickets?.early?.accepted ?? 0}`
      : 'none',
  }
}
