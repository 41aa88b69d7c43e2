/** Why a QUIC connection over OpenSSL ended, in the same words as over quiche. */
import { SECOND } from '../core/clock.ts'
import type { Cause } from '../core/layer.ts'
import type { CloseInfo } from '../native/openssl-quic.ts'
import { IDLE_TIMEOUT } from '../native/openssl-quic.ts'
import type { Pointer } from '../native/openssl.ts'
import { openssl } from '../native/openssl.ts'
import type { OpenSslQuicOptions } from './openssl-quic-context.ts'
import { causeOfError, idleTimeout } from './quic-causes.ts'

const X509_V_OK = 0

/** `ssl` is the connection that ended, and `serverName` whom the certificate had to stand for. */
export const causeOfClose = (
  info: CloseInfo,
  ssl: Pointer,
  serverName: string,
  options: OpenSslQuicOptions,
): Cause => {
  if (info.errorCode === IDLE_TIMEOUT) return idleTimeout(options.idleTimeout / SECOND)
  const certificate = `the certificate of ${serverName}`
  const o = openssl()
  const verdict = o.SSL_get_verify_result(ssl)
  if (verdict !== X509_V_OK) {
    const reason = o.X509_verify_cert_error_string(verdict)
    return { code: 'certificate', detail: `${certificate} was refused (${reason})` }
  }
  const by = info.isLocal ? 'us' : 'peer'
  return causeOfError(info, { by, certificate, alpn: options.alpn })
}
