/** Why a QUIC connection ended, in words: the errors of RFC 9000 section 20 and the alerts of RFC 8446 section 6.2. */
import type { Cause } from '../core/layer.ts'
import type { QuicheError } from '../native/quiche.ts'
import { ABOUT_CERTIFICATES } from './tls-causes.ts'

/** RFC 9000 section 20.1. */
const TRANSPORT_ERRORS: Readonly<Record<number, string>> = {
  1: 'INTERNAL_ERROR',
  3: 'FLOW_CONTROL_ERROR',
  4: 'STREAM_LIMIT_ERROR',
  5: 'STREAM_STATE_ERROR',
  6: 'FINAL_SIZE_ERROR',
  7: 'FRAME_ENCODING_ERROR',
  8: 'TRANSPORT_PARAMETER_ERROR',
  9: 'CONNECTION_ID_LIMIT_ERROR',
  10: 'PROTOCOL_VIOLATION',
  11: 'INVALID_TOKEN',
  12: 'APPLICATION_ERROR',
  13: 'CRYPTO_BUFFER_EXCEEDED',
  14: 'KEY_UPDATE_ERROR',
  15: 'AEAD_LIMIT_REACHED',
  16: 'NO_VIABLE_PATH',
}
export const NO_ERROR = 0
export const CONNECTION_REFUSED = 2
/** CRYPTO_ERROR: this and the number of the alert. */
const CRYPTO_ERROR = 0x100
const NO_APPLICATION_PROTOCOL = 120

const ALERTS: Readonly<Record<number, string>> = {
  10: 'unexpected_message',
  40: 'handshake_failure',
  47: 'illegal_parameter',
  50: 'decode_error',
  51: 'decrypt_error',
  70: 'protocol_version',
  80: 'internal_error',
  109: 'missing_extension',
  112: 'unrecognized_name',
}

/** Who said that the connection is over, and what is known of the other end. */
export interface Ending {
  readonly by: 'us' | 'peer'
  /** The other end's certificate, in words. */
  readonly certificate: string
  readonly alpn: string
}

/** The words for a peer that fell silent; both engines say so. */
export const idleTimeout = (seconds: number): Cause => ({
  code: 'timeout',
  detail: `nothing came from the peer for ${seconds} s (idle timeout)`,
})

/** The words for a peer that has lost the connection (RFC 9000 section 10.3). */
export const STATELESS_RESET: Cause = {
  code: 'reset',
  detail: 'the peer does not know the QUIC connection any more (stateless reset)',
}

/** @param heard whether the peer ever answered */
export const handshakeTimeout = (heard: boolean): Cause => ({
  code: 'timeout',
  detail: `no QUIC handshake within its time: ${heard ? 'no answer to the last flight' : 'no answer at all'}`,
})

/** What an error that ended the connection means. */
export const causeOfError = (error: QuicheError, ending: Ending): Cause => {
  const { errorCode: code } = error
  const said = Buffer.from(error.reason).toString()
  const reason = said === '' ? '' : `: ${said}`
  const who = ending.by === 'peer' ? 'the peer' : 'this end'
  if (code === NO_ERROR)
    return { code: 'closed', detail: `${who} closed the QUIC connection${reason}` }
  if (error.isApp)
    return {
      code: 'reset',
      detail: `${who} ended the QUIC connection with application error ${code}${reason}`,
    }
  if (code === CONNECTION_REFUSED)
    return { code: 'refused', detail: `${who} takes no QUIC connection now${reason}` }
  if (code >= CRYPTO_ERROR && code <= CRYPTO_ERROR + 0xff)
    return causeOfAlert(code - CRYPTO_ERROR, ending)
  const name = TRANSPORT_ERRORS[code] ?? `transport error ${code}`
  return { code: 'protocol', detail: `${who} ended the QUIC connection with ${name}${reason}` }
}

const causeOfAlert = (alert: number, { by, certificate, alpn }: Ending): Cause => {
  const about = ABOUT_CERTIFICATES[alert]
  if (about !== undefined)
    return by === 'us'
      ? { code: 'certificate', detail: `${certificate} was refused (${about})` }
      : { code: 'certificate', detail: `the peer refused our certificate (alert ${about})` }
  if (alert === NO_APPLICATION_PROTOCOL)
    return {
      code: 'alert',
      detail: `the two ends have no application protocol in common; this one has ${alpn} (alert no_application_protocol)`,
    }
  const name = ALERTS[alert] ?? `number ${alert}`
  const detail = by === 'us' ? `the handshake failed (${name})` : `the peer sent the alert ${name}`
  return { code: 'alert', detail }
}
