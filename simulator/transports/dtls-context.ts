/** What the DTLS associations of a stack have in common: DTLS 1.2 with pre-shared keys. */
import type { DtlsOptions } from '../core/types.ts'
import { forgetKeylog, useKeylog, usePskClient, usePskServer } from '../native/openssl-callbacks.ts'
import {
  DTLS1_2,
  SSL_OP_COOKIE_EXCHANGE,
  SSL_OP_NO_QUERY_MTU,
} from '../native/openssl-constants.ts'
import type { Method } from '../native/openssl-context.ts'
import { newContext } from '../native/openssl-context.ts'
import type { Pointer } from '../native/openssl.ts'
import { openssl } from '../native/openssl.ts'

export interface DtlsContextOptions extends Pick<DtlsOptions, 'cipher' | 'mtu'> {
  /** Gets the secrets of each association, as lines of the NSS key log format. */
  readonly keylog?: (line: string) => void
}

/** One cipher suite (PSK-AES128-CCM8 or another with pre-shared keys), one MTU. No tickets, no renegotiation. */
export class DtlsContext {
  readonly pointer: Pointer
  /** Largest UDP payload of a handshake datagram, bytes. */
  readonly mtu: number
  /** What the cipher suite's nonce and tag take of an encrypted record, bytes. */
  readonly leastRecord: number

  private constructor(method: Method, options: DtlsContextOptions) {
    this.pointer = newContext(method, DTLS1_2, options.cipher)
    this.mtu = options.mtu
    // 8 + 8 (RFC 6655), 0 + 16 (RFC 7905); the others 8 + 16 (RFC 5288) or more.
    this.leastRecord = /CCM_?8|CHACHA20/.test(options.cipher) ? 16 : 24
    openssl().SSL_CTX_set_options(this.pointer, SSL_OP_NO_QUERY_MTU)
    if (options.keylog !== undefined) useKeylog(this.pointer, options.keylog)
  }

  /** Throws TB_TLS_SETUP. */
  static client(options: DtlsContextOptions): DtlsContext {
    const context = new DtlsContext('DTLS_client', options)
    usePskClient(context.pointer)
    return context
  }

  /** Throws TB_TLS_SETUP. */
  static server(options: DtlsContextOptions): DtlsContext {
    const context = new DtlsContext('DTLS_server', options)
    openssl().SSL_CTX_set_options(context.pointer, SSL_OP_COOKIE_EXCHANGE)
    usePskServer(context.pointer)
    return context
  }

  /** Associations that are open live on. */
  close(): void {
    forgetKeylog(this.pointer)
    openssl().SSL_CTX_free(this.pointer)
  }
}
