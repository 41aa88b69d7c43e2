/** Builds X.509 version 3 certificates (RFC 5280): ECDSA on P-256 with SHA-256, every one of a kind of the same length. */
import type { KeyObject } from 'node:crypto'
import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
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

/** When a certificate holds. */
export interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
}

const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'))
const COMMON_NAME = '2.5.4.3'
const SUBJECT_KEY_IDENTIFIER = '2.5.29.14'
const KEY_USAGE = '2.5.29.15'
const BASIC_CONSTRAINTS = '2.5.29.19'
const AUTHORITY_KEY_IDENTIFIER = '2.5.29.35'
const EXTENDED_KEY_USAGE = '2.5.29.37'

/** A name with its key pair. */
export interface Party {
  readonly name: Uint8Array
  readonly publicKey: Uint8Array
  readonly privateKey: KeyObject
  readonly keyIdentifier: Uint8Array
}

/** A party with a new key pair. */
export const newParty = (commonName: string): Party =>
  party(commonName, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)

/** The party that has this private key. */
export const party = (commonName: string, privateKey: KeyObject): Party => {
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  return {
    name: sequence(set(sequence(oid(COMMON_NAME), utf8String(commonName)))),
    publicKey: spki,
    privateKey,
    // RFC 7093 section 2, method 1: the leftmost 160 bits of the hash of the public key (the last 65 octets: the point).
    keyIdentifier: createHash('sha256').update(spki.subarray(-65)).digest().subarray(0, 20),
  }
}

/** The certificate of `subject`, signed by `issuer`, in DER. */
export const certify = (
  subject: Party,
  issuer: Party,
  validity: Validity,
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

export const extension = (id: string, critical: boolean, value: Uint8Array): Uint8Array =>
  critical
    ? sequence(oid(id), boolean(true), octetString(value))
    : sequence(oid(id), octetString(value))

export const keyIdentifiers = (subject: Party, issuer: Party): Uint8Array[] => [
  extension(SUBJECT_KEY_IDENTIFIER, false, octetString(subject.keyIdentifier)),
  extension(AUTHORITY_KEY_IDENTIFIER, false, sequence(implicit(0, issuer.keyIdentifier))),
]

/** What an authority may do with its certificate: sign certificates. */
export const authorityExtensions = (subject: Party, issuer: Party): Uint8Array[] => [
  extension(BASIC_CONSTRAINTS, true, sequence(boolean(true))),
  // keyCertSign and cRLSign, bits 5 and 6 of 9.
  extension(KEY_USAGE, true, bitString(Uint8Array.of(0x06), 1)),
  ...keyIdentifiers(subject, issuer),
]

/** What an end of a connection may do with its certificate: sign a handshake, for `purpose` (an extended key usage). */
export const endExtensions = (purpose: string): Uint8Array[] => [
  extension(BASIC_CONSTRAINTS, true, sequence()),
  // digitalSignature, bit 0.
  extension(KEY_USAGE, true, bitString(Uint8Array.of(0x80), 7)),
  extension(EXTENDED_KEY_USAGE, false, sequence(oid(purpose))),
]

export const pem = (der: Uint8Array): string => {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
