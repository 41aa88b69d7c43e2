/**
 * An authority and a server certificate for one run: X.509 version 3 (RFC 5280), ECDSA on P-256 with SHA-256.
 * Every run's certificates have the same length, so that handshake bytes can be compared between runs.
 */
import { implicit, sequence } from './der.ts'
import type { Party, Validity } from './x509.ts'
import { authorityExtensions, certify, endExtensions, extension, keyIdentifiers, newParty, pem } from './x509.ts' // prettier-ignore

export interface PkiOptions extends Validity {
  /** The name that clients ask for (SNI) and check. */
  readonly dnsName: string
  /** An IPv4 address that the certificate also stands for. */
  readonly ip?: string
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

const AUTHORITY = 'thingbench authority'
const SUBJECT_ALT_NAME = '2.5.29.17'
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'

/** Makes an authority, `chainLength - 1` intermediate authorities, and the server's certificate. */
export const makePki = (options: PkiOptions): Pki => {
  const root = newParty(AUTHORITY)
  const authority = certify(root, root, options, authorityExtensions(root, root))
  const chain: Uint8Array[] = []
  let issuer = root
  for (let i = 1; i < (options.chainLength ?? 1); i++) {
    const next = newParty(`${AUTHORITY} ${i}`)
    chain.unshift(certify(next, issuer, options, authorityExtensions(next, issuer)))
    issuer = next
  }
  const server = newParty(options.dnsName)
  chain.unshift(certify(server, issuer, options, serverExtensions(server, issuer, options)))
  return {
    authority: pem(authority),
    certificate: chain.map(pem).join(''),
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    chainBytes: chain.reduce((sum, certificate) => sum + certificate.length, 0),
  }
}

const serverExtensions = (subject: Party, issuer: Party, options: PkiOptions): Uint8Array[] => {
  const names = [implicit(2, Buffer.from(options.dnsName))]
  if (options.ip !== undefined)
    names.push(implicit(7, Uint8Array.from(options.ip.split('.'), Number)))
  return [
    ...endExtensions(SERVER_AUTH),
    extension(SUBJECT_ALT_NAME, false, sequence(...names)),
    ...keyIdentifiers(subject, issuer),
  ]
}
