/**
 * The certificates of devices: each has a key pair of its own (P-256) and is named by its device name, so that all have the
 * same length. The authority of the run has signed them, as it has the server's.
 */
import { createPrivateKey } from 'node:crypto'
import { AUTHORITY } from './pki.ts'
import type { Party } from './x509.ts'
import { certify, endExtensions, keyIdentifiers, newParty, party, pem } from './x509.ts'

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

/** What signs the certificates of devices, in a form that can be sent to another process. */
export interface DeviceAuthority {
  /** PEM of the authority's private key. */
  readonly key: string
  /** Validity of what it signs, in milliseconds of the Unix epoch. */
  readonly notBefore: number
  readonly notAfter: number
}

export interface DeviceCertificate {
  /** PEM. */
  readonly certificate: string
  /** PEM of its private key (PKCS #8). */
  readonly key: string
  /** DER bytes of the certificate: what a handshake carries. */
  readonly bytes: number
}

/** Signs for devices. About half a millisecond each: before the devices connect. */
export class DeviceCertificates {
  readonly #authority: Party
  readonly #validity: { readonly notBefore: Date; readonly notAfter: Date }

  constructor({ key, notBefore, notAfter }: DeviceAuthority) {
    this.#authority = party(AUTHORITY, createPrivateKey(key))
    this.#validity = { notBefore: new Date(notBefore), notAfter: new Date(notAfter) }
  }

  /** A new key pair and its certificate for the common name `name`. */
  issue(name: string): DeviceCertificate {
    const device = newParty(name)
    const extensions = [...endExtensions(CLIENT_AUTH), ...keyIdentifiers(device, this.#authority)]
    const certificate = certify(device, this.#authority, this.#validity, extensions)
    return {
      certificate: pem(certificate),
      key: device.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      bytes: certificate.length,
    }
  }
}
