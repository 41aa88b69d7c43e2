/** What the TLS connections of a stack have in common, asked of Node as transports/tls-context.ts asks it of OpenSSL. */
import { constants } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { TlsOptions } from '../../core/types.ts'

/**
 * From version 3.2 on, OpenSSL counts suites with 8-byte tags as security level zero, which others must not have: they would offer
 * SHA-1. It takes no list without a suite of TLS 1.2.
 */
const cipherList = (version: '1.2' | '1.3', cipher: string): string => {
  const list = version === '1.2' ? cipher : `${cipher}:DEFAULT`
  return /CCM_?8/u.test(cipher) ? `${list}:@SECLEVEL=0` : list
}

/** One version, one cipher suite, one group, and no tickets. @param authority PEM of who may have signed the server's certificate */
export const secureContext = (
  { version, group, cipher }: TlsOptions,
  authority: string,
): SecureContext =>
  createSecureContext({
    ca: authority,
    minVersion: `TLSv${version}`,
    maxVersion: `TLSv${version}`,
    // TLS 1.2 has one list for key exchange and for the curves of certificates (RFC 8422 section 5.1.1), and ours are on P-256.
    ecdhCurve: version === '1.2' && group !== 'P-256' ? `${group}:P-256` : group,
    ciphers: cipherList(version, cipher),
    secureOptions: constants.SSL_OP_NO_TICKET,
  })
