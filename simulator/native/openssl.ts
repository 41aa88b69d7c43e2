/**
 * OpenSSL inside Node, through koffi: the one TLS and DTLS library of every stack. Pointers are JS numbers (int64; user
 * space lies below 2^47), 0 is NULL. Every call is synchronous and belongs to the thread that makes it.
 * Names and meanings are those of OpenSSL's manual pages, section 3.
 */
import koffi from 'koffi'
import { ThingbenchError } from '../core/errors.ts'
import { NativeMemory } from './libc.ts'

/** An address in this process, or 0 for NULL. */
export type Pointer = number
type Int = number

export interface OpenSsl {
  OpenSSL_version(what: Int): string
  TLS_client_method(): Pointer
  TLS_server_method(): Pointer
  DTLS_client_method(): Pointer
  DTLS_server_method(): Pointer
  SSL_CTX_new(method: Pointer): Pointer
  SSL_CTX_free(context: Pointer): void
  SSL_CTX_ctrl(context: Pointer, command: Int, larg: Int, parg: Pointer): number
  SSL_CTX_set_options(context: Pointer, options: Int): number
  SSL_CTX_clear_options(context: Pointer, options: Int): number
  SSL_CTX_set_session_id_context(context: Pointer, id: Uint8Array, length: Int): number
  SSL_CTX_set_security_level(context: Pointer, level: Int): void
  SSL_CTX_set_cipher_list(context: Pointer, names: string): number
  SSL_CTX_set_ciphersuites(context: Pointer, names: string): number
  SSL_CTX_get_ciphers(context: Pointer): Pointer
  SSL_CTX_set_num_tickets(context: Pointer, count: Int): number
  SSL_CTX_set_max_early_data(context: Pointer, bytes: Int): number
  SSL_CTX_set_verify(context: Pointer, mode: Int, callback: Pointer): void
  SSL_CTX_get_cert_store(context: Pointer): Pointer
  SSL_CTX_use_certificate(context: Pointer, certificate: Pointer): number
  SSL_CTX_use_PrivateKey(context: Pointer, key: Pointer): number
  SSL_CTX_set_keylog_callback(context: Pointer, callback: Pointer): void
  SSL_CTX_set_psk_client_callback(context: Pointer, callback: Pointer): void
  SSL_CTX_set_psk_server_callback(context: Pointer, callback: Pointer): void
  SSL_CTX_set_cookie_generate_cb(context: Pointer, callback: Pointer): void
  SSL_CTX_set_cookie_verify_cb(context: Pointer, callback: Pointer): void
  SSL_CIPHER_get_name(cipher: Pointer): string
  SSL_CIPHER_standard_name(cipher: Pointer): string
  OPENSSL_sk_num(stack: Pointer): number
  OPENSSL_sk_value(stack: Pointer, index: Int): Pointer
  X509_STORE_add_cert(store: Pointer, certificate: Pointer): number
  X509_free(certificate: Pointer): void
  X509_verify_cert_error_string(code: Int): string
  EVP_PKEY_free(key: Pointer): void
  PEM_read_bio_X509(bio: Pointer, into: Pointer, callback: Pointer, user: Pointer): Pointer
  PEM_read_bio_PrivateKey(bio: Pointer, into: Pointer, callback: Pointer, user: Pointer): Pointer
  SSL_new(context: Pointer): Pointer
  SSL_free(ssl: Pointer): void
  SSL_free_buffers(ssl: Pointer): number
  SSL_get_SSL_CTX(ssl: Pointer): Pointer
  SSL_set_bio(ssl: Pointer, read: Pointer, write: Pointer): void
  SSL_ctrl(ssl: Pointer, command: Int, larg: Int, parg: Pointer): number
  SSL_set_connect_state(ssl: Pointer): void
  SSL_set_accept_state(ssl: Pointer): void
  SSL_set1_host(ssl: Pointer, name: string): number
  SSL_use_certificate(ssl: Pointer, certificate: Pointer): number
  SSL_use_PrivateKey(ssl: Pointer, key: Pointer): number
  SSL_set_session(ssl: Pointer, session: Pointer): number
  SSL_get1_session(ssl: Pointer): Pointer
  SSL_session_reused(ssl: Pointer): number
  SSL_SESSION_is_resumable(session: Pointer): number
  SSL_SESSION_get_max_early_data(session: Pointer): number
  SSL_SESSION_free(session: Pointer): void
  SSL_set_shutdown(ssl: Pointer, mode: Int): void
  SSL_do_handshake(ssl: Pointer): number
  SSL_read(ssl: Pointer, into: Pointer, length: Int): number
  SSL_write(ssl: Pointer, bytes: Uint8Array, length: Int): number
  SSL_write_early_data(ssl: Pointer, bytes: Uint8Array, length: Int, written: Pointer): number
  SSL_read_early_data(ssl: Pointer, into: Pointer, length: Int, read: Pointer): number
  SSL_get_early_data_status(ssl: Pointer): number
  SSL_shutdown(ssl: Pointer): number
  SSL_want(ssl: Pointer): number
  SSL_get_error(ssl: Pointer, result: Int): number
  SSL_get_verify_result(ssl: Pointer): number
  SSL_get_version(ssl: Pointer): string
  SSL_get_current_cipher(ssl: Pointer): Pointer
  SSL_get0_group_name(ssl: Pointer): string | null
  DTLSv1_listen(ssl: Pointer, peer: Pointer): number
  BIO_ADDR_new(): Pointer
  BIO_new(method: Pointer): Pointer
  BIO_new_mem_buf(bytes: Uint8Array, length: Int): Pointer
  BIO_free(bio: Pointer): number
  BIO_up_ref(bio: Pointer): number
  BIO_s_mem(): Pointer
  BIO_s_dgram_mem(): Pointer
  BIO_ctrl(bio: Pointer, command: Int, larg: Int, parg: Pointer): number
  BIO_read(bio: Pointer, into: Pointer, length: Int): number
  BIO_write(bio: Pointer, bytes: Uint8Array, length: Int): number
  ERR_get_error(): number
  ERR_peek_error(): number
  ERR_clear_error(): void
  ERR_reason_error_string(code: Int): string | null
}

/** Arguments in letters: v void, i int, l int64 (pointers, long), s string, b bytes. The first is the result. */
export type Signatures<T> = Readonly<Record<keyof T, string>>

const SIGNATURES: Signatures<OpenSsl> = {
  OpenSSL_version: 'si',
  TLS_client_method: 'l',
  TLS_server_method: 'l',
  DTLS_client_method: 'l',
  DTLS_server_method: 'l',
  SSL_CTX_new: 'll',
  SSL_CTX_free: 'vl',
  SSL_CTX_ctrl: 'llill',
  SSL_CTX_set_options: 'lll',
  SSL_CTX_clear_options: 'lll',
  SSL_CTX_set_session_id_context: 'ilbi',
  SSL_CTX_set_security_level: 'vli',
  SSL_CTX_set_cipher_list: 'ils',
  SSL_CTX_set_ciphersuites: 'ils',
  SSL_CTX_get_ciphers: 'll',
  SSL_CTX_set_num_tickets: 'ill',
  SSL_CTX_set_max_early_data: 'ili',
  SSL_CTX_set_verify: 'vlil',
  SSL_CTX_get_cert_store: 'll',
  SSL_CTX_use_certificate: 'ill',
  SSL_CTX_use_PrivateKey: 'ill',
  SSL_CTX_set_keylog_callback: 'vll',
  SSL_CTX_set_psk_client_callback: 'vll',
  SSL_CTX_set_psk_server_callback: 'vll',
  SSL_CTX_set_cookie_generate_cb: 'vll',
  SSL_CTX_set_cookie_verify_cb: 'vll',
  SSL_CIPHER_get_name: 'sl',
  SSL_CIPHER_standard_name: 'sl',
  OPENSSL_sk_num: 'il',
  OPENSSL_sk_value: 'lli',
  X509_STORE_add_cert: 'ill',
  X509_free: 'vl',
  X509_verify_cert_error_string: 'sl',
  EVP_PKEY_free: 'vl',
  PEM_read_bio_X509: 'lllll',
  PEM_read_bio_PrivateKey: 'lllll',
  SSL_new: 'll',
  SSL_free: 'vl',
  SSL_free_buffers: 'il',
  SSL_get_SSL_CTX: 'll',
  SSL_set_bio: 'vlll',
  SSL_ctrl: 'llill',
  SSL_set_connect_state: 'vl',
  SSL_set_accept_state: 'vl',
  SSL_set1_host: 'ils',
  SSL_use_certificate: 'ill',
  SSL_use_PrivateKey: 'ill',
  SSL_set_session: 'ill',
  SSL_get1_session: 'll',
  SSL_session_reused: 'il',
  SSL_SESSION_is_resumable: 'il',
  SSL_SESSION_get_max_early_data: 'il',
  SSL_SESSION_free: 'vl',
  SSL_set_shutdown: 'vli',
  SSL_do_handshake: 'il',
  SSL_read: 'illi',
  SSL_write: 'ilbi',
  SSL_write_early_data: 'ilbll',
  SSL_read_early_data: 'illll',
  SSL_get_early_data_status: 'il',
  SSL_shutdown: 'il',
  SSL_want: 'il',
  SSL_get_error: 'ili',
  SSL_get_verify_result: 'll',
  SSL_get_version: 'sl',
  SSL_get_current_cipher: 'll',
  SSL_get0_group_name: 'sl',
  DTLSv1_listen: 'ill',
  BIO_ADDR_new: 'l',
  BIO_new: 'll',
  BIO_new_mem_buf: 'lbi',
  BIO_free: 'il',
  BIO_up_ref: 'il',
  BIO_s_mem: 'l',
  BIO_s_dgram_mem: 'l',
  BIO_ctrl: 'llill',
  BIO_read: 'illi',
  BIO_write: 'ilbi',
  ERR_get_error: 'l',
  ERR_peek_error: 'l',
  ERR_clear_error: 'v',
  ERR_reason_error_string: 'sl',
}

const TYPES: Readonly<Record<string, string>> = {
  v: 'void',
  i: 'int',
  l: 'int64_t',
  s: 'str',
  b: 'const void *',
}

const typesOf = (signature: string): string[] =>
  signature.split('').map((letter) => TYPES[letter] ?? '')

/** Binds every function of a table, and names those that this Node lacks: built without OpenSSL, or with another one. */
const bind = <T>(signatures: Signatures<T>): { bound: T; missing: string[] } => {
  const library = koffi.load(null)
  const bound: Record<string, unknown> = {}
  const missing: string[] = []
  for (const [name, signature] of Object.entries<string>(signatures)) {
    const [result = '', ...args] = typesOf(signature)
    try {
      bound[name] = library.func(name, result, args)
    } catch {
      missing.push(name)
    }
  }
  return { bound: bound as unknown as T, missing }
}

/** The functions of a table. Throws TB_OPENSSL_MISSING. */
export const bindAll = <T>(signatures: Signatures<T>): T => {
  const { bound, missing } = bind(signatures)
  if (missing.length === 0) return bound
  throw new ThingbenchError('TB_OPENSSL_MISSING', {
    node: process.version,
    symbols: missing.join(', '),
  })
}

let loaded: OpenSsl | undefined

/** The functions, bound at the first call. Throws TB_OPENSSL_MISSING. Keep the result in a constant. */
export const openssl = (): OpenSsl => (loaded ??= bindAll<OpenSsl>(SIGNATURES))

/** What this Node can do, for `doctor` and run.json. */
export interface OpenSslProbe {
  /** Such as "OpenSSL 3.5.8 25 Aug 2026"; null when there is none. */
  readonly version: string | null
  /** Functions that TLS and DTLS here need and this Node lacks; empty when all is well. */
  readonly missing: readonly string[]
}

/** Never throws. */
export const probe = (): OpenSslProbe => {
  try {
    const { bound, missing } = bind(SIGNATURES)
    return {
      version: missing.includes('OpenSSL_version') ? null : bound.OpenSSL_version(0),
      missing,
    }
  } catch {
    return { version: null, missing: Object.keys(SIGNATURES) }
  }
}

/** A function pointer for OpenSSL; it lives as long as the thread. `signature` as in the table above. */
export const callback = (
  signature: string,
  answer: (...args: number[]) => number | void,
): Pointer => {
  const [result = '', ...args] = typesOf(signature)
  return Number(koffi.register(answer, koffi.pointer(koffi.proto(result, args))))
}

/** Copies `bytes` to an address that OpenSSL gave. */
export const poke = (address: Pointer, bytes: Uint8Array): void => {
  new Uint8Array(koffi.view(BigInt(address), bytes.length)).set(bytes)
}

/** Copies `length` bytes from an address that OpenSSL gave. */
export const peek = (address: Pointer, length: number): Uint8Array =>
  new Uint8Array(koffi.view(BigInt(address), length)).slice()

/** The string at an address that OpenSSL gave. */
export const text = (address: Pointer): string => koffi.decode.string(BigInt(address))

let scratch: NativeMemory | undefined

/** The address of a zero-terminated copy of `string`, valid until the next call. At most 255 bytes. */
export const cString = (string: string): Pointer => {
  scratch ??= new NativeMemory(256)
  const { written } = new TextEncoder().encodeInto(string, scratch.bytes.subarray(0, 255))
  scratch.bytes[written] = 0
  return scratch.address
}

/** The reasons in this thread's error queue, oldest first, and empties it: "certificate verify failed". */
export const errorWords = (): string => {
  const o = openssl()
  const words = new Set<string>()
  for (let code = o.ERR_get_error(); code !== 0; code = o.ERR_get_error())
    words.add(o.ERR_reason_error_string(code) ?? `error ${code.toString(16)}`)
  return [...words].join(', ')
}

/** Empties the error queue, which SSL_get_error reads: what another call left there must not end this session. */
export const clearErrors = (): void => {
  const o = openssl()
  if (o.ERR_peek_error() !== 0) o.ERR_clear_error()
}
