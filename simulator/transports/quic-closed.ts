/**
 * What is left for a while of a connection that is over: packets that were under way open nothing and are answered by no reset,
 * and who did not hear our CONNECTION_CLOSE hears it again (RFC 9000 section 10.2).
 */
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND, NEVER } from '../core/clock.ts'
import type { DatagramSocket, PeerKey } from '../core/endpoint.ts'
import type { Timed } from '../core/layer.ts'
import type { QuicheConnection } from '../native/quiche.ts'

/** Ours, and quiche's: how late an acknowledgement may be. */
const MAX_ACK_DELAY = 25 * MILLISECOND
/** Where nothing was measured (RFC 9002 section 6.2.2). */
const INITIAL_RTT = 333

/** Three probe timeouts, with the variation that a first sample stands for (RFC 9002 section 5.3): quiche does not tell its own. */
export const closingPeriod = (connection: QuicheConnection): Nanoseconds => {
  const rtt = connection.pathStats().find(({ active }) => active)?.rtt ?? INITIAL_RTT
  return 3 * (3 * rtt * MILLISECOND + MAX_ACK_DELAY)
}

/** The server, as far as this needs it. */
export interface ClosedHost {
  readonly below: DatagramSocket
  /** The time is over. */
  closedOver(closed: ClosedPeer): void
}

export class ClosedPeer implements Timed {
  /** Of the reactor. */
  timerSlot = -1
  /** Ids under which datagrams find it. */
  readonly names: readonly string[]
  readonly #host: ClosedHost
  readonly #words: Uint8Array | null
  #until: Nanoseconds
  #heard = 0

  /** @param words the datagram with our CONNECTION_CLOSE; null: the peer's came, or there is nothing to say */
  constructor(
    host: ClosedHost,
    names: readonly string[],
    words: Uint8Array | null,
    until: Nanoseconds,
  ) {
    this.#host = host
    this.names = names
    this.#words = words
    this.#until = until
  }

  /** The same packet again is allowed; each answer waits for twice as many datagrams (RFC 9000 section 10.2.1). */
  fromPeer(peer: PeerKey, bytes: Uint8Array, now: Nanoseconds): void {
    const heard = ++this.#heard
    const words = this.#words
    if (words === null || (heard & (heard - 1)) !== 0) return
    // Perhaps to an address that nobody has validated (RFC 9000 section 8.1).
    if (words.length <= 3 * bytes.length) this.#host.below.toPeer(peer, words, now)
  }

  deadline(): Nanoseconds {
    return this.#until
  }

  expire(now: Nanoseconds): void {
    if (now < this.#until) return
    this.#until = NEVER
    this.#host.closedOver(this)
  }
}
