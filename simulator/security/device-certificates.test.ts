import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { DeviceCertificates, makeDeviceAuthority } from './device-certificates.ts'

const notBefore = new Date('2026-01-02T03:04:05Z')
const notAfter = new Date('2027-01-02T03:04:05Z')
const made = makeDeviceAuthority({ notBefore, notAfter })
const devices = new DeviceCertificates(made)

test('a device certificate bears its name, is signed by the authority and is for clients', () => {
  const { certificate, key, bytes } = devices.issue('d000042')
  const device = new X509Certificate(certificate)
  const authority = new X509Certificate(made.certificate)
  assert.equal(device.subject, 'CN=d000042')
  assert.equal(authority.ca, true)
  assert.ok(device.checkIssued(authority) && device.verify(authority.publicKey))
  assert.ok(device.checkPrivateKey(createPrivateKey(key)))
  assert.equal(device.validToDate.getTime(), notAfter.getTime())
  // Extended key usage: id-kp-clientAuth.
  assert.deepEqual([device.ca, device.keyUsage], [false, ['1.3.6.1.5.5.7.3.2']])
  assert.equal(bytes, device.raw.length)
})

test('all have the same length, and keys of their own', () => {
  const all = Array.from({ length: 8 }, (_, i) => devices.issue(`d00000${i}`))
  assert.equal(new Set(all.map(({ bytes }) => bytes)).size, 1)
  assert.equal(new Set(all.map(({ key }) => key)).size, all.length)
})
