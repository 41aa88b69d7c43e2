/**
 * The certificates of devices: each has a key pair of its own (P-256) and is named by its device name, so that all have the
 * same length. They have an authority of their own: a server that knows the authority of its own certificate, because it
 * checks its clients with it, sends that along (SSL_MODE_NO_AUTO_CHAIN of OpenSSL is off), which has nothing to do with devices.
 */
import { createPrivateKey } from 'node:crypto'
import type { Party, Validity } from './x509.ts'
import { authorityExtensions, certify, endExtensions, keyIdentifiers, newParty, party, pem } from './x509.ts' // prettier-ignore

const AUTHORITY = 'thingbench device authority'
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

/** What signs the certificates of devices, in a form that can be sent to another process. */
export interface DeviceAuthority {
  /** PEM of its own certificate: what servers trust. */
  readonly certificate: string
  /** PEM of its private key (PKCS #8). */
  readonly key: string
  /** Validity of what it signs, in milliseconds of the Unix epoch. */
  readonly notBefore: number
  readonly notAfter: number
}

export const makeDeviceAuthority = (validity: Validity): DeviceAuthority => {
  const own = newParty(AUTHORITY)
  return {
    certificate: pem(certify(own, own, validity, authorityExtensions(own, own))),
    key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    notBefore: validity.notBefore.getTime(),
    notAfter: validity.notAfter.getTime(),
  }
}

export interface DeviceCertificate {
  /** PEM. */
  readonly certificate: string
  /** PEM of its private key (PKCS #8). */
  readonly key: string
  /** DER bytes of the certificate: what a handshake carries. */
  readonly bytes: number
}

/** Signs for devices. A third of a millisecond of CPU time each: before the devices connect. */
export class DeviceCertificates {
  readonly #authority: Party
  readonly #validity: Validity

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
