/** What the connections of the second QUIC client have in common: the QUIC of OpenSSL, whose congestion control is NewReno. */
import { isIP } from 'node:net'
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND } from '../core/clock.ts'
import {
  SSL_CTRL_MODE,
  SSL_CTRL_SET_SESS_CACHE_MODE,
  SSL_CTRL_SET_TLSEXT_HOSTNAME,
  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER,
  SSL_MODE_ENABLE_PARTIAL_WRITE,
  SSL_SESS_CACHE_OFF,
  SSL_VERIFY_PEER,
} from '../native/openssl-constants.ts'
import { forgetKeylog, useKeylog } from '../native/openssl-callbacks.ts'
import { setGroups, trust } from '../native/openssl-context.ts'
import { quicBios } from '../native/openssl-quic-bio.ts'
import {
  opensslQuic,
  somewhere,
  SSL_DEFAULT_STREAM_MODE_NONE,
  SSL_DOMAIN_FLAG_SINGLE_THREAD,
  SSL_INCOMING_STREAM_POLICY_REJECT,
  SSL_VALUE_CLASS_FEATURE_REQUEST,
  SSL_VALUE_CLASS_GENERIC,
  SSL_VALUE_EVENT_HANDLING_MODE,
  SSL_VALUE_EVENT_HANDLING_MODE_EXPLICIT,
  SSL_VALUE_QUIC_IDLE_TIMEOUT,
} from '../native/openssl-quic.ts'
import type { Pointer } from '../native/openssl.ts'
import { cString, openssl } from '../native/openssl.ts'

/** What BoringSSL and our server agree on, so that the engines differ in less. */
const GROUP = 'X25519'
const SUITE = 'TLS_AES_128_GCM_SHA256'

export interface OpenSslQuicOptions {
  /** The application protocol (RFC 7301) that both ends must name, such as mqtt. */
  readonly alpn: string
  /**
   * Without a word from the peer for so long the connection is over (RFC 9000 section 10.1). OpenSSL sends a PING whenever
   * half of it, or 25 s, went by in silence, and cannot be told not to.
   */
  readonly idleTimeout: Nanoseconds
  /** PEM of the authorities that may have signed the server's certificate. */
  readonly authority: string
  /** Gets the secrets of each connection, as lines of the NSS key log format. */
  readonly keylog?: (line: string) => void
}

export class OpenSslQuicContext {
  readonly pointer: Pointer
  readonly options: OpenSslQuicOptions

  /** For clients that verify the server's certificate against `authority`. Throws TB_TLS_SETUP and TB_OPENSSL_MISSING. */
  constructor(options: OpenSslQuicOptions) {
    this.options = options
    const [o, quic] = [openssl(), opensslQuic()]
    this.pointer = o.SSL_CTX_new(quic.OSSL_QUIC_client_method())
    quic.SSL_CTX_set_domain_flags(this.pointer, SSL_DOMAIN_FLAG_SINGLE_THREAD)
    o.SSL_CTX_set_ciphersuites(this.pointer, SUITE)
    o.SSL_CTX_ctrl(this.pointer, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, 0)
    const mode = SSL_MODE_ENABLE_PARTIAL_WRITE + SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
    o.SSL_CTX_ctrl(this.pointer, SSL_CTRL_MODE, mode, 0)
    setGroups(this.pointer, GROUP)
    trust(this.pointer, options.authority)
    o.SSL_CTX_set_verify(this.pointer, SSL_VERIFY_PEER, 0)
    if (options.keylog !== undefined) useKeylog(this.pointer, options.keylog)
  }

  /** A connection to `serverName`, whose first flight SSL_do_handshake makes. SSL_free ends it. */
  connect(serverName: string): Pointer {
    const [o, quic] = [openssl(), opensslQuic()]
    const ssl = o.SSL_new(this.pointer)
    quicBios().attach(ssl)
    quic.SSL_set_blocking_mode(ssl, 0)
    // Otherwise each call into any stream would run the timers of its connection.
    const [kind, mode] = [SSL_VALUE_CLASS_GENERIC, SSL_VALUE_EVENT_HANDLING_MODE]
    quic.SSL_set_value_uint(ssl, kind, mode, SSL_VALUE_EVENT_HANDLING_MODE_EXPLICIT)
    quic.SSL_set_default_stream_mode(ssl, SSL_DEFAULT_STREAM_MODE_NONE)
    quic.SSL_set_incoming_stream_policy(ssl, SSL_INCOMING_STREAM_POLICY_REJECT, 0)
    const idle = this.options.idleTimeout / MILLISECOND
    quic.SSL_set_value_uint(ssl, SSL_VALUE_CLASS_FEATURE_REQUEST, SSL_VALUE_QUIC_IDLE_TIMEOUT, idle)
    const alpn = Buffer.from(this.options.alpn)
    quic.SSL_set_alpn_protos(ssl, Buffer.from([alpn.length, ...alpn]), alpn.length + 1)
    quic.SSL_set1_initial_peer_addr(ssl, somewhere())
    // An address is no server name (RFC 6066 section 3).
    if (isIP(serverName) === 0)
      o.SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, 0, cString(serverName))
    o.SSL_set1_host(ssl, serverName)
    o.SSL_set_connect_state(ssl)
    return ssl
  }

  /** Connections that are open live on. */
  close(): void {
    forgetKeylog(this.pointer)
    openssl().SSL_CTX_free(this.pointer)
  }
}
