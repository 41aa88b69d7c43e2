/** A device in virtual time: a fleet that notes what the device says, and sessions that do what a test orders. */
import type { Nanoseconds } from '../core/clock.ts'
import { NEVER } from '../core/clock.ts'
import type { Cause, Lower, Upper } from '../core/layer.ts'
import { Traffic } from '../core/layer.ts'
import { MemoryReactor } from '../io/memory.ts'
import type { DeviceEvents, DeviceSession } from '../protocols/session.ts'
import { Device } from './device.ts'
import type { FleetState } from './fleet-state.ts'
import { Ledger } from './ledger.ts'
import { Payload, sequenceOf } from './payload.ts'
import type { Pile, SecurityLayer } from './pile.ts'
import type { PhasePlan } from './schedule.ts'
import type { Schedule } from './schedule.ts'
import { ConstantSchedule } from './schedule.ts'
import { Sender } from './sender.ts'

export const RESET: Cause = { code: 'reset', detail: 'the peer reset the connection' }

/** Takes up to `room` messages; the test answers them. */
export class OrderedSession implements DeviceSession {
  below!: Lower
  openedAt: Nanoseconds = NaN
  room = Infinity
  /** Numbers of the messages that were taken, in order. */
  readonly sent: number[] = []
  closes = 0
  readonly #device: DeviceEvents
  /** Called in the middle of `send`. */
  onSend: (now: Nanoseconds) => void = () => {}

  constructor(device: DeviceEvents) {
    this.#device = device
  }

  open(now: Nanoseconds): void {
    this.openedAt = now
  }

  send(sequence: number, payload: Uint8Array, now: Nanoseconds): boolean {
    if (sequenceOf(payload) !== sequence) throw new Error(`message ${sequence} says otherwise`)
    if (this.room === 0) return false
    this.room--
    this.sent.push(sequence)
    this.#device.transmitted(sequence, now)
    this.onSend(now)
    return true
  }

  fromBelow(): void {}
  ready(): void {}
  closed(): void {}
  expire(): void {}
  deadline(): Nanoseconds {
    return NEVER
  }
  outstanding(): number {
    return 0
  }
  close(): void {
    this.closes++
  }
}

class OpenedLayer implements SecurityLayer {
  readonly traffic = new Traffic()
  below!: Lower
  above!: Upper
  readonly openedAt: Nanoseconds
  constructor(openedAt: Nanoseconds) {
    this.openedAt = openedAt
  }
  open(): void {}
  fromBelow(): void {}
  ready(): void {}
  closed(): void {}
  close(): void {}
  expire(): void {}
  fromAbove(): boolean {
    return true
  }
  deadline(): Nanoseconds {
    return NEVER
  }
  negotiated(): Readonly<Record<string, string>> {
    return { version: 'test' }
  }
}

/** One device with its reactor. `sessions` are those that it opened, the last one being the present one. */
export class Bench implements FleetState {
  readonly reactor = new MemoryReactor({ delay: 0 })
  readonly schedule: Schedule
  readonly ledger: Ledger
  readonly sender: Sender
  readonly answering = null
  readonly large = null
  readonly second = false
  readonly speaks = true
  readonly device: Device
  readonly sessions: OrderedSession[] = []
  /** When the device opened a connection. */
  readonly attempts: Nanoseconds[] = []
  /** Started, transport, security, application. */
  readonly connects: (readonly [Nanoseconds, Nanoseconds, Nanoseconds, Nanoseconds])[] = []
  readonly firstAcknowledgements: Nanoseconds[] = []
  readonly ends: string[] = []
  /** Called when the device opens a connection. */
  onOpen: (session: OrderedSession, now: Nanoseconds) => void = () => {}
  /** When the TLS layer of a pile was opened; null for a plain one. */
  securityOpenedAt: Nanoseconds | null = null

  constructor(plan: PhasePlan, interval: Nanoseconds, acknowledges = true) {
    this.schedule = new ConstantSchedule(plan, interval, 1)
    this.ledger = new Ledger(this.schedule, 1)
    this.sender = new Sender(new Payload(8, 'x'), acknowledges, () => {})
    this.sender.begin(this.schedule, this.ledger)
    this.device = new Device(0, this)
  }

  get series(): Sender['series'] {
    return this.sender.series
  }

  /** Messages fired and not yet settled. */
  get unsettled(): number {
    return this.sender.unsettled
  }

  /** Why messages were given up. */
  get reasons(): string[] {
    return [...this.sender.givenUp.keys()]
  }

  get session(): OrderedSession {
    return this.sessions.at(-1) as OrderedSession
  }

  /** The instant of message k. */
  intended(sequence: number): Nanoseconds {
    return this.schedule.intended(0, sequence)
  }

  open(device: Device, now: Nanoseconds): Pile {
    const session = new OrderedSession(device)
    this.sessions.push(session)
    this.attempts.push(now)
    this.onOpen(session, now)
    const at = this.securityOpenedAt
    return {
      session,
      framing: null,
      security: at === null ? null : new OpenedLayer(at),
      vanish: () => {},
    }
  }

  /** Connects at once, and the schedule begins. */
  start(): void {
    this.device.connect(0)
    this.session.open(0)
    this.device.sessionReady(0)
    this.device.begin(null)
    this.reactor.arm(this.device)
  }

  /** Lets time pass until then, and calls the device as the reactor would. */
  at(time: Nanoseconds, call: (now: Nanoseconds) => void = () => {}): void {
    this.reactor.runUntil(time)
    call(time)
    this.reactor.arm(this.device)
  }

  deviceReady(
    _device: Device,
    started: Nanoseconds,
    transport: Nanoseconds,
    security: Nanoseconds,
    application: Nanoseconds,
  ): boolean {
    this.connects.push([started, transport, security, application])
    return true
  }

  firstAcknowledged(time: Nanoseconds): void {
    this.firstAcknowledgements.push(time)
  }

  deviceLeft(): void {}
  connectDue(): void {}
  connectLeftOut(): void {}
  wantsConnect(): void {}

  deviceEnded(cause: Cause): void {
    this.ends.push(cause.code)
  }

  arrived(): number {
    return -1
  }
}
