import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, NEVER } from '../../core/clock.ts'
import type { Cause, Lower, Upper } from '../../core/layer.ts'
import { Traffic } from '../../core/layer.ts'
import { MemoryReactor } from '../../io/memory.ts'
import { GCM, PKI } from '../../transports/tls-pair.cases.ts'
import { TlsTickets } from '../../transports/tls-tickets.ts'
import { TlsClient, TlsContext } from '../../transports/tls.ts'
import { listenStreams } from './listen-streams.ts'

const front = { host: '10.0.0.1', port: 8883 }
const broker = { host: '10.0.0.2', port: 1883 }
const CONNECT = '100c00044d5154540402003c0000'
const CONNACK = '20020000'
const traffic = new Traffic()

/** One end of a TCP connection. */
class End implements Upper {
  below!: Lower
  timerSlot = -1
  openedAt = Number.NaN
  heard = ''
  /** When the first bytes came. */
  heardAt = Number.NaN
  cause: Cause | null = null
  readonly #first: string
  readonly #answer: string
  /** Says `first` when it opens, and `answer` when it hears something. */
  constructor(first: string, answer = '') {
    this.#first = first
    this.#answer = answer
  }
  #say(hex: string, now: number): void {
    if (hex !== '') this.below.fromAbove(Buffer.from(hex, 'hex'), now)
  }
  open(now: number): void {
    this.openedAt = now
    this.#say(this.#first, now)
  }
  fromBelow(bytes: Uint8Array, now: number): void {
    if (this.heard === '') this.heardAt = now
    this.heard += Buffer.from(bytes).toString('hex')
    this.#say(this.#answer, now)
  }
  ready(): void {}
  closed(cause: Cause): void {
    this.cause = cause
  }
  deadline(): number {
    return NEVER
  }
  expire(): void {}
}

const stacked = (client: End, tls: TlsClient): TlsClient => {
  tls.above = client
  client.below = tls
  return tls
}

/** TLS under a client. */
const clientTls = (client: End): TlsClient => {
  const context = TlsContext.client({ ...GCM, authority: PKI.authority })
  const tls = new TlsClient(context, traffic, 'server.test')
  return stacked(client, tls)
}

const world = (context: TlsContext | null, listens = true) => {
  const reactor = new MemoryReactor({ delay: MILLISECOND })
  const accepted: End[] = []
  const accept = () => {
    const end = new End('', CONNACK)
    accepted.push(end)
    return { above: end, owner: end }
  }
  if (listens) reactor.listenStream(broker, traffic, accept)
  listenStreams(reactor, { context, listen: front, broker })
  return { reactor, accepted }
}

test('a client on TLS reaches the broker, and each hears the other', () => {
  const context = TlsContext.server({ ...GCM, ...PKI })
  const { reactor, accepted } = world(context)
  const client = new End(CONNECT)
  const tls = clientTls(client)
  reactor.connectStream({ remote: front, owner: client, traffic }, tls)
  reactor.runUntil(100 * MILLISECOND)
  assert.equal(accepted[0]?.heard, CONNECT)
  assert.equal(client.heard, CONNACK)
  tls.close(reactor.now())
  reactor.runUntil(200 * MILLISECOND)
  assert.equal(accepted[0].cause?.code, 'closed')
})

test('CONNECT as early data is answered a round trip sooner', () => {
  const server = { ...GCM, ...PKI, resumption: true, earlyData: true }
  const { reactor, accepted } = world(TlsContext.server(server))
  const identity = { device: 0, tickets: new TlsTickets() }
  const [full, early] = [0, 100].map((start) => {
    const client = new End(CONNECT)
    const context = TlsContext.client({ ...GCM, authority: PKI.authority, resumption: true, earlyData: true }) // prettier-ignore
    const tls = new TlsClient(context, traffic, 'server.test', identity)
    stacked(client, tls)
    reactor.connectStream({ remote: front, owner: client, traffic }, tls)
    reactor.runUntil((start + 50) * MILLISECOND)
    tls.close(reactor.now())
    reactor.runUntil((start + 100) * MILLISECOND)
    return client.heardAt - start * MILLISECOND
  }) as [number, number]
  assert.equal(full - early, 2 * MILLISECOND)
  assert.deepEqual(
    accepted.map(({ heard }) => heard),
    [CONNECT, CONNECT],
  )
  assert.deepEqual(identity.tickets.early, { sent: 1, accepted: 1 })
})

test('what a client says before the broker has answered waits', () => {
  const { reactor, accepted } = world(null)
  const client = new End(CONNECT)
  reactor.connectStream({ remote: front, owner: client, traffic }, client)
  reactor.runUntil(100 * MILLISECOND)
  assert.equal(accepted[0]?.heard, CONNECT)
  assert.equal(client.heard, CONNACK)
  accepted[0].below.close(reactor.now())
  reactor.runUntil(200 * MILLISECOND)
  assert.equal(client.cause?.code, 'closed')
})

for (const secure of [false, true])
  test(`a broker that takes nothing stops a client with large messages, and nothing is lost (${secure ? 'TLS' : 'TCP'})`, () => {
    const { reactor, accepted } = world(secure ? TlsContext.server({ ...GCM, ...PKI }) : null)
    const client = new End(CONNECT)
    const tls = secure ? clientTls(client) : null
    reactor.connectStream({ remote: front, owner: client, traffic }, tls ?? client)
    reactor.runUntil(100 * MILLISECOND)
    const [end] = accepted
    assert.ok(end)
    end.below.pause?.()
    const large = Buffer.concat([Buffer.from('3083808001000174', 'hex'), Buffer.alloc(2 << 20)])
    let taken = 0
    for (let i = 1; i <= 10; i++) {
      if (client.below.fromAbove(large, reactor.now())) taken++
      reactor.runUntil((1 + i) * 100 * MILLISECOND)
    }
    // On the way to the broker, in the front end, and on the way to it.
    assert.equal(taken, 3)
    assert.equal(client.cause, null)
    end.below.resume?.(reactor.now())
    reactor.runUntil(2000 * MILLISECOND)
    assert.equal(end.heard.length, CONNECT.length + 2 * taken * large.length)
  })

test('without a broker the client is closed', () => {
  const { reactor } = world(null, false)
  const client = new End(CONNECT)
  reactor.connectStream({ remote: front, owner: client, traffic }, client)
  reactor.runUntil(100 * MILLISECOND)
  assert.equal(client.cause?.code, 'closed')
})

test('a handshake that comes to nothing does not reach the broker', () => {
  const { reactor, accepted } = world(TlsContext.server({ ...GCM, ...PKI }))
  const client = new End(CONNECT)
  reactor.connectStream({ remote: front, owner: client, traffic }, client)
  reactor.runUntil(100 * MILLISECOND)
  assert.equal(accepted.length, 0)
  assert.notEqual(client.cause, null)
})

test('bytes that are no packet end the connection, at both ends', () => {
  const { reactor, accepted } = world(null)
  const client = new End(`${CONNECT}30ffffffff`)
  reactor.connectStream({ remote: front, owner: client, traffic }, client)
  reactor.runUntil(100 * MILLISECOND)
  assert.notEqual(client.cause, null)
  assert.equal(accepted.length === 0 || accepted[0]?.cause !== null, true)
})
