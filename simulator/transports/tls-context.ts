/** What the TLS sessions of a stack have in common. */
import type { TlsOptions } from '../core/types.ts'
import { forgetKeylog, useKeylog, usePskClient } from '../native/openssl-callbacks.ts'
import {
  SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
  SSL_VERIFY_PEER,
  TLS1_2,
  TLS1_3,
} from '../native/openssl-constants.ts'
import type { Method } from '../native/openssl-context.ts'
import {
  allowEarlyData,
  allowTickets,
  newContext,
  present,
  setGroups,
  trust,
} from '../native/openssl-context.ts'
import type { Pointer } from '../native/openssl.ts'
import { openssl } from '../native/openssl.ts'

export { readCredential } from '../native/openssl-context.ts'

export interface TlsClientOptions extends TlsOptions {
  /** PEM of the authorities that may have signed the server's certificate; null: both ends have a pre-shared key instead. */
  readonly authority: string | null
  /** Sessions can be resumed; default: no. */
  readonly resumption?: boolean
  /** Sessions that are resumed say at once what there is to say, where the server takes it; default: no. */
  readonly earlyData?: boolean
  /** Gets the secrets of each session, as lines of the NSS key log format. */
  readonly keylog?: (line: string) => void
}

export interface TlsServerOptions extends TlsOptions {
  /** PEM of the server's chain, its own certificate first. */
  readonly certificate: string
  /** PEM of its private key. */
  readonly key: string
  /** PEM of the authorities that must have signed the client's certificate; absent: clients need none. */
  readonly clientAuthority?: string
  /** Sends a ticket after each handshake; default: no. */
  readonly resumption?: boolean
  /** With `resumption`, TLS 1.3: takes early data, once for each ticket; default: no. */
  readonly earlyData?: boolean
  readonly keylog?: (line: string) => void
}

/** One version, one cipher suite, one group. */
export class TlsContext {
  readonly pointer: Pointer
  readonly earlyData: boolean

  private constructor(method: Method, options: TlsClientOptions | TlsServerOptions) {
    const version = options.version === '1.2' ? TLS1_2 : TLS1_3
    this.pointer = newContext(method, version, options.cipher)
    // TLS 1.2 has one list for key exchange and for the curves of certificates (RFC 8422 section 5.1.1), and ours are on P-256.
    const curves = version === TLS1_2 && options.group !== 'P-256' ? ':P-256' : ''
    setGroups(this.pointer, options.group + curves)
    this.earlyData = options.earlyData === true
    if (options.resumption === true) allowTickets(this.pointer)
    if (options.keylog !== undefined) useKeylog(this.pointer, options.keylog)
  }

  /** For clients that verify the server's certificate against `authority`, or have a key with it. Throws TB_TLS_SETUP. */
  static client(options: TlsClientOptions): TlsContext {
    const context = new TlsContext('TLS_client', options)
    if (options.authority === null) usePskClient(context.pointer)
    else trust(context.pointer, options.authority)
    // With keys too: a server that answers with a certificate instead is nobody that this client knows.
    openssl().SSL_CTX_set_verify(context.pointer, SSL_VERIFY_PEER, 0)
    return context
  }

  /** For servers that present `certificate`. Throws TB_TLS_SETUP. */
  static server(options: TlsServerOptions): TlsContext {
    const context = new TlsContext('TLS_server', options)
    present(context.pointer, options.certificate, options.key)
    if (context.earlyData) allowEarlyData(context.pointer)
    if (options.clientAuthority !== undefined)
      requireCertificate(context.pointer, options.clientAuthority)
    return context
  }

  /** Sessions that are open live on. */
  close(): void {
    forgetKeylog(this.pointer)
    openssl().SSL_CTX_free(this.pointer)
  }
}

const requireCertificate = (context: Pointer, authority: string): void => {
  const o = openssl()
  trust(context, authority)
  o.SSL_CTX_set_verify(context, SSL_VERIFY_PEER + SSL_VERIFY_FAIL_IF_NO_PEER_CERT, 0)
  // Without it OpenSSL resumes no session that has a client's certificate.
  const id = Buffer.from('thingbench')
  o.SSL_CTX_set_session_id_context(context, id, id.length)
}
