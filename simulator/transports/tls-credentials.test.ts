/** What devices show, and what they keep for the next handshake. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeviceAuthority } from '../security/device-certificates.ts'
import { DeviceCertificates, makeDeviceAuthority } from '../security/device-certificates.ts'
import { readCredential } from './tls-context.ts'
import { dates, GCM, GCM12, newPair, openPair, PKI, pump } from './tls-pair.cases.ts'
import { TlsTickets } from './tls-tickets.ts'
import type { TlsIdentity } from './tls.ts'
import { TlsContext } from './tls.ts'

const DEVICES = makeDeviceAuthority(dates(-1, 1))

/** A device's certificate with its key. */
const issued = (authority: DeviceAuthority) => {
  const { certificate, key } = new DeviceCertificates(authority).issue('d000007')
  return readCredential(certificate, key)
}

/** The authority, signing what has expired. */
const late = (authority: DeviceAuthority): DeviceAuthority => ({
  ...authority,
  notBefore: dates(-2, -1).notBefore.getTime(),
  notAfter: dates(-2, -1).notAfter.getTime(),
})

for (const tls of [GCM, GCM12]) {
  const what = `TLS ${tls.version}`
  const client = TlsContext.client({ ...tls, authority: PKI.authority })
  const strict = TlsContext.server({ ...tls, ...PKI, clientAuthority: DEVICES.certificate })

  /** How client and server end when the client shows what `identity` has. */
  const ends = (identity: TlsIdentity): string[] => {
    const pair = newPair({ client, server: strict, identity })
    pump(pair)
    return [pair.client, pair.server].map(({ top }) => `${top.cause?.code}: ${top.cause?.detail}`)
  }

  test(`${what}: a device certificate of the authority opens a server that asks for one`, () => {
    openPair({
      client,
      server: strict,
      identity: { device: 7, credential: issued(DEVICES) },
    })
  })

  test(`${what}: a device certificate that is missing, of another authority, or expired, is told apart at both ends`, () => {
    const [missing = '', server = ''] = ends({ device: 7 })
    assert.match(server, /peer did not return a certificate/)
    // TLS 1.2 has no alert of its own for it (RFC 5246 section 7.4.6).
    assert.match(
      missing,
      tls === GCM
        ? /^certificate: the peer refused our certificate \(alert certificate_required\)$/
        : /^alert: .*handshake failure$/,
    )
    const other = makeDeviceAuthority(dates(-1, 1))
    const [untrusted, why] = ends({ device: 7, credential: issued(other) })
    assert.equal(untrusted, 'certificate: the peer refused our certificate (alert unknown_ca)')
    assert.match(why ?? '', /^certificate: the client's certificate was refused: unable to get/)
    const [expired] = ends({ device: 7, credential: issued(late(DEVICES)) })
    assert.equal(
      expired,
      'certificate: the peer refused our certificate (alert certificate_expired)',
    )
  })

  const resuming = TlsContext.client({ ...tls, authority: PKI.authority, resumption: true })
  const giving = TlsContext.server({ ...tls, ...PKI, resumption: true })

  /** Connects and closes; says whether the session was resumed, and how many bytes came down. */
  const visit = (tickets: TlsTickets, device: number, server: TlsContext) => {
    const pair = openPair({ client: resuming, server, identity: { device, tickets } })
    const { resumed } = pair.client.layer.negotiated()
    const down = pair.server.pipe.calls.reduce((sum, call) => sum + call.length, 0)
    pair.client.layer.close(0)
    pump(pair)
    return { resumed, down }
  }

  test(`${what}: a device resumes with its own ticket, again and again, and others do not with it`, () => {
    const tickets = new TlsTickets()
    const full = visit(tickets, 0, giving)
    assert.equal(full.resumed, 'no')
    assert.equal(visit(tickets, 1, giving).resumed, 'no')
    for (let i = 0; i < 3; i++) {
      const short = visit(tickets, 0, giving)
      assert.equal(short.resumed, 'yes')
      // The server sends no certificate, and no signature.
      assert.ok(full.down - short.down > PKI.chainBytes, `${full.down} - ${short.down}`)
    }
    assert.deepEqual([tickets.offered, tickets.accepted], [3, 3])
  })

  test(`${what}: a server that does not know the ticket makes a full handshake`, () => {
    const tickets = new TlsTickets()
    visit(tickets, 0, giving)
    const restarted = TlsContext.server({ ...tls, ...PKI, resumption: true })
    assert.equal(visit(tickets, 0, restarted).resumed, 'no')
    assert.equal(visit(tickets, 0, restarted).resumed, 'yes')
    assert.deepEqual([tickets.offered, tickets.accepted], [2, 1])
  })

  test(`${what}: a connection that is cut keeps its ticket, a handshake that is refused loses it`, () => {
    const tickets = new TlsTickets()
    const cut = openPair({ client: resuming, server: giving, identity: { device: 0, tickets } })
    cut.client.layer.closed({ code: 'reset', detail: 'RST' }, 0)
    assert.equal(visit(tickets, 0, giving).resumed, 'yes')
    const refused = newPair({ client: resuming, server: giving, identity: { device: 0, tickets } })
    // A fatal alert: internal_error.
    refused.client.layer.fromBelow(Uint8Array.of(21, 3, 3, 0, 2, 2, 80), 0)
    assert.equal(refused.client.top.cause?.code, 'alert')
    assert.equal(visit(tickets, 0, giving).resumed, 'no')
  })

  test(`${what}: a session with a device certificate resumes`, () => {
    const tickets = new TlsTickets()
    const server = TlsContext.server({
      ...tls,
      ...PKI,
      clientAuthority: DEVICES.certificate,
      resumption: true,
    })
    const identity = { device: 0, tickets, credential: issued(DEVICES) }
    openPair({ client: resuming, server, identity }).client.layer.close(0)
    openPair({ client: resuming, server, identity })
    assert.equal(tickets.accepted, 1)
  })
}
