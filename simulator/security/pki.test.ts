import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { makePki } from './pki.ts'

const VALID = {
  notBefore: new Date('2026-01-02T03:04:05Z'),
  notAfter: new Date('2051-06-07T08:09:10Z'),
}

const certificates = (pem: string): X509Certificate[] =>
  (pem.match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----\n/g) ?? []).map(
    (one) => new X509Certificate(one),
  )

test('the server certificate says what was asked and is signed by the authority', () => {
  const pki = makePki({ dnsName: 'server.thingbench', ip: '10.77.0.1', ...VALID })
  const [server, ...rest] = certificates(pki.certificate)
  const [authority] = certificates(pki.authority)
  assert.ok(server !== undefined && authority !== undefined && rest.length === 0)
  assert.equal(server.subjectAltName, 'DNS:server.thingbench, IP Address:10.77.0.1')
  assert.equal(server.checkHost('server.thingbench'), 'server.thingbench')
  assert.equal(server.checkHost('other.thingbench'), undefined)
  assert.equal(server.checkIP('10.77.0.1'), '10.77.0.1')
  assert.equal(server.validFromDate.getTime(), VALID.notBefore.getTime())
  assert.equal(server.validToDate.getTime(), VALID.notAfter.getTime())
  assert.deepEqual([server.ca, authority.ca], [false, true])
  assert.ok(server.verify(authority.publicKey) && authority.verify(authority.publicKey))
  assert.ok(server.checkIssued(authority))
  assert.ok(server.checkPrivateKey(createPrivateKey(pki.key)))
  assert.equal(server.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
  assert.deepEqual(server.keyUsage, ['1.3.6.1.5.5.7.3.1'])
})

test('a longer chain leads from the server through intermediates to the authority', () => {
  const pki = makePki({ dnsName: 'server.test', chainLength: 3, ...VALID })
  const chain = [...certificates(pki.certificate), ...certificates(pki.authority)]
  assert.equal(chain.length, 4)
  for (const [i, certificate] of chain.slice(0, 3).entries()) {
    const issuer = chain[i + 1] as X509Certificate
    assert.ok(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey) && issuer.ca)
  }
})

test('certificates of one description have the same length, and other serial numbers and keys', () => {
  const made = Array.from({ length: 5 }, () => makePki({ dnsName: 'server.test', ...VALID }))
  assert.equal(new Set(made.map((pki) => pki.chainBytes)).size, 1)
  const server = made.map((pki) => certificates(pki.certificate)[0] as X509Certificate)
  assert.equal(server[0]?.raw.length, made[0]?.chainBytes)
  assert.equal(new Set(server.map((certificate) => certificate.serialNumber)).size, 5)
  assert.ok(server.every((certificate) => certificate.serialNumber.length === 16))
  assert.equal(new Set(made.map((pki) => pki.key)).size, 5)
})
