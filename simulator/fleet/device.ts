/**
 * One simulated device: one identity, one address, one session at a time, one schedule.
 *
 *   waiting -> connecting -> ready -> (ended) -> backing off -> connecting ... -> done
 *                              |
 *                              +-> (leaves) -> away -> (back, and a connect slot is free) -> connecting ...
 *
 * A message is fired at its intended time, waits in the backlog while there is no session or the session is blocked,
 * and keeps its intended time whatever happens to it.
 */
import type { Nanoseconds } from '../core/clock.ts'
import { NEVER, SECOND } from '../core/clock.ts'
import type { Cause } from '../core/layer.ts'
import type { Timer } from '../io/reactor.ts'
import type { DeviceEvents, SessionMemory } from '../protocols/session.ts'
import type { AbsencePlan } from './absence-plan.ts'
import type { FleetState } from './fleet-state.ts'
import { FIRST_LARGE, LargeMessages } from './large-messages.ts'
import type { Hand } from './outbox.ts'
import { Outbox } from './outbox.ts'
import type { Pile } from './pile.ts'
import { Presence } from './presence.ts'
import { Departures } from './sender.ts'

/** The longest pause between two attempts to reconnect. */
const LONGEST_PAUSE = 64 * SECOND

export class Device implements Timer, DeviceEvents {
  timerSlot = -1
  readonly index: number
  readonly memory: SessionMemory = { kept: null }
  readonly #fleet: FleetState
  #pile: Pile | null = null
  #state: 'waiting' | 'connecting' | 'ready' | 'backing-off' | 'away' | 'done' = 'waiting'
  /** Null where devices stay. */
  #presence: Presence | null = null
  /** The first packet of the first attempt: an attempt that fails is part of what connecting takes. */
  #startedAt: Nanoseconds = NaN
  /** The same of a measured connection for which messages waited, until the first of them is acknowledged. */
  #firstFrom: Nanoseconds = NaN
  #retryAt: Nanoseconds = NEVER
  #pause = 0
  /** Its own messages, or its answers to commands. */
  readonly #outbox: Outbox
  readonly #departures: Departures
  /** Null where there are none, or where they have a connection of their own. */
  readonly #large: LargeMessages | null

  constructor(index: number, fleet: FleetState) {
    this.index = index
    this.#fleet = fleet
    this.#outbox = new Outbox(index, fleet.answering ?? fleet.sender)
    this.#departures = new Departures(fleet.sender, this.#outbox)
    this.#large = fleet.large === null ? null : new LargeMessages(index, fleet.large)
  }

  /** It is the second connection of a device, for its large messages. */
  get second(): boolean {
    return this.#fleet.second
  }

  get ready(): boolean {
    return this.#state === 'ready'
  }

  /** Whether a connection is being made. */
  get connecting(): boolean {
    return this.#state === 'connecting'
  }

  /** The layer that waits for the peer while a connection is being made. */
  get waitingLayer(): 'transport' | 'security' | 'framing' | 'application' {
    const pile = this.#pile
    // A layer is opened when the one below it is ready.
    if (pile === null) return 'transport'
    if (!Number.isNaN(pile.session.openedAt)) return 'application'
    if (pile.framing !== null && !Number.isNaN(pile.framing.openedAt)) return 'framing'
    return pile.security === null || Number.isNaN(pile.security.openedAt) ? 'transport' : 'security'
  }

  connect(now: Nanoseconds): void {
    this.#state = 'connecting'
    this.#retryAt = NEVER
    if (Number.isNaN(this.#startedAt)) this.#startedAt = now
    this.#pile = this.#fleet.open(this, now)
  }

  /** Connects in the next turn of the reactor. */
  connectNext(now: Nanoseconds): void {
    this.#state = 'backing-off'
    this.#retryAt = now
  }

  /** The schedule begins, and the absences, where there are any. */
  begin(absences: AbsencePlan | null): void {
    if (this.#fleet.speaks) this.#departures.begin()
    this.#large?.departures.begin()
    if (absences !== null) this.#presence = new Presence(this.index, absences, this.#fleet)
  }

  close(now: Nanoseconds): void {
    this.#state = 'done'
    this.#departures.end()
    this.#outbox.shut()
    this.#large?.end()
    this.#retryAt = NEVER
    this.#pile?.session.close(now)
    this.#pile = null
  }

  negotiated(): Readonly<Record<string, string>> {
    return this.#pile?.security?.negotiated() ?? {}
  }

  deadline(): Nanoseconds {
    const pile = this.#pile
    let at = Math.min(this.#departures.due, this.#retryAt)
    if (this.#large !== null) at = Math.min(at, this.#large.departures.due)
    if (this.#presence !== null)
      at = Math.min(at, this.#presence.deadline(this.#mayLeave(this.#presence)))
    if (pile === null) return at
    at = Math.min(at, pile.session.deadline())
    if (pile.framing !== null) at = Math.min(at, pile.framing.deadline())
    return pile.security === null ? at : Math.min(at, pile.security.deadline())
  }

  expire(now: Nanoseconds): void {
    if (now >= this.#retryAt) this.connect(now)
    if (this.#pile?.security && now >= this.#pile.security.deadline())
      this.#pile.security.expire(now)
    if (this.#pile?.framing && now >= this.#pile.framing.deadline()) this.#pile.framing.expire(now)
    if (this.#pile && now >= this.#pile.session.deadline()) this.#pile.session.expire(now)
    if (now >= this.#departures.due) {
      this.#departures.fire(now)
      this.#outbox.pump(now)
    }
    if (this.#large !== null && now >= this.#large.departures.due) {
      this.#large.departures.fire(now)
      this.#large.outbox.pump(now)
    }
    if (this.#presence !== null) this.#comeAndGo(this.#presence, now)
  }

  sessionReady(now: Nanoseconds): void {
    this.#state = 'ready'
    this.#pause = 0
    // A layer is opened when the one below it is ready.
    const secured = this.#pile?.framing ?? this.#pile?.session
    const security = secured?.openedAt ?? now
    const transport = this.#pile?.security?.openedAt ?? security
    const started = this.#startedAt
    this.#startedAt = NaN
    const measured = this.#fleet.deviceReady(this, started, transport, security, now)
    this.#firstFrom = measured && !this.#outbox.settled ? started : NaN
    const session = this.#pile?.session
    if (this.#outbox.isOpen) this.#outbox.pump(now)
    else if (session !== undefined) this.#outbox.open(this.#hand(session), now)
    // A message that the session would not have may have ended it.
    if (this.#pile !== null) this.#large?.open(this.#pile.session, now)
  }

  #hand(session: Pick<Pile['session'], 'send' | 'answer' | 'transfer'>): Hand {
    if (this.second)
      return (sequence, payload, at) => session.transfer?.(sequence, payload, at) ?? false
    if (this.#fleet.answering === null)
      return (sequence, payload, at) => session.send(sequence, payload, at)
    return (sequence, payload, at) => session.answer?.(sequence, payload, at) ?? false
  }

  takesMessages(session: Pick<Pile['session'], 'send' | 'transfer'>, now: Nanoseconds): void {
    this.#outbox.open(this.#hand(session), now)
  }

  transmitted(sequence: number, now: Nanoseconds): void {
    if (sequence < FIRST_LARGE) this.#outbox.transmitted(sequence, now)
    else this.#large?.outbox.transmitted(sequence - FIRST_LARGE, now)
  }

  acknowledged(sequence: number, now: Nanoseconds): void {
    if (!Number.isNaN(this.#firstFrom)) {
      this.#fleet.firstAcknowledged(now - this.#firstFrom)
      this.#firstFrom = NaN
    }
    if (sequence < FIRST_LARGE) this.#outbox.acknowledged(sequence, now)
    else this.#large?.outbox.acknowledged(sequence - FIRST_LARGE, now)
  }

  gaveUp(sequence: number, reason: string, now: Nanoseconds): void {
    if (sequence < FIRST_LARGE) this.#outbox.gaveUp(sequence, reason, now)
    else this.#large?.outbox.gaveUp(sequence - FIRST_LARGE, reason, now)
  }

  /** Large messages take what the others leave. */
  unblocked(now: Nanoseconds): void {
    this.#outbox.pump(now)
    this.#large?.outbox.pump(now)
  }

  heard(payload: Uint8Array, now: Nanoseconds): void {
    const sequence = this.#fleet.arrived(this.index, payload, now)
    if (sequence < 0 || this.#fleet.answering === null) return
    this.#outbox.put(sequence, now)
    this.#outbox.pump(now)
  }

  ended(cause: Cause, now: Nanoseconds): void {
    const wasReady = this.#state === 'ready'
    this.#firstFrom = NaN
    this.#pile = null
    this.#outbox.shut()
    this.#large?.outbox.shut()
    if (this.#state === 'done') return
    this.#state = 'backing-off'
    // At once, then after 1, 2, 4 ... seconds.
    this.#retryAt = now + this.#pause
    this.#pause = this.#pause === 0 ? SECOND : Math.min(this.#pause * 2, LONGEST_PAUSE)
    this.#fleet.deviceEnded(cause, wasReady)
  }

  #mayLeave(presence: Presence): boolean {
    return presence.free(this.#state === 'ready', this.#outbox.settled)
  }

  #comeAndGo(presence: Presence, now: Nanoseconds): void {
    if (presence.leaves(this.#mayLeave(presence), now)) {
      this.#state = 'away'
      const pile = this.#pile as Pile
      this.#pile = null
      this.#outbox.shut()
      this.#large?.outbox.shut()
      if (presence.abrupt) pile.vanish(now)
      else pile.session.close(now)
      this.#fleet.deviceLeft()
    }
    const intended = presence.returns(now)
    if (!Number.isNaN(intended)) this.#fleet.wantsConnect(this, intended)
  }
}
