/** TLS and DTLS under hostile bytes: each end alone, and in the middle of a live handshake or session with the other. */
import assert from 'node:assert/strict'
import { monotonic, NEVER } from '../../simulator/core/clock.ts'
import type { DatagramEndpoint, DatagramSocket, PeerKey } from '../../simulator/core/endpoint.ts'
import type { Cause, Lower, Upper } from '../../simulator/core/layer.ts'
import { Traffic } from '../../simulator/core/layer.ts'
import type { Random } from '../../simulator/core/random.ts'
import { Identities } from '../../simulator/security/identities.ts'
import { makePki } from '../../simulator/security/pki.ts'
import { DtlsServer } from '../../simulator/transports/dtls-server.ts'
import { DtlsClient, DtlsContext } from '../../simulator/transports/dtls.ts'
import { TlsClient, TlsContext, TlsServer } from '../../simulator/transports/tls.ts'
import type { Subject, Target } from './hostile.cases.ts'

const DAY = 86_400_000
const PKI = makePki({
  dnsName: 'server.test',
  notBefore: new Date(Date.now() - DAY),
  notAfter: new Date(Date.now() + DAY),
})
const TLS = { version: '1.3', group: 'X25519', cipher: 'TLS_AES_128_GCM_SHA256' } as const
const tlsClients = TlsContext.client({ ...TLS, authority: PKI.authority })
const tlsServers = TlsContext.server({ ...TLS, ...PKI })

/** The only thing that either end says: whatever else comes out on top was forged. */
const WORDS = Buffer.from('what was said')

/** The layer below an end: keeps what it was given. */
class Wire implements Lower {
  readonly traffic = new Traffic()
  sent: Uint8Array[] = []
  closes = 0
  fromAbove(bytes: Uint8Array): boolean {
    this.sent.push(bytes.slice())
    return true
  }
  close(): void {
    this.closes++
  }
  take(): Uint8Array[] {
    const { sent } = this
    this.sent = []
    return sent
  }
}

class Top implements Upper {
  below!: Lower
  openedAt = Number.NaN
  opens = 0
  received = 0
  cause: Cause | null = null
  open(now: number): void {
    this.openedAt = now
    this.opens++
    assert.equal(this.opens, 1, 'opened twice')
  }
  fromBelow(bytes: Uint8Array): void {
    assert.equal(this.opens, 1, 'bytes before open')
    assert.equal(this.cause, null, 'bytes after the end')
    // Records may come together, and a stream may be cut where a changed record ended it.
    for (let at = 0; at < bytes.length; at++)
      assert.equal(bytes[at], WORDS[(this.received + at) % WORDS.length], 'forged bytes came out')
    this.received += bytes.length
  }
  ready(): void {}
  closed(cause: Cause): void {
    assert.equal(this.cause, null, 'closed twice')
    this.cause = cause
  }
}

class TlsEnd {
  readonly top = new Top()
  readonly wire = new Wire()
  readonly layer: TlsClient | TlsServer
  constructor(role: 'client' | 'server') {
    this.layer =
      role === 'client'
        ? new TlsClient(tlsClients, new Traffic(), 'server.test')
        : new TlsServer(tlsServers, new Traffic())
    this.layer.above = this.top
    this.layer.below = this.wire
    this.layer.open(0)
  }
  /** Hands over what the other end has sent. */
  hears(other: TlsEnd): void {
    for (const bytes of other.wire.take()) this.layer.fromBelow(bytes, 0)
  }
}

/** Turns of a handshake before the hostile bytes come: mostly none, because turns cost signatures. */
const turnsOf = (random: Random): number => (random.integer(12) === 0 ? 1 + random.integer(3) : 0)

const tls = (role: 'client' | 'server'): Target => ({
  name: `tls-${role}`,
  lifetime: 4,
  longestRandom: 600,
  fresh(random) {
    const victim = new TlsEnd(role)
    const turns = turnsOf(random)
    const peer = turns === 0 ? null : new TlsEnd(role === 'client' ? 'server' : 'client')
    const samples: Uint8Array[] = []
    if (peer !== null) {
      for (let turn = 1; turn < turns; turn++) {
        peer.hears(victim)
        victim.hears(peer)
      }
      peer.hears(victim)
      if (peer.top.opens === 1) for (let n = 0; n < 3; n++) peer.layer.fromAbove(WORDS, 0)
      samples.push(...peer.wire.take())
    }
    let fed = 0
    return {
      ...(samples.length > 0 ? { samples } : {}),
      feed(input, random) {
        fed++
        for (let at = 0; at < input.length && victim.top.cause === null;) {
          const piece = random.integer(4) === 0 ? 1 + random.integer(64) : input.length
          victim.layer.fromBelow(Uint8Array.from(input.subarray(at, at + piece)), 0)
          at += piece
        }
        // A subject that is left frees its native memory here, as the port would make it.
        if (fed === 4 && victim.top.cause === null)
          victim.layer.closed({ code: 'closed', detail: 'FIN' }, 0)
        assert.ok(victim.wire.closes <= 1)
        peer?.layer.close(0)
      },
      over: () => victim.top.cause !== null,
      // It got as far as an answer: a ServerHello, a Finished, or a session.
      accepted: () => (victim.top.opens > 0 || victim.wire.sent.length > 1 ? 1 : 0),
    }
  },
})

const DTLS = { cipher: 'PSK-AES128-CCM8', mtu: 1152 }
const dtlsClients = DtlsContext.client(DTLS)
const dtlsServers = DtlsContext.server(DTLS)
const identities = new Identities(Buffer.from('the secret of a test'))

class Application implements DatagramEndpoint {
  below!: DatagramSocket
  received = 0
  gone = 0
  fromPeer(_: PeerKey, bytes: Uint8Array): void {
    assert.deepEqual(Buffer.from(bytes), WORDS, 'forged bytes came out')
    this.received++
  }
  peerGone(): void {
    this.gone++
  }
  deadline(): number {
    return NEVER
  }
  expire(): void {}
}

const HONEST: PeerKey = 4242

/** A server with one client, whose handshake has gone some datagrams far. */
class Pair {
  readonly application = new Application()
  readonly server: DtlsServer
  readonly client: DtlsClient
  readonly top = new Top()
  readonly up = new Wire()
  readonly down: Uint8Array[] = []
  /** All that was sent, one way and the other. */
  readonly upward: Uint8Array[] = []
  readonly downward: Uint8Array[] = []

  constructor() {
    const lookup = (identity: string): Uint8Array | undefined => identities.pskByIdentity(identity)
    this.server = new DtlsServer(dtlsServers, this.application, new Traffic(), lookup)
    this.server.below = {
      traffic: new Traffic(),
      close: () => {},
      toPeer: (peer, bytes) => void (peer === HONEST && this.down.push(bytes.slice())),
    }
    const [identity, key] = [identities.pskIdentity(1), identities.pskKey(1)]
    this.client = new DtlsClient(dtlsClients, new Traffic(), identity, key)
    this.client.above = this.top
    this.client.below = this.up
    this.client.open(monotonic())
  }

  /** Delivers what waits, for so many turns; the datagrams after that wait. */
  turns(count: number): void {
    for (let turn = 0; turn < count; turn++) {
      const [from, to] =
        turn % 2 === 0 ? [this.up.take(), this.upward] : [this.down.splice(0), this.downward]
      to.push(...from)
      for (const bytes of from)
        if (turn % 2 === 0) this.server.fromPeer(HONEST, bytes, monotonic())
        else this.client.fromBelow(bytes, monotonic())
    }
    if (this.client.isOpen) this.client.fromAbove(WORDS, 0)
    this.server.toPeer(HONEST, WORDS, 0)
    this.upward.push(...this.up.take())
    this.downward.push(...this.down.splice(0))
  }
}

const dtls = (role: 'client' | 'server'): Target => ({
  name: `dtls-${role}`,
  lifetime: 64,
  longestRandom: 400,
  fresh(random) {
    const pair = new Pair()
    pair.turns(random.integer(8))
    const { client, server, top, application } = pair
    let fed = 0
    const subject: Subject = {
      samples: role === 'client' ? pair.downward : pair.upward,
      feed(input, random) {
        fed++
        const now = monotonic()
        const [clientOpen, sessions] = [client.isOpen, server.openSessions]
        if (role === 'client') {
          client.fromBelow(input, now)
          // Records that do not verify are discarded in silence (RFC 6347 section 4.1.2.7).
          assert.ok(client.isOpen || !clientOpen, 'ended by a datagram that nobody signed')
          assert.ok(!Number.isNaN(client.deadline()))
        } else {
          server.fromPeer(random.integer(4) === 0 ? 1 + random.integer(3) : HONEST, input, now)
          // Without a good cookie there is no association: the honest peer's is the only one.
          assert.ok(server.openSessions <= 1, `${server.openSessions} associations`)
          assert.ok(server.openSessions >= sessions, 'ended by a datagram that nobody signed')
        }
        pair.up.take()
        pair.down.length = 0
        if (fed < 64 && top.cause === null) return
        client.close(now)
        server.close(now)
      },
      over: () => top.cause !== null,
      accepted: () => (role === 'client' ? top.received : application.received),
    }
    return subject
  },
})

export const SECURE: readonly Target[] = [
  tls('client'),
  tls('server'),
  dtls('client'),
  dtls('server'),
]
