/**
 * A DTLS server: an endpoint to the socket below, a socket to the endpoint above. It creates an association only for a
 * peer that has returned a cookie (RFC 6347 section 4.2.1), and only open associations are known above.
 */
import { createHmac, randomBytes } from 'node:crypto'
import type { Nanoseconds } from '../core/clock.ts'
import { NEVER } from '../core/clock.ts'
import type { DatagramEndpoint, DatagramSocket, PeerKey } from '../core/endpoint.ts'
import type { Traffic } from '../core/layer.ts'
import { datagramBios } from '../native/openssl-bio.ts'
import type { PskServer } from '../native/openssl-callbacks.ts'
import { answerAsServer, forget } from '../native/openssl-callbacks.ts'
import type { Pointer } from '../native/openssl.ts'
import { clearErrors, openssl } from '../native/openssl.ts'
import type { DtlsContext } from './dtls-context.ts'
import { DtlsSession, newDtls } from './dtls-session.ts'
import { clientRandom, dtlsSequence, isClientHello, shiftSequences } from './record.ts'

/** Handshakes at once. A ClientHello beyond them is dropped, as a network would; the client sends it again. */
const MOST_HANDSHAKES = 512

export class DtlsServer implements DatagramEndpoint, DatagramSocket, PskServer {
  below!: DatagramSocket
  readonly above: DatagramEndpoint
  readonly traffic: Traffic
  /** ClientHellos dropped because too many handshakes were under way. */
  droppedHellos = 0
  readonly #context: DtlsContext
  readonly #lookupPsk: (identity: string) => Uint8Array | undefined
  readonly #mostHandshakes: number
  readonly #sessions = new Map<PeerKey, Association>()
  readonly #handshaking = new Set<Association>()
  /** No handshake's deadline is earlier. */
  #deadline: Nanoseconds = NEVER
  readonly #cookieSecret = randomBytes(32)
  /** Whose ClientHello is being read (a memory BIO cannot tell OpenSSL), and its random. */
  #peer: PeerKey = 0
  #random = 0
  /** Answers first ClientHellos with a cookie; becomes an association when one comes back. */
  #listener: Pointer
  readonly #peerAddress: Pointer

  /**
   * Puts itself below `above`. `traffic` counts what crosses the upper boundary, `lookupPsk` gives the key of an
   * identity, or undefined for the alert unknown_psk_identity.
   */
  constructor(
    context: DtlsContext,
    above: DatagramEndpoint,
    traffic: Traffic,
    lookupPsk: (identity: string) => Uint8Array | undefined,
    mostHandshakes = MOST_HANDSHAKES,
  ) {
    this.#context = context
    this.above = above
    this.traffic = traffic
    this.#lookupPsk = lookupPsk
    this.#mostHandshakes = mostHandshakes
    this.#peerAddress = openssl().BIO_ADDR_new()
    this.#listener = this.#newListener()
    above.below = this
  }

  /** Open associations. */
  get openSessions(): number {
    return this.#sessions.size - this.#handshaking.size
  }

  lookup(identity: string): Uint8Array | undefined {
    return this.#lookupPsk(identity)
  }

  /** Bound to the address and to the attempt, so that the cookie of one attempt cannot start another. */
  cookie(): Uint8Array {
    const text = `${this.#peer} ${this.#random}`
    return createHmac('sha256', this.#cookieSecret).update(text).digest()
  }

  fromPeer(peer: PeerKey, bytes: Uint8Array, now: Nanoseconds): void {
    const session = this.#sessions.get(peer)
    if (isClientHello(bytes)) {
      // Another attempt on the same addresses replaces the association once its cookie is good (RFC 6347 section 4.2.8);
      // a late copy of the hello that opened it does not.
      if (session === undefined || session.random !== clientRandom(bytes))
        return this.#listen(peer, bytes, now)
    }
    session?.fromPeer(bytes, now)
  }

  #listen(peer: PeerKey, hello: Uint8Array, now: Nanoseconds): void {
    if (this.#handshaking.size >= this.#mostHandshakes) {
      this.droppedHellos++
      return
    }
    const bios = datagramBios()
    clearErrors()
    this.#peer = peer
    this.#random = clientRandom(hello)
    bios.give(hello)
    const result = openssl().DTLSv1_listen(this.#listener, this.#peerAddress)
    bios.clear()
    clearErrors()
    if (result === 1) return this.#accept(peer, hello, now)
    for (let length = bios.take(); length > 0; length = bios.take())
      this.below.toPeer(peer, bios.output.subarray(0, length), now)
    if (result < 0) this.#renewListener()
  }

  /** The listener has read a hello with a good cookie: it is the association from here on. */
  #accept(peer: PeerKey, hello: Uint8Array, now: Nanoseconds): void {
    const ssl = this.#listener
    this.#listener = this.#newListener()
    this.#sessions.get(peer)?.replace(now)
    const session = new Association(this.#context, this, peer, hello)
    this.#sessions.set(peer, session)
    this.#handshaking.add(session)
    session.start(ssl, now)
    this.noteDeadline(session.deadline())
  }

  #newListener(): Pointer {
    const ssl = newDtls(this.#context)
    openssl().SSL_set_accept_state(ssl)
    answerAsServer(ssl, this)
    return ssl
  }

  #renewListener(): void {
    forget(this.#listener)
    openssl().SSL_free(this.#listener)
    this.#listener = this.#newListener()
  }

  /** A handshake's deadline moved here. */
  noteDeadline(deadline: Nanoseconds): void {
    if (deadline < this.#deadline) this.#deadline = deadline
  }

  sessionOpened(session: Association): void {
    this.#handshaking.delete(session)
  }

  /** The association is over; `known` says whether the endpoint above has heard of the peer. */
  sessionOver(session: Association, known: boolean, now: Nanoseconds): void {
    this.#handshaking.delete(session)
    this.#sessions.delete(session.peer)
    if (known) this.above.peerGone(session.peer, now)
  }

  /** The socket below forgot the peer: so do we. */
  peerGone(peer: PeerKey, now: Nanoseconds): void {
    this.#sessions.get(peer)?.replace(now)
  }

  /** A datagram to a peer without an open association is dropped. Throws TB_DTLS_DATAGRAM_SIZE. */
  toPeer(peer: PeerKey, bytes: Uint8Array, now: Nanoseconds): void {
    if (!this.#sessions.get(peer)?.toPeer(bytes, now)) return
    this.traffic.sentBytes += bytes.length
    this.traffic.sentCalls++
  }

  /** Open associations have no timers: only handshakes count, and a passed one is noticed when it expires. */
  deadline(): Nanoseconds {
    return this.#handshaking.size === 0 ? NEVER : this.#deadline
  }

  expire(now: Nanoseconds): void {
    this.#deadline = NEVER
    for (const session of this.#handshaking) {
      if (now >= session.deadline()) session.expire(now)
      this.noteDeadline(session.deadline())
    }
  }

  /** close_notify to every open peer, and nothing is left. The endpoint above is not told. */
  close(now: Nanoseconds): void {
    if (this.#listener === 0) return
    for (const session of this.#sessions.values()) session.close(now)
    this.#sessions.clear()
    this.#handshaking.clear()
    forget(this.#listener)
    openssl().SSL_free(this.#listener)
    this.#listener = 0
    this.below.close(now)
  }
}

/** The server's side of one peer. */
class Association extends DtlsSession {
  readonly peer: PeerKey
  /** Of the ClientHello that opened it. */
  readonly random: number
  readonly #server: DtlsServer
  #known = false
  /** The record sequence number of that ClientHello. */
  readonly #helloSequence: number
  /** What the sequence numbers of epoch 0 lack; NaN before the first record. */
  #shift = Number.NaN

  constructor(context: DtlsContext, server: DtlsServer, peer: PeerKey, hello: Uint8Array) {
    super(context)
    this.#server = server
    this.peer = peer
    this.random = clientRandom(hello)
    this.#helloSequence = dtlsSequence(hello)
  }

  start(ssl: Pointer, now: Nanoseconds): void {
    this.begin(ssl, now)
  }

  fromPeer(datagram: Uint8Array, now: Nanoseconds): void {
    this.feed(datagram, now)
    this.#server.noteDeadline(this.deadline())
  }

  toPeer(datagram: Uint8Array, now: Nanoseconds): boolean {
    return this.send(datagram, now)
  }

  /** Another association takes its place, or the socket below forgot the peer. */
  replace(now: Nanoseconds): void {
    this.free()
    this.#server.sessionOver(this, this.#known, now)
  }

  close(now: Nanoseconds): void {
    this.shut(now)
  }

  /**
   * The ServerHello carries the sequence number of the ClientHello (RFC 6347 section 4.2.1). After DTLSv1_listen, OpenSSL
   * 3.2 to 3.5 counts from 1 instead; when an earlier loss made the client repeat its hello, that is the number of a
   * HelloVerifyRequest, and the client drops the ServerHello as a replay: 2 s lost (openssl/openssl issue 32063).
   */
  protected output(datagram: Uint8Array, now: Nanoseconds): boolean {
    if (Number.isNaN(this.#shift)) this.#shift = this.#helloSequence - dtlsSequence(datagram)
    if (this.#shift !== 0) shiftSequences(datagram, this.#shift)
    this.#server.below.toPeer(this.peer, datagram, now)
    return true
  }

  protected opened(): void {
    this.#known = true
    this.#server.sessionOpened(this)
  }

  protected received(datagram: Uint8Array, now: Nanoseconds): void {
    const { traffic, above } = this.#server
    traffic.receivedBytes += datagram.length
    traffic.receivedCalls++
    above.fromPeer(this.peer, datagram, now)
  }

  protected ended(_cause: unknown, now: Nanoseconds): void {
    this.#server.sessionOver(this, this.#known, now)
  }
}
