/** What an alert says about the credentials of the end that receives it (RFC 8446 section 6.2). */
import type { Cause } from '../core/layer.ts'
import { SSL_AD_REASON_OFFSET } from '../native/openssl-constants.ts'
import { errorWords, openssl } from '../native/openssl.ts'

/** Alerts with which a peer refuses our certificate, or the lack of one. */
export const ABOUT_CERTIFICATES: Readonly<Record<number, string>> = {
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  48: 'unknown_ca',
  116: 'certificate_required',
}

/**
 * Alerts with which a server refuses a pre-shared key. Of TLS 1.2: unknown_psk_identity, and for another key bad_record_mac
 * or decrypt_error (RFC 4279 section 2). Of TLS 1.3: a server that does not know the identity goes on to certificates
 * (RFC 8446 section 4.2.11), has none and ends with handshake_failure; another key fails in the binder, for which OpenSSL
 * has illegal_parameter.
 */
const ABOUT_KEYS: Readonly<Record<number, string>> = {
  20: 'the server has another key (alert bad_record_mac)',
  40: 'the server knows no such identity, or no such cipher suite (alert handshake_failure)',
  47: 'the server has another key (alert illegal_parameter)',
  51: 'the server has another key (alert decrypt_error)',
  115: 'the server knows no such identity (alert unknown_psk_identity)',
}

const LIBRARY_SSL = 20

/** The number of the alert that the oldest error in the queue tells of, or -1. */
const alertNumber = (): number => {
  // ERR_GET_LIB and ERR_GET_REASON of err.h.
  const error = openssl().ERR_peek_error()
  const reason = error & 0x7fffff
  return ((error >> 23) & 0xff) === LIBRARY_SSL ? reason - SSL_AD_REASON_OFFSET : -1
}

/**
 * Why the session that the error queue tells of ended. Empties the queue.
 * @param withKey whether this end authenticates with a pre-shared key
 * @param otherwise the words when the queue has none
 */
export const failure = (withKey: boolean, otherwise: string): Cause => {
  const alert = alertNumber()
  const words = errorWords()
  const refused = ABOUT_CERTIFICATES[alert]
  if (refused !== undefined)
    return { code: 'certificate', detail: `the peer refused our certificate (alert ${refused})` }
  const key = withKey ? ABOUT_KEYS[alert] : undefined
  if (key !== undefined) return { code: 'authentication', detail: `pre-shared key: ${key}` }
  return { code: 'alert', detail: words || otherwise }
}
