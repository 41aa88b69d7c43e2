import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import * as fc from 'fast-check'
import { monotonic, NEVER, SECOND } from '../core/clock.ts'
import type { DatagramEndpoint, DatagramSocket, PeerKey } from '../core/endpoint.ts'
import { peerKey } from '../core/endpoint.ts'
import type { Cause, Lower, Upper } from '../core/layer.ts'
import { Traffic } from '../core/layer.ts'
import { Random } from '../core/random.ts'
import { Identities } from '../security/identities.ts'
import { DtlsServer } from './dtls-server.ts'
import { DtlsClient, DtlsContext } from './dtls.ts'
import { dtlsRecords, HANDSHAKE, isClientHello } from './record.ts'

const OPTIONS = { cipher: 'PSK-AES128-CCM8', mtu: 1152 }
const clientContext = DtlsContext.client(OPTIONS)
const serverContext = DtlsContext.server(OPTIONS)
const identities = new Identities(Buffer.from('the secret of a test'))

class Top implements Upper {
  below!: Lower
  openedAt = Number.NaN
  opens = 0
  readies = 0
  received: Uint8Array[] = []
  cause: Cause | null = null
  open(now: number): void {
    this.opens++
    this.openedAt = now
  }
  fromBelow(bytes: Uint8Array): void {
    this.received.push(bytes.slice())
  }
  ready(): void {
    this.readies++
  }
  closed(cause: Cause): void {
    assert.equal(this.cause, null, 'closed twice')
    this.cause = cause
  }
}

class Application implements DatagramEndpoint {
  below!: DatagramSocket
  received: { peer: PeerKey; bytes: Uint8Array }[] = []
  gone: PeerKey[] = []
  fromPeer(peer: PeerKey, bytes: Uint8Array): void {
    this.received.push({ peer, bytes: bytes.slice() })
  }
  peerGone(peer: PeerKey): void {
    this.gone.push(peer)
  }
  deadline(): number {
    return NEVER
  }
  expire(): void {}
}

interface Datagram {
  readonly up: boolean
  readonly peer: PeerKey
  readonly bytes: Uint8Array
}

/** One server and its clients on a network in memory that delivers when it is pumped. */
class Network implements DatagramSocket {
  readonly traffic = new Traffic()
  readonly application = new Application()
  readonly server: DtlsServer
  readonly clients = new Map<PeerKey, DtlsClient>()
  queue: Datagram[] = []
  /** All datagrams that were sent. */
  log: Datagram[] = []
  /** What is lost: asked with the running number of the datagram, from 1. */
  lost: (number: number) => boolean = () => false
  closed = false
  constructor(
    lookup = (identity: string) => identities.pskByIdentity(identity),
    mostHandshakes = 512,
  ) {
    this.server = new DtlsServer(
      serverContext,
      this.application,
      new Traffic(),
      lookup,
      mostHandshakes,
    )
    this.server.below = this
  }
  toPeer(peer: PeerKey, bytes: Uint8Array): void {
    this.#send({ up: false, peer, bytes: bytes.slice() })
  }
  close(): void {
    this.closed = true
  }
  #send(datagram: Datagram): void {
    this.log.push(datagram)
    if (!this.lost(this.log.length)) this.queue.push(datagram)
  }
  join(
    device: number,
    changes: { key?: Uint8Array; identity?: string; context?: DtlsContext; port?: number } = {},
  ) {
    const client = new DtlsClient(
      changes.context ?? clientContext,
      new Traffic(),
      changes.identity ?? identities.pskIdentity(device),
      changes.key ?? identities.pskKey(device),
    )
    const peer = peerKey({ host: '10.0.0.1', port: changes.port ?? 1000 + device })
    const top = new Top()
    client.above = top
    const port = {
      traffic: new Traffic(),
      full: false,
      closed: false,
      fromAbove: (bytes: Uint8Array): boolean => {
        if (port.full) return false
        this.#send({ up: true, peer, bytes: bytes.slice() })
        return true
      },
      close: () => void (port.closed = true),
    }
    client.below = port
    this.clients.set(peer, client)
    client.open(monotonic())
    return { client, top, peer, port }
  }
  deliver(datagram: Datagram): void {
    if (datagram.up) this.server.fromPeer(datagram.peer, datagram.bytes, monotonic())
    else this.clients.get(datagram.peer)?.fromBelow(datagram.bytes, monotonic())
  }
  pump(): void {
    for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift())
      this.deliver(next)
  }
  opened(device: number) {
    const joined = this.join(device)
    this.pump()
    assert.equal(joined.top.cause, null)
    assert.equal(joined.top.opens, 1)
    return joined
  }
}

const numbered = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 251)

test('a handshake takes three datagrams up and three down, with a cookie', () => {
  const network = new Network()
  const { client } = network.opened(1)
  const shape = network.log.map(({ up, bytes }) => [
    up ? 'up' : 'down',
    ...dtlsRecords(bytes).map(({ type, epoch }) => `${type}/${epoch}`),
  ])
  assert.deepEqual(shape, [
    ['up', '22/0'], // ClientHello
    ['down', '22/0'], // HelloVerifyRequest
    ['up', '22/0'], // ClientHello with the cookie
    ['down', '22/0', '22/0'], // ServerHello, ServerHelloDone
    ['up', '22/0', '20/0', '22/1'], // ClientKeyExchange, ChangeCipherSpec, Finished
    ['down', '20/0', '22/1'], // ChangeCipherSpec, Finished
  ])
  assert.deepEqual(client.negotiated(), { version: 'DTLSv1.2', cipher: 'PSK-AES128-CCM8' })
  assert.deepEqual([client.deadline(), network.server.deadline()], [NEVER, NEVER])
  assert.equal(network.server.openSessions, 1)
})

test('a record costs exactly 29 bytes with PSK-AES128-CCM8, and each boundary counts its bytes', () => {
  const network = new Network()
  const { client, top, peer } = network.opened(1)
  network.log = []
  for (const length of [1, 6, 118, 1000]) {
    assert.ok(client.fromAbove(numbered(length), 0))
    network.server.toPeer(peer, numbered(length), 0)
  }
  network.pump()
  assert.deepEqual(
    network.log.map(({ bytes }) => bytes.length),
    [1, 6, 118, 1000].flatMap((length) => [length + 29, length + 29]),
  )
  assert.deepEqual(
    top.received,
    [1, 6, 118, 1000].map((length) => numbered(length)),
  )
  assert.deepEqual(network.application.received[3], { peer, bytes: numbered(1000) })
  const counted = { sentBytes: 1125, sentCalls: 4, receivedBytes: 1125, receivedCalls: 4 }
  for (const traffic of [client.traffic, network.server.traffic])
    assert.deepEqual(Object.assign({}, traffic), counted)
})

test('any one datagram of the handshake may be lost', async () => {
  const start = monotonic()
  const attempts = [1, 2, 3, 4, 5, 6].map((n) => {
    const network = new Network()
    network.lost = (number) => number === n
    const joined = network.join(n)
    network.pump()
    return { network, joined }
  })
  // OpenSSL's first retransmission comes after a second of real time.
  await wait(1020)
  for (const { network, joined } of attempts) {
    const { client, top } = joined
    for (let i = 0; i < 3 && network.application.received.length === 0; i++) {
      const now = monotonic()
      for (const end of [client, network.server]) if (now >= end.deadline()) end.expire(now)
      network.pump()
      if (client.isOpen && i === 0) client.fromAbove(numbered(5), now)
      network.pump()
    }
    assert.equal(top.opens, 1)
    assert.equal(network.server.openSessions, 1)
    assert.deepEqual([client.deadline(), network.server.deadline()], [NEVER, NEVER])
    assert.equal(network.application.received.length, 1)
  }
  assert.ok(monotonic() - start < 3 * SECOND)
})

test('deadlines are on the clock of the caller', () => {
  const { client } = new Network().join(1)
  const left = client.deadline() - client.openedAt
  assert.ok(left > 0.5 * SECOND && left < 1.1 * SECOND, `${left} ns`)
})

test('a handshake that nobody answers ends after 30 s, and a wrong key is named', () => {
  const silent = new Network()
  silent.lost = () => true
  const alone = silent.join(1)
  alone.client.expire(alone.client.openedAt + 30 * SECOND)
  assert.equal(alone.top.cause?.code, 'timeout')
  assert.match(alone.top.cause?.detail ?? '', /no answer at all/)

  const network = new Network()
  const wrong = network.join(1, { key: new Uint8Array(16) })
  network.pump()
  assert.equal(wrong.top.opens, 0)
  assert.notEqual(network.server.deadline(), NEVER)
  wrong.client.expire(wrong.client.openedAt + 30 * SECOND)
  assert.equal(wrong.top.cause?.code, 'timeout')
  assert.match(wrong.top.cause?.detail ?? '', /wrong key\?/)
  network.server.expire(monotonic() + 31 * SECOND)
  assert.equal(network.server.deadline(), NEVER)
  assert.deepEqual(network.application.gone, [])
})

test('an unknown identity is refused with an alert', () => {
  const network = new Network()
  const { top, port } = network.join(1, { identity: 'nobody' })
  network.pump()
  assert.equal(top.cause?.code, 'alert')
  assert.match(top.cause?.detail ?? '', /unknown psk identity/)
  assert.ok(port.closed)
  assert.equal(network.server.deadline(), NEVER)
})

test('a small MTU splits the handshake into datagrams that fit', () => {
  const context = DtlsContext.client({ ...OPTIONS, mtu: 256 })
  const network = new Network()
  const { top } = network.join(1, { context })
  network.pump()
  assert.equal(top.opens, 1)
  assert.ok(network.log.every(({ up, bytes }) => !up || bytes.length <= 256))
  context.close()
})

test('close_notify ends the association at both ends, and the application is told once', () => {
  const network = new Network()
  const first = network.opened(1)
  first.client.close(0)
  first.client.close(0)
  network.pump()
  assert.equal(first.top.cause, null)
  assert.deepEqual(network.application.gone, [first.peer])
  assert.equal(network.server.openSessions, 0)

  const second = network.opened(2)
  network.server.close(0)
  network.server.close(0)
  network.pump()
  assert.equal(second.top.cause?.code, 'closed')
  assert.ok(network.closed && second.port.closed)
  assert.deepEqual(network.application.gone, [first.peer])
})

test('a cause from the layer below is passed on', () => {
  const { client, top } = new Network().opened(1)
  client.closed({ code: 'refused', detail: 'ICMP' }, 0)
  assert.deepEqual(top.cause, { code: 'refused', detail: 'ICMP' })
  assert.equal(client.fromAbove(numbered(3), 0), false)
})

test('a datagram that the layer below refuses is refused above, and nothing is kept', () => {
  const network = new Network()
  const { client, top, port } = network.opened(1)
  port.full = true
  assert.equal(client.fromAbove(numbered(3), 0), false)
  port.full = false
  client.ready(0)
  assert.equal(top.readies, 1)
  client.ready(0)
  assert.equal(top.readies, 1)
  network.pump()
  assert.equal(network.application.received.length, 0)
  assert.ok(client.fromAbove(numbered(4), 0))
  network.pump()
  assert.deepEqual(network.application.received[0]?.bytes, numbered(4))
  assert.equal(client.traffic.sentBytes, 4)
})

test('a datagram that no record can hold is an error that says so', () => {
  const { client } = new Network().opened(1)
  assert.throws(() => client.fromAbove(numbered(16385), 0), /16385 bytes.*16384/)
})

test('a device that comes back on the same port replaces its association (RFC 6347 section 4.2.8)', () => {
  const network = new Network()
  const first = network.opened(1)
  const again = network.join(1)
  assert.equal(network.server.openSessions, 1)
  network.pump()
  assert.equal(again.top.opens, 1)
  assert.deepEqual(network.application.gone, [first.peer])
  again.client.fromAbove(numbered(7), 0)
  network.pump()
  assert.deepEqual(network.application.received.at(-1)?.bytes, numbered(7))
})

test('a ClientHello without a good cookie replaces nothing and costs no state', () => {
  const network = new Network()
  const { client, peer } = network.opened(1)
  const stranger = new Network()
  stranger.opened(2)
  const [hello, , withCookie] = stranger.log
  // The device's own cookie, in a hello that is not its own.
  const forged = network.log[2]?.bytes.slice() ?? new Uint8Array()
  forged[50] = (forged[50] ?? 0) ^ 1
  assert.ok(isClientHello(forged))
  for (const bytes of [hello?.bytes, withCookie?.bytes, forged])
    network.server.fromPeer(peer, bytes ?? new Uint8Array(), monotonic())
  assert.equal(network.server.openSessions, 1)
  assert.equal(network.server.deadline(), NEVER)
  client.fromAbove(numbered(2), 0)
  network.pump()
  assert.equal(network.application.received.length, 1)
  assert.deepEqual(network.application.gone, [])
})

test('late copies of handshake datagrams do not disturb an open association', () => {
  const network = new Network()
  const { client, top } = network.opened(1)
  for (const datagram of network.log.slice()) network.deliver(datagram)
  network.pump()
  client.fromAbove(numbered(2), 0)
  network.pump()
  assert.equal(network.application.received.length, 1)
  assert.deepEqual([network.application.gone, top.cause, top.opens], [[], null, 1])
})

test('handshakes beyond the limit are dropped and counted', () => {
  const network = new Network(undefined, 2)
  network.lost = (number) => network.log[number - 1]?.bytes[13] === 2
  for (let device = 0; device < 4; device++) network.join(device)
  network.pump()
  assert.equal(network.server.droppedHellos, 2)
  assert.equal(network.server.openSessions, 0)
  network.server.expire(monotonic() + 31 * SECOND)
  assert.equal(network.server.deadline(), NEVER)
})

test('associations that share the BIO pair never see bytes of another', () => {
  const network = new Network()
  const random = new Random(11)
  const joined = Array.from({ length: 8 }, (_, device) => network.join(device))
  const sent = joined.map(() => [0, 0])
  for (let i = 0; i < 1000; i++) {
    const index = random.integer(joined.length)
    const { client, peer } = joined[index] as (typeof joined)[number]
    const counts = sent[index] as [number, number]
    const bytes = new Uint8Array(1 + random.integer(300)).fill(index)
    if (client.isOpen && random.uniform() < 0.5) {
      network.server.toPeer(peer, bytes, 0)
      counts[1]++
    } else if (client.fromAbove(bytes, 0)) counts[0]++
    // Deliver a few, in any order.
    for (let n = random.integer(4); n > 0 && network.queue.length > 0; n--) {
      const [datagram] = network.queue.splice(random.integer(Math.min(3, network.queue.length)), 1)
      if (datagram !== undefined) network.deliver(datagram)
    }
  }
  network.pump()
  for (const [index, { peer, top }] of joined.entries()) {
    const up = network.application.received.filter((datagram) => datagram.peer === peer)
    assert.ok(up.length > 0)
    assert.equal(up.length, sent[index]?.[0])
    for (const { bytes } of up) assert.ok(bytes.every((byte) => byte === index))
    for (const bytes of top.received) assert.ok(bytes.every((byte) => byte === index))
    assert.equal(top.received.length, sent[index]?.[1])
  }
})

test('an association that dies inside a datagram leaves nothing to the next one', () => {
  const network = new Network()
  const victim = network.opened(1)
  const honest = network.opened(2)
  victim.client.fromAbove(numbered(3), 0)
  victim.client.fromAbove(numbered(4), 0)
  const both = Buffer.concat(network.queue.map(({ bytes }) => bytes))
  network.queue = []
  const { application, server } = network
  const remember = application.fromPeer.bind(application)
  application.fromPeer = (peer, bytes) => {
    remember(peer, bytes)
    if (peer === victim.peer) server.peerGone(peer, 0)
  }
  server.fromPeer(victim.peer, both, 0)
  honest.client.fromAbove(numbered(9), 0)
  network.pump()
  assert.deepEqual(
    application.received.map(({ bytes }) => bytes.length),
    [3, 9],
  )
})

test('hostile datagrams never throw, deliver nothing, and leave no state', () => {
  const network = new Network()
  const honest = network.opened(1)
  const samples = network.log.map(({ bytes }) => bytes)
  const mutated = fc
    .record({
      sample: fc.nat(samples.length - 1),
      changes: fc.array(fc.tuple(fc.nat(200), fc.nat(255))),
    })
    .map(({ sample, changes }) => {
      const bytes = (samples[sample] ?? new Uint8Array()).slice()
      for (const [at, value] of changes) bytes[at % bytes.length] = value
      return bytes
    })
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 2000 })), fc.nat(3), (bytes, port) => {
      network.server.fromPeer(port === 0 ? honest.peer : port, bytes, monotonic())
      honest.client.fromBelow(bytes, monotonic())
      const fresh = new Network().join(3)
      fresh.client.fromBelow(bytes, monotonic())
      assert.equal(fresh.top.opens, 0)
      fresh.client.close(0)
    }),
    { numRuns: 300 },
  )
  network.pump()
  assert.equal(network.application.received.length, 0)
  assert.equal(honest.top.received.length, 0)
  assert.equal(honest.top.cause, null)
  honest.client.fromAbove(numbered(5), 0)
  network.pump()
  assert.equal(network.application.received.length, 1)
  assert.equal(network.server.openSessions, 1)
})

test('associations that fail or close give their memory back', () => {
  const network = new Network()
  const round = (device: number): void => {
    network.join(device, { identity: 'nobody' })
    network.opened(device + 1).client.close(0)
    network.pump()
    network.log = []
    network.clients.clear()
  }
  for (let i = 0; i < 50; i++) round(2 * i)
  const before = process.memoryUsage.rss()
  for (let i = 0; i < 300; i++) round(2 * i)
  assert.equal(network.server.openSessions, 0)
  // 1 200 objects of 50 KiB would stay otherwise: 58 MiB.
  assert.ok(process.memoryUsage.rss() - before < 16 * 2 ** 20)
})

test('the key log has the master secret of the context that asked for it', () => {
  const lines: string[] = []
  const context = DtlsContext.client({ ...OPTIONS, keylog: (line) => lines.push(line) })
  const network = new Network()
  network.join(1, { context })
  network.join(2)
  network.pump()
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}$/)
  context.close()
})

test('a suite that carries no pre-shared key is refused by name', () => {
  assert.throws(
    () => DtlsContext.client({ ...OPTIONS, cipher: 'ECDHE-ECDSA-AES128-CCM8' }),
    /"ECDHE-ECDSA-AES128-CCM8" cannot be used: DTLS 1.2 with pre-shared keys.*PSK-AES128-CCM8/,
  )
  DtlsContext.client({ ...OPTIONS, cipher: 'TLS_PSK_WITH_AES_128_CCM_8' }).close()
})

test('only handshake records open an association', () => {
  const network = new Network()
  network.opened(1)
  const data = Uint8Array.from(network.log[0]?.bytes ?? [])
  assert.equal(data[0], HANDSHAKE)
  data[0] = 23
  network.log = []
  network.server.fromPeer(77, data, 0)
  assert.equal(network.log.length, 0)
})
