/** What a library must bring so that the cases of every QUIC client can be tried on it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Nanoseconds } from '../core/clock.ts'
import type { Layer } from '../core/layer.ts'
import type { Joined } from './quic-world.cases.ts'
import { serverContext, World } from './quic-world.cases.ts'

export interface QuicClientLayer extends Layer {
  readonly establishedAt: Nanoseconds
  readonly isOpen: boolean
  negotiated(): Readonly<Record<string, string>>
}

/** How a client differs from one of the device 0 that trusts the server's authority, asks for its name and speaks mqtt. */
export interface ClientChanges<T> {
  readonly alpn?: string
  readonly authority?: string
  readonly idleTimeout?: Nanoseconds
  readonly name?: string
  readonly device?: number
  readonly tickets?: T
}

export interface TicketCounts {
  readonly offered: number
  readonly accepted: number
}

/** A library, and the tickets that it keeps. */
export interface QuicSubject<T extends TicketCounts> {
  readonly engine: string
  readonly congestion: string
  newTickets(): T
  /** A new client on `world`, whose handshake has begun. */
  join(world: World, changes?: ClientChanges<T>): Joined<QuicClientLayer>
}

export const PEER = serverContext()

export const newWorld = (echo = false): World => {
  const world = new World(PEER)
  world.echo = echo
  return world
}

/** What the cases of a subject are written with. */
export const caseWords = <T extends TicketCounts>(subject: QuicSubject<T>) => ({
  check: (title: string, body: () => void | Promise<void>): void =>
    void test(`${subject.engine}: ${title}`, body),
  /** A client whose handshake is done. */
  opened: (world: World, changes?: ClientChanges<T>): Joined<QuicClientLayer> => {
    const joined = subject.join(world, changes)
    world.pump()
    assert.equal(joined.top.cause, null)
    assert.equal(joined.top.opens, 1)
    return joined
  },
})
