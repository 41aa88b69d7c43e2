/** What the TLS sessions of a stack have in common. */
import type { TlsOptions } from '../core/types.ts'
import { forgetKeylog, useKeylog } from '../native/openssl-callbacks.ts'
import { SSL_VERIFY_PEER, TLS1_2, TLS1_3 } from '../native/openssl-constants.ts'
import type { Method } from '../native/openssl-context.ts'
import { newContext, present, setGroups, trust } from '../native/openssl-context.ts'
import type { Pointer } from '../native/openssl.ts'
import { openssl } from '../native/openssl.ts'

export interface TlsClientOptions extends TlsOptions {
  /** PEM of the authorities that may have signed the server's certificate. */
  readonly authority: string
  /** Gets the secrets of each session, as lines of the NSS key log format. */
  readonly keylog?: (line: string) => void
}

export interface TlsServerOptions extends TlsOptions {
  /** PEM of the server's chain, its own certificate first. */
  readonly certificate: string
  /** PEM of its private key. */
  readonly key: string
  readonly keylog?: (line: string) => void
}

/** One version, one cipher suite, one group. Sessions do not resume: no tickets are offered, sent or kept. */
export class TlsContext {
  readonly pointer: Pointer

  private constructor(method: Method, options: TlsClientOptions | TlsServerOptions) {
    const version = options.version === '1.2' ? TLS1_2 : TLS1_3
    this.pointer = newContext(method, version, options.cipher)
    // TLS 1.2 has one list for key exchange and for the curves of certificates (RFC 8422 section 5.1.1), and ours are on P-256.
    const curves = version === TLS1_2 && options.group !== 'P-256' ? ':P-256' : ''
    setGroups(this.pointer, options.group + curves)
    if (options.keylog !== undefined) useKeylog(this.pointer, options.keylog)
  }

  /** For clients that verify the server's certificate against `authority`. Throws TB_TLS_SETUP. */
  static client(options: TlsClientOptions): TlsContext {
    const context = new TlsContext('TLS_client', options)
    trust(context.pointer, options.authority)
    openssl().SSL_CTX_set_verify(context.pointer, SSL_VERIFY_PEER, 0)
    return context
  }

  /** For servers that present `certificate` and ask none of their clients. Throws TB_TLS_SETUP. */
  static server(options: TlsServerOptions): TlsContext {
    const context = new TlsContext('TLS_server', options)
    present(context.pointer, options.certificate, options.key)
    return context
  }

  /** Sessions that are open live on. */
  close(): void {
    forgetKeylog(this.pointer)
    openssl().SSL_CTX_free(this.pointer)
  }
}
