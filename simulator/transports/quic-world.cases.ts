/** A QUIC server and its clients on a network in memory, in real time because quiche reads the real clock: for tests. */
import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND, monotonic, NEVER, SECOND } from '../core/clock.ts'
import type { DatagramSocket, PeerKey } from '../core/endpoint.ts'
import { peerKey } from '../core/endpoint.ts'
import type { Cause, Layer, Lower, Timed, Upper } from '../core/layer.ts'
import { Traffic } from '../core/layer.ts'
import { makePki } from '../security/pki.ts'
import type { QuicClientOptions, QuicServerOptions } from './quic-context.ts'
import type { QuicPeer, QuicSession } from './quic-peer.ts'
import type { QuicLimits } from './quic-server.ts'
import { QuicServer } from './quic-server.ts'
import type { QuicStream } from './quic-stream.ts'
import type { QuicIdentity } from './quic.ts'
import { QuicClient, QuicContext } from './quic.ts'

const DAY = 86_400_000
const dates = {
  notBefore: new Date(Date.now() - DAY),
  notAfter: new Date(Date.now() + DAY),
}
export const NAME = 'server.test'
export const PKI = makePki({ dnsName: NAME, ...dates })
export const OTHER_PKI = makePki({ dnsName: NAME, ...dates })
const OPTIONS = {
  alpn: 'mqtt',
  congestion: 'bbr',
  idleTimeout: 30 * SECOND,
  keepalive: null,
  earlyData: false,
} as const

export const clientContext = (changes: Partial<QuicClientOptions> = {}): QuicContext =>
  QuicContext.client({ ...OPTIONS, authority: PKI.authority, ...changes })
export const serverContext = (changes: Partial<QuicServerOptions> = {}): QuicContext =>
  QuicContext.server({ ...OPTIONS, ...PKI, streams: 10, ...changes })

/** The top of a pile: remembers what it heard. */
export class Top implements Upper {
  below!: Lower
  openedAt = Number.NaN
  opens = 0
  readies = 0
  received: Uint8Array[] = []
  cause: Cause | null = null
  onOpen: (now: Nanoseconds) => void = () => {}
  onBytes: (bytes: Uint8Array, now: Nanoseconds) => void = () => {}
  open(now: number): void {
    this.opens++
    this.openedAt = now
    this.onOpen(now)
  }
  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    this.received.push(bytes.slice())
    this.onBytes(bytes, now)
  }
  ready(): void {
    this.readies++
  }
  closed(cause: Cause): void {
    assert.equal(this.cause, null, 'closed twice')
    this.cause = cause
  }
  get text(): string {
    return Buffer.concat(this.received).toString()
  }
}

/** A session of the server: one top for each stream. */
export class Session implements QuicSession {
  readonly peer: QuicPeer
  readonly tops = new Map<number, Top>()
  readonly streams = new Map<number, QuicStream>()
  cause: Cause | null = null
  /** Bytes are sent back as they come. */
  echo = false
  constructor(peer: QuicPeer) {
    this.peer = peer
  }
  streamOpened(stream: QuicStream): Top {
    const top = new Top()
    top.onBytes = (bytes, now) => this.echo && stream.fromAbove(bytes, now)
    this.tops.set(stream.id, top)
    this.streams.set(stream.id, stream)
    return top
  }
  over(cause: Cause): void {
    assert.equal(this.cause, null, 'over twice')
    this.cause = cause
  }
  top(stream = 0): Top {
    const top = this.tops.get(stream)
    assert.ok(top, `no stream ${stream}`)
    return top
  }
}

export interface Datagram {
  readonly up: boolean
  readonly peer: PeerKey
  readonly bytes: Uint8Array
}

/** The device's socket: it can be full, and the address behind it can change. */
class Port implements Lower {
  readonly traffic = new Traffic()
  full = false
  closed = false
  peer: PeerKey
  readonly #send: (datagram: Datagram) => void
  constructor(peer: PeerKey, send: (datagram: Datagram) => void) {
    this.peer = peer
    this.#send = send
  }
  fromAbove(bytes: Uint8Array): boolean {
    if (this.full) return false
    assert.ok(!this.closed, 'bytes after close')
    this.#send({ up: true, peer: this.peer, bytes: new Uint8Array(bytes) })
    return true
  }
  close(): void {
    this.closed = true
  }
}

export interface Joined<C extends Layer = QuicClient> {
  readonly client: C
  readonly top: Top
  readonly port: Port
}

/** The port of the first client. */
export const FIRST_PORT = 1000

export class World implements DatagramSocket {
  readonly traffic = new Traffic()
  readonly sessions: Session[] = []
  readonly clients = new Map<PeerKey, Layer>()
  server!: QuicServer
  queue: Datagram[] = []
  /** All datagrams that were sent. */
  log: Datagram[] = []
  /** What is lost: asked with the running number of the datagram, from 1. */
  lost: (number: number, datagram: Datagram) => boolean = () => false
  closed = false
  echo = false
  /** Makes other sessions than those that are remembered. */
  sessionFor: ((peer: QuicPeer) => QuicSession) | null = null
  /** Who has deadlines. */
  protected readonly owners = new Set<Timed>()
  #port = FIRST_PORT

  constructor(context = serverContext(), limits: Partial<QuicLimits> = {}) {
    this.restart(context, limits)
  }

  /** Another server at the same address, which knows nothing of the connections of the first. */
  restart(context: QuicContext, limits: Partial<QuicLimits> = {}): void {
    const timers = {
      arm: (owner: Timed) => void this.owners.add(owner),
      disarm: (owner: Timed) => void this.owners.delete(owner),
    }
    const accept = (peer: QuicPeer): QuicSession => {
      if (this.sessionFor !== null) return this.sessionFor(peer)
      const session = new Session(peer)
      session.echo = this.echo
      this.sessions.push(session)
      return session
    }
    this.server = new QuicServer(context, timers, new Traffic(), accept, limits)
    this.server.below = this
  }

  toPeer(peer: PeerKey, bytes: Uint8Array): void {
    this.#send({ up: false, peer, bytes: new Uint8Array(bytes) })
  }
  close(): void {
    this.closed = true
  }
  #send(datagram: Datagram): void {
    this.log.push(datagram)
    if (!this.lost(this.log.length, datagram)) this.queue.push(datagram)
  }

  /** How many have deadlines, clients among them. */
  get armed(): number {
    return this.owners.size
  }

  address(port: number): PeerKey {
    return peerKey({ host: '10.0.0.1', port })
  }

  join(
    changes: {
      context?: QuicContext
      name?: string
      identity?: QuicIdentity
      onOpen?: (top: Top, now: Nanoseconds) => void
    } = {},
  ): Joined {
    const context = changes.context ?? clientContext()
    const client = new QuicClient(context, new Traffic(), changes.name ?? NAME, changes.identity)
    return this.attach(client, changes.onOpen)
  }

  /** Puts a client of any library on a socket of its own, and opens it. */
  attach<C extends Layer>(client: C, onOpen?: (top: Top, now: Nanoseconds) => void): Joined<C> {
    const top = new Top()
    top.onOpen = (now) => onOpen?.(top, now)
    client.above = top
    top.below = client
    const peer = this.address(this.#port++)
    const port = new Port(peer, (datagram) => this.#send(datagram))
    client.below = port
    this.clients.set(peer, client)
    this.owners.add(client)
    client.open(monotonic())
    return { client, top, port }
  }

  /** The client has another address from now on, as the server sees it. */
  rebind(joined: Joined<Layer>): void {
    this.clients.delete(joined.port.peer)
    joined.port.peer = this.address(this.#port++)
    this.clients.set(joined.port.peer, joined.client)
  }

  /** A copy, because quiche decrypts in place. */
  deliver({ up, peer, bytes }: Datagram): void {
    if (up) this.server.fromPeer(peer, new Uint8Array(bytes), monotonic())
    else this.clients.get(peer)?.fromBelow(new Uint8Array(bytes), monotonic())
  }

  pump(): void {
    for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift())
      this.deliver(next)
  }

  /** One round trip: what is on its way up arrives, then what that brings about. */
  roundTrip(): void {
    this.arrive(true)
    this.arrive(false)
  }

  /**
   * One that takes 20 ms. Without delay the probe timeout is 1 ms (RFC 9002 section 6.2), and whoever has to wait for a processor
   * sends a probe: OpenSSL in one datagram with data, and quiche 0.18 passes over all of a datagram that begins with a
   * packet whose keys it has dropped.
   */
  async slowRoundTrip(): Promise<void> {
    for (const up of [true, false]) {
      await wait(10)
      this.arrive(up)
    }
  }

  /** What is under way now, in this direction, arrives. */
  arrive(up: boolean): void {
    const arriving = this.queue.filter((datagram) => datagram.up === up)
    this.queue = this.queue.filter((datagram) => datagram.up !== up)
    for (const datagram of arriving) this.deliver(datagram)
  }

  opened(changes: Parameters<World['join']>[0] = {}): Joined {
    const joined = this.join(changes)
    this.pump()
    assert.equal(joined.top.cause, null)
    assert.equal(joined.top.opens, 1)
    return joined
  }

  /** Lets time pass, timers expire and datagrams flow, until `done`. Fails after `limit` milliseconds. */
  async until(done: () => boolean, limit = 2000): Promise<void> {
    const end = monotonic() + limit * MILLISECOND
    for (;;) {
      this.pump()
      if (done()) return
      assert.ok(monotonic() < end, `not within ${limit} ms`)
      let next = monotonic() + 20 * MILLISECOND
      for (const owner of this.owners) next = Math.min(next, owner.deadline())
      await wait(Math.max(0, (next - monotonic()) / MILLISECOND))
      this.expireAll(monotonic())
    }
  }

  /** Lets `milliseconds` pass. */
  async pass(milliseconds: number): Promise<void> {
    const end = monotonic() + milliseconds * MILLISECOND
    await this.until(() => monotonic() >= end, milliseconds + 1000)
  }

  /** Expires everybody who is due at `now`, which may be in the future. */
  expireAll(now: Nanoseconds): void {
    for (const owner of this.owners) if (owner.deadline() <= now) owner.expire(now)
  }

  /** So much time that the server remembers no connection that is over; clients do not notice. */
  forget(): void {
    const clients = new Set<Timed>(this.clients.values())
    const now = monotonic() + 10 * SECOND
    for (const owner of this.owners)
      if (!clients.has(owner) && owner.deadline() <= now) owner.expire(now)
  }

  /** The earliest deadline of all, from now, in milliseconds. */
  nextDeadline(): number {
    let next = NEVER
    for (const owner of this.owners) next = Math.min(next, owner.deadline())
    return (next - monotonic()) / MILLISECOND
  }

  /** Copies of all datagrams that were sent. */
  sent(up: boolean): Uint8Array[] {
    return this.log.filter((one) => one.up === up).map(({ bytes }) => new Uint8Array(bytes))
  }

  sizes(up: boolean): number[] {
    return this.log.filter((datagram) => datagram.up === up).map(({ bytes }) => bytes.length)
  }

  session(index = 0): Session {
    const session = this.sessions[index]
    assert.ok(session, `no session ${index}`)
    return session
  }
}

export const write = ({ client }: Joined<Layer>, text: string | Uint8Array): boolean =>
  client.fromAbove(typeof text === 'string' ? Buffer.from(text) : text, monotonic())
