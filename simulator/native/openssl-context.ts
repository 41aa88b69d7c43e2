/**
 * SSL_CTX: what all sessions of a kind have in common. One version, one cipher suite, one group, no tickets unless they are
 * asked for, no cache, no renegotiation: a stack does what its scenario says, and nothing else.
 */
import { ThingbenchError } from '../core/errors.ts'
import {
  SSL_CTRL_EXTRA_CHAIN_CERT,
  SSL_CTRL_MODE,
  SSL_CTRL_SET_GROUPS_LIST,
  SSL_CTRL_SET_MAX_PROTO_VERSION,
  SSL_CTRL_SET_MIN_PROTO_VERSION,
  SSL_CTRL_SET_SESS_CACHE_MODE,
  SSL_MODE_RELEASE_BUFFERS,
  SSL_OP_NO_RENEGOTIATION,
  SSL_OP_NO_TICKET,
  SSL_SESS_CACHE_OFF,
  SSL_SESS_CACHE_SERVER,
  DTLS1_2,
  TLS1_2,
  TLS1_3,
} from './openssl-constants.ts'
import type { Pointer } from './openssl.ts'
import { clearErrors, cString, errorWords, openssl } from './openssl.ts'

export type Method = 'TLS_client' | 'TLS_server' | 'DTLS_client' | 'DTLS_server'

/** A new SSL_CTX for one version and one cipher suite. Throws TB_TLS_SETUP. */
export const newContext = (method: Method, version: number, cipher: string): Pointer => {
  const o = openssl()
  clearErrors()
  const context = o.SSL_CTX_new(o[`${method}_method`]())
  o.SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, version, 0)
  o.SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, version, 0)
  o.SSL_CTX_set_options(context, SSL_OP_NO_TICKET + SSL_OP_NO_RENEGOTIATION)
  o.SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, 0)
  o.SSL_CTX_ctrl(context, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS, 0)
  o.SSL_CTX_set_num_tickets(context, 0)
  const names = suiteNames(context, version)
  const name = names.get(cipher)
  if (name === undefined) {
    o.SSL_CTX_free(context)
    throw new ThingbenchError('TB_TLS_SETUP', {
      what: 'The cipher suite',
      found: cipher,
      reason: `${VERSIONS[version]?.title} in this OpenSSL has no such suite`,
      advice: `It has ${[...new Set(names.values())].join(', ')}.`,
    })
  }
  // An 8-byte tag counts as 64 bits of security, which OpenSSL's default level refuses.
  if (/CCM_?8/.test(name)) o.SSL_CTX_set_security_level(context, 0)
  if (version === TLS1_3) o.SSL_CTX_set_ciphersuites(context, name)
  else o.SSL_CTX_set_cipher_list(context, name)
  return context
}

interface Version {
  readonly title: string
  /** What can be asked for: suites that our certificates (ECDSA) and keys (PSK) can carry. */
  readonly suites: string
}

const VERSIONS: Readonly<Record<number, Version>> = {
  [TLS1_3]: {
    title: 'TLS 1.3',
    suites:
      'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256',
  },
  [TLS1_2]: { title: 'TLS 1.2', suites: 'kECDHE+aECDSA:kPSK:kECDHEPSK:!eNULL:!CAMELLIA:!ARIA' },
  [DTLS1_2]: {
    title: 'DTLS 1.2 with pre-shared keys',
    suites: 'kPSK:kECDHEPSK:!eNULL:!CAMELLIA:!ARIA',
  },
}

/** OpenSSL's name of every cipher suite of the version, by that name and by IANA's. */
const suiteNames = (context: Pointer, version: number): Map<string, string> => {
  const o = openssl()
  const suites = VERSIONS[version]?.suites ?? ''
  o.SSL_CTX_set_ciphersuites(context, version === TLS1_3 ? suites : '')
  if (version !== TLS1_3) o.SSL_CTX_set_cipher_list(context, suites)
  const stack = o.SSL_CTX_get_ciphers(context)
  const names = new Map<string, string>()
  for (let i = 0; i < o.OPENSSL_sk_num(stack); i++) {
    const cipher = o.OPENSSL_sk_value(stack, i)
    const name = o.SSL_CIPHER_get_name(cipher)
    const iana = o.SSL_CIPHER_standard_name(cipher)
    // Only TLS 1.3 suites are called the same by both; the older ones are in every context's list.
    if ((version === TLS1_3) !== (name === iana)) continue
    names.set(name, name)
    names.set(iana, name)
  }
  return names
}

/** Sessions of the context can be resumed; a server sends one ticket after each handshake. */
export const allowTickets = (context: Pointer): void => {
  const o = openssl()
  o.SSL_CTX_clear_options(context, SSL_OP_NO_TICKET)
  o.SSL_CTX_set_num_tickets(context, 1)
}

/** What OpenSSL's manual advises: a whole record. */
const MOST_EARLY_DATA = 16_384

/**
 * A server with `allowTickets` takes data in the first flight of who resumes (RFC 8446 section 4.2.10). OpenSSL's protection against
 * replays needs its cache: each ticket is good for one connection (section 8.1), and only in this process.
 */
export const allowEarlyData = (context: Pointer): void => {
  const o = openssl()
  o.SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_SERVER, 0)
  o.SSL_CTX_set_max_early_data(context, MOST_EARLY_DATA)
}

/** The key exchange groups, best first, with colons between, such as X25519 or P-256. Throws TB_TLS_SETUP. */
export const setGroups = (context: Pointer, groups: string): void => {
  clearErrors()
  if (openssl().SSL_CTX_ctrl(context, SSL_CTRL_SET_GROUPS_LIST, 0, cString(groups)) === 1) return
  throw refused('The key exchange group', groups, 'Take X25519, P-256 or X25519MLKEM768.')
}

/** Trusts the authorities in `pem`. Throws TB_TLS_SETUP. */
export const trust = (context: Pointer, pem: string): void => {
  const o = openssl()
  const store = o.SSL_CTX_get_cert_store(context)
  for (const certificate of readCertificates('The authority', pem)) {
    o.X509_STORE_add_cert(store, certificate)
    o.X509_free(certificate)
  }
}

/** Presents the chain in `certificate` (own first, then what signed it) with its private key. Throws TB_TLS_SETUP. */
export const present = (context: Pointer, certificate: string, key: string): void => {
  const o = openssl()
  const [own = 0, ...chain] = readCertificates('The certificate', certificate)
  o.SSL_CTX_use_certificate(context, own)
  o.X509_free(own)
  // The context takes the chain's references over.
  for (const link of chain) o.SSL_CTX_ctrl(context, SSL_CTRL_EXTRA_CHAIN_CERT, 0, link)
  const pkey = readKey(key)
  const done = o.SSL_CTX_use_PrivateKey(context, pkey) === 1
  o.EVP_PKEY_free(pkey)
  if (!done) throw refused('The private key', '(PEM)', 'Give the PEM key of the certificate.')
}

/** A certificate with its key, read once and shown by many sessions; it lives as long as the process. */
export interface Credential {
  readonly certificate: Pointer
  readonly key: Pointer
}

/** Reads one certificate and its private key, both PEM. Throws TB_TLS_SETUP. */
export const readCredential = (certificate: string, key: string): Credential => {
  const [own = 0] = readCertificates('The certificate', certificate)
  return { certificate: own, key: readKey(key) }
}

/** `ssl` shows this certificate when it is asked for one. */
export const presentOn = (ssl: Pointer, { certificate, key }: Credential): void => {
  openssl().SSL_use_certificate(ssl, certificate)
  openssl().SSL_use_PrivateKey(ssl, key)
}

const readKey = (pem: string): Pointer => {
  const key = fromPem(pem, (bio) => openssl().PEM_read_bio_PrivateKey(bio, 0, 0, 0))
  if (key !== 0) return key
  throw refused('The private key', '(PEM)', 'Give the PEM key of the certificate.')
}

const readCertificates = (what: string, pem: string): Pointer[] => {
  const found: Pointer[] = []
  clearErrors()
  fromPem(pem, (bio) => {
    for (;;) {
      const certificate = openssl().PEM_read_bio_X509(bio, 0, 0, 0)
      if (certificate === 0) return 0
      found.push(certificate)
    }
  })
  if (found.length === 0) throw refused(what, pem.slice(0, 40), 'Give PEM certificates.')
  // The end of the text was reported as an error.
  clearErrors()
  return found
}

const fromPem = (pem: string, read: (bio: Pointer) => Pointer): Pointer => {
  const bytes = Buffer.from(pem)
  const bio = openssl().BIO_new_mem_buf(bytes, bytes.length)
  const found = read(bio)
  openssl().BIO_free(bio)
  return found
}

const refused = (what: string, found: string, advice: string): ThingbenchError =>
  new ThingbenchError('TB_TLS_SETUP', {
    what,
    found,
    reason: errorWords() || 'this OpenSSL does not know it',
    advice,
  })
