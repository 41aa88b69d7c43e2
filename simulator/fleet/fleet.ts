/**
 * The devices of one worker: spreads their connects over the ramp, keeps the number of connects in flight bounded,
 * starts the schedules, and collects what they record.
 */
import type { Nanoseconds } from '../core/clock.ts'
import { NEVER } from '../core/clock.ts'
import { absencesOf, messagesOf } from '../core/workload.ts'
import { encodeDoubles } from '../core/doubles.ts'
import type { Cause, Lower, Upper } from '../core/layer.ts'
import { Traffic } from '../core/layer.ts'
import type { ConnectOptions, Reactor, Timer } from '../io/reactor.ts'
import { Histogram } from '../measure/histogram.ts'
import { AbsencePlan } from './absence-plan.ts'
import { Connects } from './connects.ts'
import { Device } from './device.ts'
import type { BoundaryBytes, FleetConfig, FleetEvent, FleetProgress, FleetReport } from './fleet-protocol.ts' // prettier-ignore
import type { FleetState } from './fleet-state.ts'
import { ECHO_PORT } from './fleet-protocol.ts'
import { hearsOf } from './hears.ts'
import { Inbox } from './inbox.ts'
import { Ledger, RECEIVED } from './ledger.ts'
import type { OutboxEvents } from './outbox.ts'
import { unrecorded } from './outbox.ts'
import { Payload } from './payload.ts'
import type { Pile, PileFactory } from './pile.ts'
import { PROBE_SPACING, Probe } from './probe.ts'
import type { PhasePlan } from './schedule.ts'
import type { BulkPlan } from './schedule-bulk.ts'
import { BulkSchedule, bulkPlanOf } from './schedule-bulk.ts'
import { scheduleOf } from './schedule-of.ts'
import { SecondConnections } from './second-connections.ts'
import { Sender } from './sender.ts'
import { Spread } from './spread.ts'
import { wakesOf } from './wakes.ts'

const series = () => ({
  'probe.error': new Histogram(),
})

/** What a fleet needs of a reactor. */
export interface FleetReactor extends Pick<Reactor, 'now' | 'arm' | 'disarm'> {
  connectDatagram(options: ConnectOptions, above: Upper): Lower
}

/** Opens the connections of devices on a reactor of its kind, and counts what they carry. */
export interface Connector<R> extends Pick<
  PileFactory,
  'application' | 'framed' | 'transport' | 'tcp' | 'tickets' | 'certificateBytes'
> {
  open(reactor: R, device: Device, local: string): Pile
}

export class Fleet<R extends FleetReactor = Reactor> implements FleetState, Timer {
  timerSlot = -1
  readonly sender: Sender
  /** Of large messages; null: there are none. */
  readonly #bulk: Sender | null
  readonly #bulkPlan: BulkPlan | null
  readonly second = false
  /** Null where they share the devices' connections. */
  readonly #seconds: SecondConnections | null
  readonly answering: OutboxEvents | null
  readonly speaks: boolean
  readonly series = series()
  /** What devices hear; null where they only send. */
  readonly #inbox: Inbox | null
  readonly #spread: Spread | null
  #ledger!: Ledger
  #plan: PhasePlan | null = null
  readonly #config: FleetConfig
  readonly #reactor: R
  readonly #tell: (event: FleetEvent) => void
  readonly #address: (device: number) => string
  readonly #connector: Connector<R>
  readonly #devices: Device[]
  readonly connects: Connects
  readonly #probes: Probe[] = []
  readonly #probeTraffic = new Traffic()
  readonly #ready: Float64Array
  readonly #ends = new Map<string, { count: number; example: string }>()
  /** Null where devices stay. */
  #absences: AbsencePlan | null = null
  /** What the first device that connected had negotiated. */
  #negotiated: Readonly<Record<string, string>> = {}
  #connectDeadline: Nanoseconds = NEVER
  #connected = 0
  /** Devices that have a session now. */
  #online = 0
  #reconnects = 0
  #announced = false
  #quiet = false
  #application: BoundaryBytes = { sent: 0, received: 0 }
  #framed: BoundaryBytes = { sent: 0, received: 0 }
  #transport: BoundaryBytes = { sent: 0, received: 0 }
  #snapshots: Nanoseconds[] = []

  constructor(
    config: FleetConfig,
    reactor: R,
    address: (device: number) => string,
    tell: (event: FleetEvent) => void,
    connector: Connector<R>,
  ) {
    this.#config = config
    this.#reactor = reactor
    this.#address = address
    this.#tell = tell
    this.#connector = connector
    const { workload, devices } = config
    const payload = new Payload(messagesOf(workload)?.payload ?? 0, config.canary)
    const acknowledges = config.stack.reliability !== 'best-effort'
    const hears = hearsOf(workload)
    const settled = (now: Nanoseconds): void => this.#checkQuiet(now)
    this.sender = new Sender(payload, acknowledges, settled)
    this.#bulkPlan = bulkPlanOf(workload, config.stack)
    this.#bulk =
      this.#bulkPlan &&
      new Sender(new Payload(this.#bulkPlan.partSize, config.canary), acknowledges, settled)
    this.#seconds =
      this.#bulk && this.#bulkPlan?.second ? this.#secondConnections(this.#bulk) : null
    this.speaks = hears === null
    this.answering = hears === 'commands' ? unrecorded(payload, acknowledges) : null
    this.#inbox = hears === null ? null : new Inbox(devices, RECEIVED)
    this.#spread = hears === 'broadcasts' ? new Spread(devices) : null
    this.#devices = Array.from({ length: config.devices }, (_, i) => new Device(i, this))
    this.connects = new Connects(this.#devices, config.connectLimit, reactor)
    this.#ready = new Float64Array(config.devices).fill(NaN)
    reactor.arm(this)
  }

  /** Device i starts to connect at `at` + i x ramp / devices, later when too many connects are in flight. */
  connect(at: Nanoseconds, ramp: Nanoseconds, deadline: Nanoseconds): void {
    this.connects.ramp(at, ramp)
    this.#connectDeadline = deadline
    this.#reactor.arm(this)
  }

  begin(plan: PhasePlan): void {
    const { workload, seed, devices } = this.#config
    const schedule = scheduleOf(workload, plan, seed)
    this.#plan = plan
    this.#ledger = new Ledger(schedule, devices)
    this.sender.begin(schedule, this.#ledger)
    if (this.#bulk !== null && this.#bulkPlan !== null) {
      const own = new BulkSchedule(plan, this.#bulkPlan)
      this.#bulk.begin(own, new Ledger(own, devices))
    }
    this.#inbox?.begin(schedule, this.#ledger, wakesOf(workload, schedule, seed, devices))
    this.#snapshots = [plan.t0, plan.t1]
    const absences = absencesOf(workload)
    if (absences !== null) {
      this.#absences = new AbsencePlan(plan, absences, seed)
      this.connects.begin(this.#absences)
    }
    for (const device of this.#devices) {
      if (Number.isNaN(this.#ready[device.index])) continue
      device.begin(this.#absences)
      this.#reactor.arm(device)
      this.#seconds?.begin(device.index)
    }
    this.#startProbes(plan)
    this.#reactor.arm(this)
  }

  close(now: Nanoseconds): void {
    this.connects.close()
    for (const device of this.#devices) {
      device.close(now)
      this.#reactor.disarm(device)
    }
    this.#seconds?.close(now)
    for (const probe of this.#probes) {
      probe.below.close(now)
      this.#reactor.disarm(probe)
    }
  }

  progress(now: Nanoseconds): FleetProgress {
    let ended = 0
    for (const { count } of this.#ends.values()) ended += count
    return {
      at: now,
      connected: this.#online,
      failed: this.#announced ? this.#devices.length - this.#connected : 0,
      ended,
      givenUp: this.sender.unreached,
      acknowledged: this.sender.series.ack.count,
      ackP99: this.#config.watchesAck ? this.sender.series.ack.quantile(0.99) : null,
      heard: this.#inbox?.progress() ?? null,
    }
  }

  report(): FleetReport {
    const { tickets, certificateBytes, tcp } = this.#connector
    return {
      ledger: Buffer.from(this.#ledger.bytes()).toString('base64'),
      ...(this.#bulk && { bulkLedger: Buffer.from(this.#bulk.ledger.bytes()).toString('base64') }),
      ready: encodeDoubles(this.#ready),
      series: Object.fromEntries(
        Object.entries(this.#allSeries()).map(([name, h]) => [name, h.toJSON()]),
      ),
      receipts: this.#inbox?.receipts() ?? null,
      connected: this.#connected,
      failed: this.#config.devices - this.#connected,
      reconnects: this.#reconnects,
      planned: this.connects.report(),
      ends: Object.fromEntries(this.#ends),
      givenUp: Object.fromEntries(this.sender.givenUp),
      application: this.#application,
      framed: this.#framed,
      transport: this.#transport,
      negotiated: this.#negotiated,
      tickets: tickets && {
        offered: tickets.offered,
        accepted: tickets.accepted,
        ...(tickets.early && { early: tickets.early }),
      },
      certificateBytes,
      tcp: tcp.found,
    }
  }

  // ---- the fleet's own deadlines: connect slots, the end of the connect phase, the two snapshots -----------------

  deadline(): Nanoseconds {
    const give = this.#announced ? NEVER : this.#connectDeadline
    return Math.min(this.connects.deadline(), give, this.#snapshots[0] ?? NEVER)
  }

  expire(now: Nanoseconds): void {
    this.connects.start(now)
    if (!this.#announced && now >= this.#connectDeadline) this.#announce(now)
    while ((this.#snapshots[0] ?? NEVER) <= now) this.#snapshot()
    this.#checkQuiet(now)
  }

  #announce(now: Nanoseconds): void {
    this.#announced = true
    // Who is not ready by the deadline has failed for good: a late comer would blur the phases.
    for (const device of this.#devices)
      if (Number.isNaN(this.#ready[device.index])) {
        if (device.connecting) this.#tooLate(device)
        device.close(now)
        this.#reactor.disarm(device)
      }
    this.connects.endRamp()
    this.#tell({
      event: 'connected',
      connected: this.#connected,
      failed: this.#devices.length - this.#connected,
    })
  }

  /** The deadline of the phase is nobody's of the stack, but it ends a connection all the same. */
  #tooLate(device: Device): void {
    this.connects.settled()
    const detail = `no answer by the connect deadline (${device.waitingLayer} layer)`
    this.#countEnd({ code: 'timeout', detail })
  }

  /** Bytes at the layer boundaries between t0 and t1: the second snapshot minus the first. */
  #snapshot(): void {
    this.#snapshots.shift()
    const sign = this.#snapshots.length === 1 ? -1 : 1
    const { application, framed, transport } = this.#connector
    this.#application = add(this.#application, application, sign)
    this.#framed = add(this.#framed, framed, sign)
    this.#transport = add(this.#transport, transport, sign)
  }

  // ---- what devices say ------------------------------------------------------------------------------------------

  open(device: Device, _now: Nanoseconds): Pile {
    this.connects.opened()
    return this.#connector.open(this.#reactor, device, this.#address(device.index))
  }

  deviceReady(
    device: Device,
    started: Nanoseconds,
    transport: Nanoseconds,
    security: Nanoseconds,
    application: Nanoseconds,
  ): boolean {
    this.#online++
    this.connects.settled()
    const first = Number.isNaN(this.#ready[device.index])
    if (first) this.#connectedFirst(device, application)
    else this.#reconnects++
    const measured =
      (first || this.#absences !== null) &&
      this.connects.ready(device, started, transport, security, application)
    if (measured) this.sender.settle(application)
    if (this.#connected === this.#devices.length && !this.#announced) this.#announce(application)
    this.#reactor.arm(this)
    return measured
  }

  firstAcknowledged(time: Nanoseconds): void {
    this.connects.series['connect.acknowledged'].record(time)
  }

  #connectedFirst(device: Device, at: Nanoseconds): void {
    this.#ready[device.index] = at
    if (this.#connected++ === 0) this.#negotiated = device.negotiated()
    this.#seconds?.connect(device.index, at)
  }

  deviceLeft(): void {
    this.#online--
  }

  connectDue(back: Nanoseconds, at: Nanoseconds, now: Nanoseconds): void {
    if (this.#absences?.measured(back) !== true) return
    this.sender.series.schedule_delay.record(now - at)
    this.sender.unsettled++
  }

  connectLeftOut(back: Nanoseconds, now: Nanoseconds): void {
    if (this.#absences?.measured(back) === true) this.sender.settle(now)
  }

  wantsConnect(device: Device, intended: Nanoseconds): void {
    this.connects.wanted(device, intended)
    this.#reactor.arm(this)
  }

  deviceEnded(cause: Cause, wasReady: boolean): void {
    if (wasReady) this.#online--
    else this.connects.settled()
    this.#reactor.arm(this)
    this.#countEnd(cause)
  }

  #countEnd({ code, detail }: Cause): void {
    const end = this.#ends.get(code)
    if (end) end.count++
    else this.#ends.set(code, { count: 1, example: detail })
  }

  /** Where the devices' own sessions carry large messages. */
  get large(): Sender | null {
    return this.#seconds === null ? this.#bulk : null
  }

  #secondConnections(sender: Sender): SecondConnections {
    const { devices } = this.#config
    return new SecondConnections(devices, sender, {
      arm: (device) => this.#reactor.arm(device),
      disarm: (device) => this.#reactor.disarm(device),
      open: (device) => this.#connector.open(this.#reactor, device, this.#address(device.index)),
      ended: (cause) => this.#countEnd(cause),
    })
  }

  arrived(device: number, payload: Uint8Array, now: Nanoseconds): number {
    const sequence = this.#inbox?.take(device, payload, now) ?? -1
    if (sequence >= 0 && this.#ledger.measures(device, sequence))
      this.#spread?.received(sequence, now)
    if (this.#inbox?.complete) this.#checkQuiet(now)
    return sequence
  }

  #checkQuiet(now: Nanoseconds): void {
    if (this.#quiet || this.sender.unsettled > 0 || (this.#bulk?.unsettled ?? 0) > 0) return
    if (this.#plan === null || now < this.#plan.t1) return
    if (this.#inbox !== null && !this.#inbox.complete) return
    this.#quiet = true
    this.#tell({ event: 'quiet' })
  }

  /** Of what devices send in telemetry, or of what they hear. */
  #allSeries(): Readonly<Record<string, Histogram>> {
    const own = { ...this.series, ...this.connects.series }
    if (this.#inbox === null) return { ...this.sender.series, ...own }
    const spread = this.#spread === null ? {} : { 'fanout.spread': this.#spread.histogram() }
    return { latency: this.#inbox.latency, ...spread, ...own }
  }

  #startProbes(plan: PhasePlan): void {
    const { probes, devices, probeRoundTrip, server } = this.#config
    for (let i = 0; i < probes; i++) {
      const probe = new Probe(probeRoundTrip, this.series['probe.error'])
      const local = { host: this.#address(devices + i), port: 0 }
      const remote = { host: server.address, port: ECHO_PORT }
      this.#reactor.connectDatagram(
        { local, remote, owner: probe, traffic: this.#probeTraffic },
        probe,
      )
      probe.begin(plan.t0 + i * PROBE_SPACING, probes * PROBE_SPACING, plan.t1)
      this.#reactor.arm(probe)
      this.#probes.push(probe)
    }
  }
}

const add = (to: BoundaryBytes, traffic: Traffic, sign: number): BoundaryBytes => ({
  sent: to.sent + sign * traffic.sentBytes,
  received: to.received + sign * traffic.receivedBytes,
})
