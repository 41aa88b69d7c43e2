/** Why a connection of the package `mqtt` ended, from the errors that it tells. */
import type { Cause } from '../../core/layer.ts'
import { causeOfNodeError } from '../../io/causes.ts'
import { causeOfReason, reasonInWords } from '../../protocols/mqtt/reasons.ts'

/** An error of Node's net or tls has a string, a refusal by the server the reason code itself. */
type Told = Error & { code?: string | number | undefined; errno?: number }

export const causeOfError = (error: Told): Cause => {
  const { code, message } = error
  if (typeof code === 'number') {
    const words = `CONNECT refused: ${reasonInWords(code)}`
    return { code: causeOfReason(code, 'protocol'), detail: words }
  }
  if (/timeout$/iu.test(message)) return { code: 'timeout', detail: message }
  if (code === undefined) return { code: 'protocol', detail: message }
  if (error.errno !== undefined || code === 'ECONNRESET')
    return causeOfNodeError(error, 'socket of Node')
  if (code.startsWith('ERR_SSL_')) return { code: 'alert', detail: message }
  // The codes of X509_verify_cert_error_string(3), such as CERT_HAS_EXPIRED, and ERR_TLS_CERT_ALTNAME_INVALID.
  return { code: 'certificate', detail: `${message} (${code})` }
}

/** DISCONNECT of a server that speaks MQTT 5. */
export const causeOfDisconnect = (code: number, reasonString?: string): Cause => ({
  code: causeOfReason(code, 'closed'),
  detail: `DISCONNECT from the server: ${reasonInWords(code, reasonString)}`,
})
