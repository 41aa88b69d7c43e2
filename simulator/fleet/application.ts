/**
 * The application that speaks first: it sends each device commands, which are answered, or all devices the same message.
 * Its messages keep their intended times in one outbox per device; where the protocol can say one thing to all, in one
 * outbox for all.
 */
import type { Nanoseconds } from '../core/clock.ts'
import { NEVER } from '../core/clock.ts'
import type { Cause } from '../core/layer.ts'
import { messagesOf } from '../core/workload.ts'
import type { Reactor, Timer } from '../io/reactor.ts'
import type { ConsumerEvents, Speech, SpeechEvents } from '../protocols/session.ts'
import { ALL_DEVICES } from '../protocols/session.ts'
import { connectionLost } from './consumer.ts'
import type {
  ConsumerEvent,
  ConsumerProgress,
  ConsumerReport,
  RoleConfig,
} from './fleet-protocol.ts'
import { Inbox } from './inbox.ts'
import { ANSWERED, Ledger } from './ledger.ts'
import { Outbox } from './outbox.ts'
import { Payload } from './payload.ts'
import type { PhasePlan } from './schedule.ts'
import { scheduleOf } from './schedule-of.ts'
import { Departures, Sender } from './sender.ts'

/** One outbox with its timer. */
class Stream implements Timer {
  timerSlot = -1
  readonly outbox: Outbox
  readonly departures: Departures
  readonly #application: Application

  constructor(index: number, sender: Sender, application: Application) {
    this.outbox = new Outbox(index, sender)
    this.departures = new Departures(sender, this.outbox)
    this.#application = application
  }

  deadline(): Nanoseconds {
    return this.departures.due
  }

  expire(now: Nanoseconds): void {
    this.departures.fire(now)
    this.#application.fired(this, now)
  }
}

export class Application implements ConsumerEvents, SpeechEvents {
  readonly #config: RoleConfig
  readonly #reactor: Reactor
  readonly #tell: (event: ConsumerEvent) => void
  readonly #sender: Sender
  readonly #answers: Inbox
  /** Whether devices answer. */
  readonly #asks: boolean
  #ledger: Ledger | null = null
  #speech: Speech | null = null
  /** Whose deadline moves when something is said. */
  #owner: Timer | null = null
  /** By device; one alone for all devices where the protocol broadcasts. */
  #streams: Stream[] = []
  /** Streams of which a session refused a message, in the order of refusal. */
  readonly #refused = new Set<Stream>()
  /** Streams that have more to fire. */
  #running = 0
  #complete = false

  constructor(config: RoleConfig, reactor: Reactor, tell: (event: ConsumerEvent) => void) {
    const { workload, stack, devices } = config
    this.#config = config
    this.#reactor = reactor
    this.#tell = tell
    this.#asks = workload.kind === 'command'
    const payload = new Payload(messagesOf(workload)?.payload ?? 0, config.canary)
    const acknowledges = stack.reliability !== 'best-effort'
    this.#sender = new Sender(payload, acknowledges, () => this.#checkComplete())
    this.#answers = new Inbox(devices, ANSWERED)
  }

  get speech(): SpeechEvents {
    return this
  }

  /** The session or server through which it speaks; before it is ready. @param owner of its deadlines */
  speakThrough(speech: Speech, owner: Timer): void {
    this.#speech = speech
    this.#owner = owner
  }

  consumerReady(): void {
    this.#tell({ event: 'ready' })
  }

  begin(plan: PhasePlan): void {
    const { workload, seed, devices } = this.#config
    const schedule = scheduleOf(workload, plan, seed)
    this.#ledger = new Ledger(schedule, devices)
    this.#sender.begin(schedule, this.#ledger)
    this.#answers.begin(schedule, this.#ledger, null)
    const speech = this.#speech
    if (speech === null) return
    const broadcast = this.#asks ? undefined : speech.broadcast?.bind(speech)
    const indices = broadcast ? [ALL_DEVICES] : Array.from({ length: devices }, (_, i) => i)
    this.#streams = indices.map((index) => new Stream(index, this.#sender, this))
    for (const stream of this.#streams) {
      const { index } = stream.outbox
      stream.outbox.open(
        broadcast ?? ((sequence, payload, now) => speech.command(index, sequence, payload, now)),
        plan.warmup,
      )
      stream.departures.begin()
      if (stream.departures.due !== NEVER) this.#running++
      this.#reactor.arm(stream)
    }
  }

  /** A stream has put what was due into its outbox. */
  fired(stream: Stream, now: Nanoseconds): void {
    if (stream.departures.due === NEVER) this.#running--
    this.#pump(stream, now)
  }

  /** The answer to a command; a device that speaks unasked is not known. */
  received(device: number, payload: Uint8Array, now: Nanoseconds): void {
    this.#answers.take(device, payload, now)
    this.#checkComplete()
  }

  transmitted(device: number, sequence: number, now: Nanoseconds): void {
    this.#streamOf(device)?.outbox.transmitted(sequence, now)
  }

  acknowledged(device: number, sequence: number, now: Nanoseconds): void {
    this.#streamOf(device)?.outbox.acknowledged(sequence, now)
  }

  gaveUp(device: number, sequence: number, reason: string, now: Nanoseconds): void {
    this.#streamOf(device)?.outbox.gaveUp(sequence, reason, now)
  }

  unblocked(device: number, now: Nanoseconds): void {
    if (device !== ALL_DEVICES) {
      const stream = this.#streams[device]
      if (stream !== undefined) this.#pump(stream, now)
      return
    }
    // Who waits longest goes first; who is refused again goes to the end.
    const refused = Array.from(this.#refused)
    for (const stream of refused) {
      this.#refused.delete(stream)
      this.#pump(stream, now)
    }
  }

  /** Nobody can be reached from now on: the cell has failed. */
  ended(cause: Cause): void {
    this.#tell(connectionLost(cause))
  }

  progress(now: Nanoseconds): ConsumerProgress {
    const { series, unreached } = this.#sender
    return { at: now, heard: null, acknowledged: series.ack.count, givenUp: unreached }
  }

  report(): ConsumerReport {
    const { series, givenUp } = this.#sender
    const all = this.#asks ? { ...series, response: this.#answers.latency } : series
    return {
      ledger: Buffer.from(this.#ledger?.bytes() ?? new Uint8Array()).toString('base64'),
      series: Object.fromEntries(Object.entries(all).map(([name, h]) => [name, h.toJSON()])),
      ...this.#answers.receipts(),
      givenUp: Object.fromEntries(givenUp),
    }
  }

  #streamOf(device: number): Stream | undefined {
    return this.#streams[device === ALL_DEVICES ? 0 : device]
  }

  #pump(stream: Stream, now: Nanoseconds): void {
    if (!stream.outbox.pump(now)) this.#refused.add(stream)
    if (this.#owner !== null) this.#reactor.arm(this.#owner)
  }

  #checkComplete(): void {
    if (this.#complete || this.#running > 0 || this.#sender.unsettled > 0) return
    if (this.#asks && !this.#answers.complete) return
    this.#complete = true
    this.#tell({ event: 'complete' })
  }
}
