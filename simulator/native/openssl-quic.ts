/**
 * The QUIC of OpenSSL 3.5 inside Node, and what of it needs memory of C. It has neither threads nor timers here: whoever
 * holds a connection injects datagrams, takes datagrams, and asks for its deadline. It reads the real clock.
 * Names and meanings are those of OpenSSL's manual pages, section 3.
 */
import type { Nanoseconds } from '../core/clock.ts'
import { MICROSECOND, NEVER, SECOND } from '../core/clock.ts'
import { NativeMemory } from './libc.ts'
import type { Pointer, Signatures } from './openssl.ts'
import { bindAll, openssl, peek } from './openssl.ts'

type Int = number

export interface OpenSslQuic {
  OSSL_QUIC_client_method(): Pointer
  SSL_CTX_set_domain_flags(context: Pointer, flags: Int): number
  BIO_new_bio_dgram_pair(first: Pointer, size: Int, second: Pointer, otherSize: Int): number
  BIO_ADDR_rawmake(address: Pointer, family: Int, ip: Uint8Array, length: Int, port: Int): number
  /** 0 when it succeeds, unlike the others. */
  SSL_set_alpn_protos(ssl: Pointer, names: Uint8Array, length: Int): number
  SSL_set1_initial_peer_addr(ssl: Pointer, address: Pointer): number
  SSL_set_blocking_mode(ssl: Pointer, blocking: Int): number
  SSL_set_default_stream_mode(ssl: Pointer, mode: Int): number
  SSL_set_incoming_stream_policy(ssl: Pointer, policy: Int, error: Int): number
  SSL_set_value_uint(ssl: Pointer, kind: Int, id: Int, value: Int): number
  SSL_inject_net_dgram(
    ssl: Pointer,
    bytes: Uint8Array,
    length: Int,
    from: Pointer,
    to: Pointer,
  ): number
  SSL_handle_events(ssl: Pointer): number
  SSL_get_event_timeout(ssl: Pointer, timeval: Pointer, infinite: Pointer): number
  SSL_new_stream(ssl: Pointer, flags: Int): Pointer
  SSL_read_ex(ssl: Pointer, into: Pointer, length: Int, read: Pointer): number
  SSL_write_ex(ssl: Pointer, bytes: Uint8Array, length: Int, written: Pointer): number
  SSL_shutdown_ex(ssl: Pointer, flags: Int, arguments_: Pointer, length: Int): number
  SSL_get_conn_close_info(ssl: Pointer, info: Pointer, length: Int): number
}

const SIGNATURES: Signatures<OpenSslQuic> = {
  OSSL_QUIC_client_method: 'l',
  SSL_CTX_set_domain_flags: 'ill',
  BIO_new_bio_dgram_pair: 'illll',
  BIO_ADDR_rawmake: 'ilibli',
  SSL_set_alpn_protos: 'ilbi',
  SSL_set1_initial_peer_addr: 'ill',
  SSL_set_blocking_mode: 'ili',
  SSL_set_default_stream_mode: 'ili',
  SSL_set_incoming_stream_policy: 'ilil',
  SSL_set_value_uint: 'iliil',
  SSL_inject_net_dgram: 'ilblll',
  SSL_handle_events: 'il',
  SSL_get_event_timeout: 'illl',
  SSL_new_stream: 'lll',
  SSL_read_ex: 'illll',
  SSL_write_ex: 'ilbll',
  SSL_shutdown_ex: 'illll',
  SSL_get_conn_close_info: 'illl',
}

/** Of ssl.h and quic.h. */
export const SSL_DOMAIN_FLAG_SINGLE_THREAD = 1
export const SSL_DEFAULT_STREAM_MODE_NONE = 0
export const SSL_INCOMING_STREAM_POLICY_REJECT = 2
export const SSL_VALUE_CLASS_GENERIC = 0
export const SSL_VALUE_CLASS_FEATURE_REQUEST = 1
export const SSL_VALUE_QUIC_IDLE_TIMEOUT = 5
export const SSL_VALUE_EVENT_HANDLING_MODE = 6
export const SSL_VALUE_EVENT_HANDLING_MODE_EXPLICIT = 2
export const SSL_STREAM_FLAG_NO_BLOCK = 2
/** SSL_shutdown_ex: CONNECTION_CLOSE at once, without a wait for the rest of the streams or for the peer. */
export const SHUTDOWN_AT_ONCE = 1 + 2 + 4
/** SSL_get_conn_close_info. */
export const SSL_CONN_CLOSE_FLAG_LOCAL = 1
export const SSL_CONN_CLOSE_FLAG_TRANSPORT = 2

let loaded: OpenSslQuic | undefined

/** The functions, bound at the first call. Throws TB_OPENSSL_MISSING. Keep the result in a constant. */
export const opensslQuic = (): OpenSslQuic => (loaded ??= bindAll<OpenSslQuic>(SIGNATURES))

let out: NativeMemory | undefined
/** Where functions put what they say beside their result. */
const answers = (): NativeMemory => (out ??= new NativeMemory(64))

let peer: Pointer = 0
const AF_INET = 2

/** Where OpenSSL believes that its connections lead to: the socket below is connected, and knows. */
export const somewhere = (): Pointer => {
  if (peer !== 0) return peer
  peer = openssl().BIO_ADDR_new()
  opensslQuic().BIO_ADDR_rawmake(peer, AF_INET, Uint8Array.of(192, 0, 2, 1), 4, 1)
  return peer
}

/** Stream bytes into `into`: how many, or 0, where SSL_get_error knows why. */
export const readStream = (stream: Pointer, into: NativeMemory): number => {
  const { address, view } = answers()
  const length = into.bytes.length
  if (opensslQuic().SSL_read_ex(stream, into.address, length, address) !== 1) return 0
  return view.getUint32(0, true)
}

/** How many of `bytes` were taken; 0, where SSL_get_error knows why. */
export const writeStream = (stream: Pointer, bytes: Uint8Array): number => {
  const { address, view } = answers()
  if (opensslQuic().SSL_write_ex(stream, bytes, bytes.length, address) !== 1) return 0
  return view.getUint32(0, true)
}

/** From now until SSL_handle_events must be called, or NEVER. */
export const eventTimeout = (ssl: Pointer): Nanoseconds => {
  const { address, view } = answers()
  if (opensslQuic().SSL_get_event_timeout(ssl, address, address + 16) !== 1) return NEVER
  if (view.getInt32(16, true) !== 0) return NEVER
  return view.getUint32(0, true) * SECOND + view.getUint32(8, true) * MICROSECOND
}

/** How a connection ended. */
export interface CloseInfo {
  /** The peer's, or OpenSSL's own: IDLE_TIMEOUT is beyond all that fit in a packet. */
  readonly errorCode: number
  readonly isApp: boolean
  readonly reason: Uint8Array
  readonly isLocal: boolean
}

/** CloseInfo.errorCode of a connection on which nothing came for too long: 2^64 - 1. */
export const IDLE_TIMEOUT = 2 ** 64

/** Null: it has not ended. */
export const closeInfo = (ssl: Pointer): CloseInfo | null => {
  // struct ssl_conn_close_info_st: error code, frame type, reason, its length, flags.
  const { address, view } = answers()
  if (opensslQuic().SSL_get_conn_close_info(ssl, address, 40) !== 1) return null
  const [reason, length] = [Number(view.getBigUint64(16, true)), view.getUint32(24, true)]
  const flags = view.getUint32(32, true)
  return {
    errorCode: Number(view.getBigUint64(0, true)),
    isApp: (flags & SSL_CONN_CLOSE_FLAG_TRANSPORT) === 0,
    reason: length === 0 ? new Uint8Array(0) : peek(reason, length),
    isLocal: (flags & SSL_CONN_CLOSE_FLAG_LOCAL) !== 0,
  }
}
