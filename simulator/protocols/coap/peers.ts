/** What a server remembers of its peers: the message IDs they used lately. Bounded, and forgotten when a peer falls silent. */
import { NEVER, type Nanoseconds, SECOND } from '../../core/clock.ts'
import type { PeerKey } from '../../core/endpoint.ts'
import type { Random } from '../../core/random.ts'
import { type Allowance, RecentIds } from './recent-ids.ts'

/** How often silent peers are looked for. */
const SWEEP = 60 * SECOND
/** 64 MiB of slots: 10 000 messages per second for EXCHANGE_LIFETIME, with room for tables that are half full. */
const MOST_SLOTS = 8 * 1024 * 1024

export class Peer {
  readonly ids: RecentIds
  /** The next message ID of our own towards this peer. */
  #nextId: number

  constructor(allowance: Allowance, firstId: number) {
    this.ids = new RecentIds(allowance)
    this.#nextId = firstId
  }

  takeId(): number {
    const id = this.#nextId
    this.#nextId = (id + 1) & 0xffff
    return id
  }
}

export class Peers {
  readonly #peers = new Map<PeerKey, Peer>()
  readonly #allowance: Allowance
  readonly #most: number
  readonly #random: Random
  #nextSweep: Nanoseconds = NEVER
  #forgotten = 0

  /**
   * @param most peers at a time; one more ends the memory of the oldest
   * @param random seeds our own message IDs towards each peer
   * @param slots see `Allowance`
   */
  constructor(most: number, random: Random, slots = MOST_SLOTS) {
    this.#most = most
    this.#random = random
    this.#allowance = { slots }
  }

  get size(): number {
    return this.#peers.size
  }

  /** Message IDs forgotten before their time, for want of memory: 0 unless the server is flooded. */
  get forgotten(): number {
    let sum = this.#forgotten
    for (const peer of this.#peers.values()) sum += peer.ids.forgotten
    return sum
  }

  /** The peer, made if it is new. */
  of(key: PeerKey, now: Nanoseconds): Peer {
    const known = this.#peers.get(key)
    if (known !== undefined) return known
    if (this.#peers.size >= this.#most) {
      const [oldest] = this.#peers.keys()
      if (oldest !== undefined) this.drop(oldest)
      this.#forgotten++
    }
    if (this.#peers.size === 0) this.#nextSweep = now + SWEEP
    const peer = new Peer(this.#allowance, this.#random.integer(65536))
    this.#peers.set(key, peer)
    return peer
  }

  drop(key: PeerKey): void {
    const peer = this.#peers.get(key)
    if (peer === undefined) return
    this.#forgotten += peer.ids.forgotten
    peer.ids.release()
    this.#peers.delete(key)
    if (this.#peers.size === 0) this.#nextSweep = NEVER
  }

  /** When `sweep` is due; NEVER without peers. */
  deadline(): Nanoseconds {
    return this.#nextSweep
  }

  /** Drops every peer whose last message ID is free again. */
  sweep(now: Nanoseconds): void {
    this.#nextSweep = now + SWEEP
    for (const [key, peer] of this.#peers) if (peer.ids.stale(now)) this.drop(key)
  }
}
