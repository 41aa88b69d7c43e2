import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Cause } from '../core/layer.ts'
import { NEVER, SECOND } from '../core/clock.ts'
import { Random } from '../core/random.ts'
import { makePki } from '../security/pki.ts'
import { tlsRecords } from './record.ts'
import { carry, CCM8, dates, GCM, GCM12, newPair, openPair, PKI, pump } from './tls-pair.cases.ts' // prettier-ignore
import type { End, Pair, PairOptions } from './tls-pair.cases.ts'
import { TlsContext } from './tls.ts'

const numbered = (length: number, from = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (from + i) % 251)

test('TLS 1.3 with X25519 opens in one round trip, without HelloRetryRequest', () => {
  const { client, server } = openPair()
  assert.deepEqual(client.layer.negotiated(), {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_128_GCM_SHA256',
    group: 'x25519',
  })
  assert.deepEqual(server.layer.negotiated(), client.layer.negotiated())
  // ClientHello; then ChangeCipherSpec and Finished. The server answers once.
  assert.deepEqual([client.pipe.calls.length, server.pipe.calls.length], [2, 1])
  // RFC 8446 section 4.1.3: a HelloRetryRequest is a ServerHello with this random.
  const retry = createHash('sha256').update('HelloRetryRequest').digest()
  const serverRandom = Buffer.from(server.pipe.calls[0] ?? []).subarray(11, 43)
  assert.notDeepEqual(serverRandom, retry)
  assert.ok(client.layer.deadline() === NEVER && server.layer.deadline() === NEVER)
})

test('a group that the server does not share costs an alert, not another group', () => {
  const p256 = TlsContext.client({ ...GCM, group: 'P-256', authority: PKI.authority })
  const pair = newPair({ client: p256 })
  pump(pair)
  assert.equal(pair.client.top.cause?.code, 'alert')
  assert.match(pair.client.top.cause?.detail ?? '', /handshake failure/)
  p256.close()
})

test('TLS 1.2 and the 8-byte tag of TLS 1.3 open with the suite that was asked for', () => {
  for (const [options, version, cipher] of [
    [GCM12, 'TLSv1.2', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
    [{ ...GCM12, cipher: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256' }, 'TLSv1.2', GCM12.cipher],
    [CCM8, 'TLSv1.3', 'TLS_AES_128_CCM_8_SHA256'],
  ] as const) {
    const client = TlsContext.client({ ...options, authority: PKI.authority })
    const server = TlsContext.server({ ...options, ...PKI })
    const found = openPair({ client, server }).client.layer.negotiated()
    assert.deepEqual(found, { version, cipher, group: 'x25519' })
    client.close()
    server.close()
  }
})

test('a record costs 22 bytes with TLS 1.3 and a 16-byte tag, 14 with CCM-8, 29 with TLS 1.2 GCM', () => {
  for (const [options, overhead] of [
    [GCM, 22],
    [CCM8, 14],
    [GCM12, 29],
  ] as const) {
    const client = TlsContext.client({ ...options, authority: PKI.authority })
    const server = TlsContext.server({ ...options, ...PKI })
    const pair = openPair({ client, server })
    for (const length of [1, 6, 118, 16384]) {
      assert.ok(pair.client.write(numbered(length)))
      const sent = pair.client.pipe.calls.at(-1) ?? new Uint8Array()
      assert.deepEqual(
        tlsRecords(sent).map((record) => record.size),
        [length + overhead],
      )
    }
    client.close()
    server.close()
  }
})

test('what is sent arrives, and the upper boundary counts it', () => {
  const pair = openPair()
  assert.ok(pair.client.write(numbered(100)))
  assert.ok(pair.client.write(numbered(50, 100)))
  assert.ok(pair.server.write(numbered(70_000)))
  pump(pair)
  assert.deepEqual(pair.server.top.received, [...numbered(150)])
  assert.deepEqual(pair.client.top.received, [...numbered(70_000)])
  const { traffic } = pair.client.layer
  assert.deepEqual([traffic.sentBytes, traffic.sentCalls], [150, 2])
  assert.equal(traffic.receivedBytes, 70_000)
})

test('data that arrives with the last flight of the handshake comes after open', () => {
  const pair = newPair()
  carry(pair.client, pair.server)
  carry(pair.server, pair.client)
  pair.client.write(numbered(10))
  pair.client.layer.close(0)
  const order: string[] = []
  const { top } = pair.server
  top.open = () => void order.push('open')
  top.fromBelow = (bytes) => void order.push(`${bytes.length} bytes`)
  top.closed = ({ code }) => void order.push(code)
  carry(pair.client, pair.server)
  assert.deepEqual(order, ['open', '10 bytes', 'closed'])
})

test('a certificate that does not fit is refused with the reason, and the server hears which', () => {
  const other = makePki({ dnsName: 'server.test', ...dates(-1, 1) })
  const expired = makePki({ dnsName: 'server.test', ...dates(-2, -1) })
  const early = makePki({ dnsName: 'server.test', ...dates(1, 2) })
  const expect = (options: PairOptions, words: RegExp, alert: RegExp): void => {
    const pair = newPair(options)
    pump(pair)
    assert.equal(pair.client.top.cause?.code, 'certificate')
    assert.match(pair.client.top.cause?.detail ?? '', words)
    assert.equal(pair.client.top.opens, 0)
    assert.equal(pair.server.top.cause?.code, 'certificate')
    assert.match(pair.server.top.cause?.detail ?? '', alert)
  }
  expect(
    { serverName: 'other.test' },
    /other\.test was refused: hostname mismatch/,
    /bad_certificate/,
  )
  expect({ serverName: '10.77.0.2' }, /IP address mismatch/, /bad_certificate/)
  const served = (pki: typeof PKI) => TlsContext.server({ ...GCM, ...pki })
  const trusting = (pki: typeof PKI) => TlsContext.client({ ...GCM, authority: pki.authority })
  expect({ server: served(other) }, /unable to get local issuer/, /unknown_ca/)
  expect(
    { server: served(expired), client: trusting(expired) },
    /has expired/,
    /certificate_expired/,
  )
  expect({ server: served(early), client: trusting(early) }, /not yet valid/, /bad_certificate/)
})

test('a chain of three certificates and an address as the server name are accepted', () => {
  const pki = makePki({ dnsName: 'server.test', ip: '10.77.0.1', chainLength: 3, ...dates(-1, 1) })
  const client = TlsContext.client({ ...GCM, authority: pki.authority })
  const server = TlsContext.server({ ...GCM, ...pki })
  openPair({ client, server, serverName: '10.77.0.1' })
  assert.ok(pki.chainBytes > 3 * 300)
})

test('the end of a session has the right cause at both ends', () => {
  const closed = openPair()
  closed.client.layer.close(0)
  closed.client.layer.close(0)
  pump(closed)
  assert.equal(closed.server.top.cause?.code, 'closed')
  assert.equal(closed.client.top.cause, null)

  const truncated = openPair()
  truncated.client.layer.closed({ code: 'closed', detail: 'FIN' }, 0)
  assert.equal(truncated.client.top.cause?.code, 'truncated')

  const reset = openPair()
  reset.client.layer.closed({ code: 'reset', detail: 'RST' }, 0)
  assert.deepEqual(reset.client.top.cause, { code: 'reset', detail: 'RST' })

  const middle = newPair()
  carry(middle.client, middle.server)
  middle.server.layer.closed({ code: 'closed', detail: 'FIN' }, 0)
  assert.equal(middle.server.top.cause?.code, 'truncated')
  middle.client.layer.close(0)
  assert.ok(middle.client.pipe.finished)
})

test('a handshake that nobody answers ends after 30 s as timeout', () => {
  const { client } = newPair()
  assert.equal(client.layer.deadline(), 30 * SECOND)
  client.layer.expire(30 * SECOND)
  assert.equal(client.top.cause?.code, 'timeout')
  assert.equal(client.layer.deadline(), NEVER)
})

test('records that the layer below refuses are kept, sent first in ready, and not encrypted again', () => {
  const pair = openPair()
  const { client } = pair
  const before = client.pipe.calls.length
  client.pipe.full = true
  assert.equal(client.write(numbered(40_000)), true)
  assert.equal(client.write(numbered(1)), false)
  client.layer.ready(0)
  assert.equal(client.top.readies, 0)
  client.pipe.full = false
  client.layer.ready(0)
  assert.equal(client.top.readies, 1)
  assert.equal(client.pipe.calls.length, before + 1)
  assert.ok(client.write(numbered(10, 40_000)))
  // close_notify and FIN wait for what was taken before.
  client.pipe.full = true
  assert.ok(client.write(numbered(10, 40_010)))
  client.layer.close(0)
  assert.equal(client.pipe.finished, false)
  client.pipe.full = false
  client.layer.ready(0)
  assert.equal(client.pipe.finished, true)
  pump(pair)
  assert.deepEqual(pair.server.top.received, [...numbered(40_020)])
  assert.equal(pair.server.top.cause?.code, 'closed')
})

test('a layer below that blocks at random loses and repeats nothing', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ write: fc.nat(5000), full: fc.boolean(), ready: fc.boolean() })),
      (steps) => {
        const pair = openPair()
        const { client } = pair
        let taken = 0
        for (const step of steps) {
          client.pipe.full = step.full
          if (client.write(numbered(step.write, taken))) taken += step.write
          if (step.ready && client.pipe.refused && !step.full) {
            client.pipe.refused = false
            client.layer.ready(0)
          }
          carry(pair.client, pair.server)
        }
        client.pipe.full = false
        client.layer.ready(0)
        pump(pair)
        assert.deepEqual(pair.server.top.received, [...numbered(taken)])
        client.layer.close(0)
      },
    ),
    { numRuns: 30 },
  )
})

test('sessions that share the BIO pair never see bytes of another', () => {
  const random = new Random(7)
  const pairs = Array.from({ length: 8 }, () => newPair())
  const sent = pairs.map(() => [0, 0])
  for (let i = 0; i < 1000; i++) {
    const index = random.integer(pairs.length)
    const pair = pairs[index] as Pair
    const counts = sent[index] as number[]
    const side = random.integer(2)
    const end = side === 0 ? pair.client : pair.server
    const length = 1 + random.integer(200)
    // Each session and direction has its own byte values.
    if (end.top.opens === 1 && end.write(new Uint8Array(length).fill(index * 2 + side)))
      counts[side] = (counts[side] ?? 0) + length
    // Cut the streams anywhere, so that records stay half read.
    carry(pair.client, pair.server, 1 + random.integer(600))
    carry(pair.server, pair.client, 1 + random.integer(600))
  }
  for (const [index, pair] of pairs.entries()) {
    pump(pair)
    const [up = 0, down = 0] = sent[index] ?? []
    assert.ok(up > 0 && down > 0)
    assert.deepEqual(
      pair.server.top.received,
      Array.from({ length: up }, () => index * 2),
    )
    assert.deepEqual(
      pair.client.top.received,
      Array.from({ length: down }, () => index * 2 + 1),
    )
  }
})

test('a session that dies with unread input leaves nothing to the next one', () => {
  const honest = openPair()
  for (const close of [false, true]) {
    const victim = openPair()
    victim.client.write(numbered(500))
    victim.client.write(numbered(500))
    const records = Buffer.concat(victim.client.pipe.queue)
    if (close) victim.server.top.fromBelow = () => victim.server.layer.close(0)
    else records[20] = (records[20] ?? 0) ^ 1
    victim.server.layer.fromBelow(records, 0)
    assert.equal(victim.server.top.cause?.code, close ? undefined : 'alert')
    honest.client.write(numbered(9))
    pump(honest)
  }
  assert.deepEqual(honest.server.top.received, [...numbered(9), ...numbered(9)])
  openPair()
})

/** Feeds one end, and says how it took it. */
const feedHostile = (end: End, bytes: Uint8Array): void => {
  for (let at = 0; at < bytes.length && end.top.cause === null; at += 700)
    end.layer.fromBelow(bytes.slice(at, at + 700), 0)
}

test('random bytes end a session with a cause and never throw', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 20, maxLength: 3000 }),
      fc.boolean(),
      (noise, toClient) => {
        const pair = newPair()
        const end = toClient ? pair.client : pair.server
        feedHostile(end, noise)
        if (end.top.cause !== null) {
          assert.equal(end.top.cause.code, 'alert')
          assert.ok(end.pipe.finished)
        } else {
          // By chance the start of a record that is not all there.
          assert.ok((tlsRecords(noise)[0]?.size ?? 0) > noise.length)
          end.layer.closed({ code: 'closed', detail: 'FIN' }, 0)
          assert.equal((end.top.cause as Cause | null)?.code, 'truncated')
        }
      },
    ),
    { numRuns: 100 },
  )
})

test('a handshake or session with changed bytes never delivers anything wrong', () => {
  fc.assert(
    fc.property(fc.nat(5), fc.nat(2000), fc.integer({ min: 1, max: 255 }), (turn, offset, flip) => {
      const pair = newPair()
      for (let i = 0; i < 6; i++) {
        const [from, to] = i % 2 === 0 ? [pair.client, pair.server] : [pair.server, pair.client]
        const bytes = Buffer.concat(from.pipe.queue)
        from.pipe.queue = []
        if (i === turn && bytes.length > 0) {
          const at = offset % bytes.length
          bytes[at] = (bytes[at] ?? 0) ^ flip
        }
        if (bytes.length > 0 && to.top.cause === null) to.layer.fromBelow(bytes, 0)
        if (pair.client.top.opens === 1 && !pair.client.pipe.finished)
          pair.client.write(numbered(20))
      }
      const { received } = pair.server.top
      for (let i = 0; i < received.length; i++) assert.equal(received[i], i % 20)
      pair.client.layer.close(0)
      pair.server.layer.close(0)
    }),
    { numRuns: 150 },
  )
})

test('sessions that fail give their memory back', () => {
  const fail = (): void => {
    const pair = newPair()
    carry(pair.client, pair.server)
    feedHostile(pair.client, Uint8Array.of(0xff, 1, 2, 3, 4, 5, 6))
    feedHostile(pair.server, Uint8Array.of(0xff, 1, 2, 3, 4, 5, 6))
    assert.ok(pair.client.top.cause !== null && pair.server.top.cause !== null)
  }
  for (let i = 0; i < 100; i++) fail()
  const before = process.memoryUsage.rss()
  for (let i = 0; i < 600; i++) fail()
  // An SSL object that stayed would cost 20 KiB: 24 MiB here.
  assert.ok(process.memoryUsage.rss() - before < 12 * 2 ** 20)
})

test('secrets go to the key log that was asked for, and to no other', () => {
  const lines: string[] = []
  const client = TlsContext.client({
    ...GCM,
    authority: PKI.authority,
    keylog: (line) => lines.push(line),
  })
  openPair({ client })
  openPair()
  const labels = lines.map((line) => line.split(' ')[0])
  assert.equal(labels.filter((label) => label === 'CLIENT_TRAFFIC_SECRET_0').length, 1)
  assert.ok(lines.every((line) => /^[A-Z0-9_]+ [0-9a-f]{64} [0-9a-f]+$/.test(line)))
  client.close()
})

test('a context that cannot be made says what is allowed', () => {
  const make = (change: object) => () =>
    TlsContext.client({ ...GCM, authority: PKI.authority, ...change })
  assert.throws(
    make({ cipher: 'ROT13' }),
    /"ROT13" cannot be used: TLS 1.3.*TLS_AES_128_GCM_SHA256/,
  )
  assert.throws(make({ version: '1.2' }), /TLS 1.2.*ECDHE-ECDSA-AES128-GCM-SHA256/)
  assert.throws(make({ group: 'X22' }), /group "X22".*X25519/)
  assert.throws(make({ authority: 'no PEM' }), /authority "no PEM"/)
  const key = makePki({ dnsName: 'x', ...dates(-1, 1) }).key
  assert.throws(() => TlsContext.server({ ...GCM, ...PKI, key }), /private key.*mismatch/)
})
