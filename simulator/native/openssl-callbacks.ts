/**
 * What OpenSSL asks back. Each kind of question is registered once per thread (koffi has a fixed number of places) and
 * finds who answers by the SSL object, or by its context.
 */
import type { Pointer } from './openssl.ts'
import { callback, openssl, peek, poke, text } from './openssl.ts'

/** The client's side of a pre-shared key. */
export interface PskCredential {
  /** At most 127 bytes. */
  readonly identity: string
  readonly key: Uint8Array
}

/** The server's side of pre-shared keys and of the cookie exchange. */
export interface PskServer {
  /** The key that belongs to an identity; undefined is answered with the alert unknown_psk_identity. */
  lookup(identity: string): Uint8Array | undefined
  /** The cookie of the peer whose datagram is being read. 32 bytes. */
  cookie(): Uint8Array
}

const credentials = new Map<Pointer, PskCredential>()
const servers = new Map<Pointer, PskServer>()
const keylogs = new Map<Pointer, (line: string) => void>()

const encoder = new TextEncoder()

// SSL_CTX_set_psk_client_callback(3): both are answered into OpenSSL's memory; 0 refuses.
const pskClient = (
  ssl: Pointer,
  _hint: Pointer,
  identity: Pointer,
  mostIdentity: number,
  key: Pointer,
  mostKey: number,
): number => {
  const credential = credentials.get(ssl)
  if (credential === undefined) return 0
  const name = encoder.encode(`${credential.identity}\0`)
  if (name.length > mostIdentity || credential.key.length > mostKey) return 0
  poke(identity, name)
  poke(key, credential.key)
  return credential.key.length
}

const pskServer = (ssl: Pointer, identity: Pointer, key: Pointer, mostKey: number): number => {
  const found = servers.get(ssl)?.lookup(text(identity))
  if (found === undefined || found.length > mostKey) return 0
  poke(key, found)
  return found.length
}

const generateCookie = (ssl: Pointer, cookie: Pointer, length: Pointer): number => {
  const made = servers.get(ssl)?.cookie()
  if (made === undefined) return 0
  poke(cookie, made)
  poke(length, new Uint8Array(Uint32Array.of(made.length).buffer))
  return 1
}

const verifyCookie = (ssl: Pointer, cookie: Pointer, length: number): number => {
  const made = servers.get(ssl)?.cookie()
  if (made === undefined || length !== made.length) return 0
  return Buffer.compare(peek(cookie, length), made) === 0 ? 1 : 0
}

const keylog = (ssl: Pointer, line: Pointer): void => {
  keylogs.get(openssl().SSL_get_SSL_CTX(ssl))?.(text(line))
}

interface Registered {
  readonly pskClient: Pointer
  readonly pskServer: Pointer
  readonly generateCookie: Pointer
  readonly verifyCookie: Pointer
  readonly keylog: Pointer
}

let registered: Registered | undefined

const callbacks = (): Registered =>
  (registered ??= {
    pskClient: callback('illlili', pskClient),
    pskServer: callback('illli', pskServer),
    generateCookie: callback('illl', generateCookie),
    verifyCookie: callback('illi', verifyCookie),
    keylog: callback('vll', keylog),
  })

/** The context's sessions authenticate with pre-shared keys, as client. */
export const usePskClient = (context: Pointer): void =>
  openssl().SSL_CTX_set_psk_client_callback(context, callbacks().pskClient)

/** The context's sessions authenticate with pre-shared keys and exchange cookies, as server. */
export const usePskServer = (context: Pointer): void => {
  openssl().SSL_CTX_set_psk_server_callback(context, callbacks().pskServer)
  openssl().SSL_CTX_set_cookie_generate_cb(context, callbacks().generateCookie)
  openssl().SSL_CTX_set_cookie_verify_cb(context, callbacks().verifyCookie)
}

/** Each secret of the context's sessions goes to `sink` as a line of the NSS key log format. */
export const useKeylog = (context: Pointer, sink: (line: string) => void): void => {
  keylogs.set(context, sink)
  openssl().SSL_CTX_set_keylog_callback(context, callbacks().keylog)
}

/** Ends `useKeylog`, when the context ends. */
export const forgetKeylog = (context: Pointer): void => {
  keylogs.delete(context)
}

/** Until `forget`, `ssl` answers with this credential. */
export const answerAsClient = (ssl: Pointer, credential: PskCredential): void => {
  credentials.set(ssl, credential)
}

/** Until `forget`, `ssl` answers with this server. */
export const answerAsServer = (ssl: Pointer, server: PskServer): void => {
  servers.set(ssl, server)
}

/** Nothing is asked after the handshake, so nothing is kept. */
export const forget = (ssl: Pointer): void => {
  credentials.delete(ssl)
  servers.delete(ssl)
}
