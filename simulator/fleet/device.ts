/**
 * One simulated device: one identity, one address, one session at a time, one schedule.
 *
 *   waiting -> connecting -> ready -> (ended) -> backing off -> connecting ... -> done
 *
 * A message is fired at its intended time, waits in the backlog while there is no session or the session is blocked,
 * and keeps its intended time whatever happens to it.
 */
import type { Nanoseconds } from '../core/clock.ts'
import { NEVER, SECOND } from '../core/clock.ts'
import type { Cause } from '../core/layer.ts'
import type { Timer } from '../io/reactor.ts'
import type { DeviceEvents, SessionMemory } from '../protocols/session.ts'
import type { FleetState } from './fleet-state.ts'
import { ACKNOWLEDGED, GAVE_UP, SENT } from './ledger.ts'
import type { Pile } from './pile.ts'
import { Window } from './window.ts'

/** The longest pause between two attempts to reconnect. */
const LONGEST_PAUSE = 64 * SECOND

export class Device implements Timer, DeviceEvents {
  timerSlot = -1
  readonly index: number
  readonly memory: SessionMemory = { kept: null }
  readonly #fleet: FleetState
  #pile: Pile | null = null
  #state: 'waiting' | 'connecting' | 'ready' | 'backing-off' | 'done' = 'waiting'
  /** The first packet of the first attempt: an attempt that fails is part of what connecting takes. */
  #startedAt: Nanoseconds = NaN
  #retryAt: Nanoseconds = NEVER
  #pause = 0
  /** The next message to fire, and when. */
  #next = 0
  #due: Nanoseconds = NEVER
  /** The oldest message that no session took yet; the backlog reaches from here to `#next`. */
  #oldest = 0
  #fired: Nanoseconds[] = []
  readonly #unacknowledged = new Window()
  /** What a lost session left unacknowledged, to send again first. */
  #again: number[] = []
  #pumping = false

  constructor(index: number, fleet: FleetState) {
    this.index = index
    this.#fleet = fleet
  }

  get ready(): boolean {
    return this.#state === 'ready'
  }

  connect(now: Nanoseconds): void {
    this.#state = 'connecting'
    this.#retryAt = NEVER
    if (Number.isNaN(this.#startedAt)) this.#startedAt = now
    this.#pile = this.#fleet.open(this, now)
  }

  /** The schedule begins. */
  begin(): void {
    this.#due = this.#fleet.schedule.intended(this.index, 0)
  }

  close(now: Nanoseconds): void {
    this.#state = 'done'
    this.#due = NEVER
    this.#retryAt = NEVER
    this.#pile?.session.close(now)
    this.#pile = null
  }

  negotiated(): Readonly<Record<string, string>> {
    return this.#pile?.security?.negotiated() ?? {}
  }

  deadline(): Nanoseconds {
    const pile = this.#pile
    let at = Math.min(this.#due, this.#retryAt)
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
    if (now >= this.#due) this.#fire(now)
  }

  sessionReady(now: Nanoseconds): void {
    this.#state = 'ready'
    this.#pause = 0
    // A layer is opened when the one below it is ready.
    const secured = this.#pile?.framing ?? this.#pile?.session
    const security = secured?.openedAt ?? now
    const transport = this.#pile?.security?.openedAt ?? security
    this.#fleet.deviceReady(this, this.#startedAt, transport, security, now)
    this.#again = this.#unacknowledged.sequences()
    this.#pump(now)
  }

  transmitted(sequence: number, now: Nanoseconds): void {
    if (this.#fleet.acknowledges) this.#unacknowledged.put(sequence, now)
  }

  acknowledged(sequence: number, now: Nanoseconds): void {
    const first = this.#unacknowledged.take(sequence)
    if (Number.isNaN(first)) return
    const fleet = this.#fleet
    fleet.settled(now)
    if (!fleet.ledger.mark(this.index, sequence, ACKNOWLEDGED)) return
    fleet.series.exchange.record(now - first)
    fleet.series.ack.record(now - fleet.schedule.intended(this.index, sequence))
  }

  gaveUp(sequence: number, reason: string, now: Nanoseconds): void {
    if (Number.isNaN(this.#unacknowledged.take(sequence))) return
    this.#fleet.settled(now)
    this.#fleet.gaveUp(reason)
    this.#fleet.ledger.mark(this.index, sequence, GAVE_UP)
  }

  unblocked(now: Nanoseconds): void {
    this.#pump(now)
  }

  ended(cause: Cause, now: Nanoseconds): void {
    const wasReady = this.#state === 'ready'
    this.#pile = null
    if (this.#state === 'done') return
    this.#state = 'backing-off'
    // At once, then after 1, 2, 4 ... seconds.
    this.#retryAt = now + this.#pause
    this.#pause = this.#pause === 0 ? SECOND : Math.min(this.#pause * 2, LONGEST_PAUSE)
    this.#fleet.deviceEnded(cause, wasReady)
  }

  #fire(now: Nanoseconds): void {
    const fleet = this.#fleet
    while (this.#due <= now) {
      if (fleet.schedule.measured(this.#due)) fleet.series.schedule_delay.record(now - this.#due)
      this.#fired.push(now)
      fleet.fired()
      this.#next++
      const due = fleet.schedule.intended(this.index, this.#next)
      this.#due = due < fleet.schedule.plan.t1 ? due : NEVER
    }
    this.#pump(now)
  }

  /** Hands the session what it takes: first what an earlier session left unacknowledged, then the backlog, oldest first. */
  #pump(now: Nanoseconds): void {
    const session = this.#pile?.session
    // A session may call `unblocked` from inside `send`: the loop that is running goes on anyway.
    if (session === undefined || this.#state !== 'ready' || this.#pumping) return
    this.#pumping = true
    while (this.#pile?.session === session && this.#handOne(session, now));
    this.#pumping = false
  }

  #handOne(session: Pile['session'], now: Nanoseconds): boolean {
    const fleet = this.#fleet
    const repeated = this.#again[0]
    if (repeated !== undefined) {
      // The server may answer what an earlier session sent before this one sends it again.
      if (!this.#unacknowledged.has(repeated)) {
        this.#again.shift()
        return true
      }
      if (!session.send(repeated, fleet.payload.with(repeated), now)) return false
      this.#again.shift()
      return true
    }
    const sequence = this.#oldest
    if (sequence >= this.#next) return false
    if (!session.send(sequence, fleet.payload.with(sequence), now)) return false
    const firedAt = this.#fired.shift() as number
    this.#oldest++
    if (fleet.ledger.mark(this.index, sequence, SENT)) fleet.series.blocked.record(now - firedAt)
    if (!fleet.acknowledges) fleet.settled(now)
    return true
  }
}
