/**
 * An authority and a server certificate for one run: X.509 version 3 (RFC 5280), ECDSA on P-256 with SHA-256.
 * Every run's certificates have the same length, so that handshake bytes can be compared between runs.
 */
import type { KeyObject } from 'node:crypto'
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import {
  bitString,
  boolean,
  implicit,
  integer,
  octetString,
  oid,
  sequence,
  set,
  tagged,
  time,
  utf8String,
} from './der.ts'

export interface PkiOptions {
  /** The name that clients ask for (SNI) and check. */
  readonly dnsName: string
  /** An IPv4 address that the certificate also stands for. */
  readonly ip?: string
  /** Validity of every certificate. */
  readonly notBefore: Date
  readonly notAfter: Date
  /** Certificates that the server sends: its own (1), and intermediate authorities. Default 1. */
  readonly chainLength?: number
}

/** All in PEM. */
export interface Pki {
  /** What clients trust. */
  readonly authority: string
  /** The server's chain, its own certificate first, without the authority. */
  readonly certificate: string
  /** The server's private key (PKCS #8). */
  readonly key: string
  /** DER bytes of the chain: what a handshake carries. */
  readonly chainBytes: number
}

const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'))
const COMMON_NAME = '2.5.4.3'
const SUBJECT_KEY_IDENTIFIER = '2.5.29.14'
const KEY_USAGE = '2.5.29.15'
const SUBJECT_ALT_NAME = '2.5.29.17'
const BASIC_CONSTRAINTS = '2.5.29.19'
const AUTHORITY_KEY_IDENTIFIER = '2.5.29.35'
const EXTENDED_KEY_USAGE = '2.5.29.37'
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'

/** A name with its key pair. */
interface Party {
  readonly name: Uint8Array
  readonly publicKey: Uint8Array
  readonly privateKey: KeyObject
  readonly keyIdentifier: Uint8Array
}

/** Makes an authority, `chainLength - 1` intermediate authorities, and the server's certificate. */
export const makePki = (options: PkiOptions): Pki => {
  const root = party('thingbench authority')
  const authority = certify(root, root, options, authorityExtensions(root, root))
  const chain: Uint8Array[] = []
  let issuer = root
  for (let i = 1; i < (options.chainLength ?? 1); i++) {
    const next = party(`thingbench authority ${i}`)
    chain.unshift(certify(next, issuer, options, authorityExtensions(next, issuer)))
    issuer = next
  }
  const server = party(options.dnsName)
  chain.unshift(certify(server, issuer, options, serverExtensions(server, issuer, options)))
  return {
    authority: pem(authority),
    certificate: chain.map(pem).join(''),
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    chainBytes: chain.reduce((sum, certificate) => sum + certificate.length, 0),
  }
}

const party = (commonName: string): Party => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  return {
    name: sequence(set(sequence(oid(COMMON_NAME), utf8String(commonName)))),
    publicKey: spki,
    privateKey,
    // RFC 7093 section 2, method 1: the leftmost 160 bits of the hash of the public key (the last 65 octets: the point).
    keyIdentifier: createHash('sha256').update(spki.subarray(-65)).digest().subarray(0, 20),
  }
}

const certify = (
  subject: Party,
  issuer: Party,
  validity: PkiOptions,
  extensions: readonly Uint8Array[],
): Uint8Array => {
  const toBeSigned = sequence(
    tagged(0, integer(Uint8Array.of(2))),
    integer(serialNumber()),
    ECDSA_WITH_SHA256,
    issuer.name,
    sequence(time(validity.notBefore), time(validity.notAfter)),
    subject.name,
    subject.publicKey,
    tagged(3, sequence(...extensions)),
  )
  return sequence(
    toBeSigned,
    ECDSA_WITH_SHA256,
    bitString(signature(toBeSigned, issuer.privateKey)),
  )
}

/** 8 octets, positive, and of constant length. */
const serialNumber = (): Uint8Array => {
  const serial = randomBytes(8)
  serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f)
  return serial
}

/** An ECDSA signature is 70 to 72 octets by chance; this one is always 71. */
const signature = (content: Uint8Array, key: KeyObject): Uint8Array => {
  for (;;) {
    const made = sign('sha256', content, key)
    if (made.length === 71) return made
  }
}

const extension = (id: string, critical: boolean, value: Uint8Array): Uint8Array =>
  critical
    ? sequence(oid(id), boolean(true), octetString(value))
    : sequence(oid(id), octetString(value))

const keyIdentifiers = (subject: Party, issuer: Party): Uint8Array[] => [
  extension(SUBJECT_KEY_IDENTIFIER, false, octetString(subject.keyIdentifier)),
  extension(AUTHORITY_KEY_IDENTIFIER, false, sequence(implicit(0, issuer.keyIdentifier))),
]

const authorityExtensions = (subject: Party, issuer: Party): Uint8Array[] => [
  extension(BASIC_CONSTRAINTS, true, sequence(boolean(true))),
  // keyCertSign and cRLSign, bits 5 and 6 of 9.
  extension(KEY_USAGE, true, bitString(Uint8Array.of(0x06), 1)),
  ...keyIdentifiers(subject, issuer),
]

const serverExtensions = (subject: Party, issuer: Party, options: PkiOptions): Uint8Array[] => {
  const names = [implicit(2, Buffer.from(options.dnsName))]
  if (options.ip !== undefined)
    names.push(implicit(7, Uint8Array.from(options.ip.split('.'), Number)))
  return [
    extension(BASIC_CONSTRAINTS, true, sequence()),
    // digitalSignature, bit 0.
    extension(KEY_USAGE, true, bitString(Uint8Array.of(0x80), 7)),
    extension(EXTENDED_KEY_USAGE, false, sequence(oid(SERVER_AUTH))),
    extension(SUBJECT_ALT_NAME, false, sequence(...names)),
    ...keyIdentifiers(subject, issuer),
  ]
}

const pem = (der: Uint8Array): string => {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
