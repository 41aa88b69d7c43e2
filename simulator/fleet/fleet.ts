/**
 * The devices of one worker: spreads their connects over the ramp, keeps the number of connects in flight bounded,
 * starts the schedules, and collects what they record.
 */
import type { Nanoseconds } from '../core/clock.ts'
import { NEVER } from '../core/clock.ts'
import { encodeDoubles } from '../core/doubles.ts'
import type { Cause } from '../core/layer.ts'
import { Traffic } from '../core/layer.ts'
import type { Reactor, Timer } from '../io/reactor.ts'
import { Histogram } from '../measure/histogram.ts'
import { Device } from './device.ts'
import type { BoundaryBytes, FleetConfig, FleetEvent, FleetProgress, FleetReport } from './fleet-protocol.ts' // prettier-ignore
import type { FleetState } from './fleet-state.ts'
import { ECHO_PORT } from './fleet-protocol.ts'
import { Ledger } from './ledger.ts'
import { Payload } from './payload.ts'
import type { Pile, PileFactory } from './pile.ts'
import { PROBE_SPACING, Probe } from './probe.ts'
import type { PhasePlan } from './schedule.ts'
import { Schedule } from './schedule.ts'

const series = () => ({
  schedule_delay: new Histogram(),
  blocked: new Histogram(),
  exchange: new Histogram(),
  ack: new Histogram(),
  'connect.wait': new Histogram(),
  'connect.transport': new Histogram(),
  'connect.security': new Histogram(),
  'connect.application': new Histogram(),
  'probe.error': new Histogram(),
})

/** What a fleet needs of a reactor. */
export type FleetReactor = Pick<Reactor, 'now' | 'arm' | 'disarm' | 'connectDatagram'>

/** Opens the connections of devices on a reactor of its kind, and counts what they carry. */
export interface Connector<R> extends Pick<
  PileFactory,
  'application' | 'framed' | 'transport' | 'tcp' | 'tls'
> {
  open(reactor: R, device: Device, local: string): Pile
}

export class Fleet<R extends FleetReactor = Reactor> implements FleetState, Timer {
  timerSlot = -1
  schedule!: Schedule
  ledger!: Ledger
  readonly payload: Payload
  readonly series = series()
  readonly acknowledges: boolean
  readonly #config: FleetConfig
  readonly #reactor: R
  readonly #tell: (event: FleetEvent) => void
  readonly #address: (device: number) => string
  readonly #connector: Connector<R>
  readonly #devices: Device[]
  readonly #probes: Probe[] = []
  readonly #probeTraffic = new Traffic()
  readonly #ready: Float64Array
  readonly #ends = new Map<string, { count: number; example: string }>()
  readonly #givenUp = new Map<string, number>()
  #connectAt: Nanoseconds = NEVER
  #ramp: Nanoseconds = 0
  #connectDeadline: Nanoseconds = NEVER
  #toConnect = 0
  #inFlight = 0
  #connected = 0
  /** Devices that have a session now. */
  #online = 0
  #reconnects = 0
  #announced = false
  #unsettled = 0
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
    this.payload = new Payload(config.workload.payload, config.canary)
    this.acknowledges = config.stack.reliability !== 'best-effort'
    this.#devices = Array.from({ length: config.devices }, (_, i) => new Device(i, this))
    this.#ready = new Float64Array(config.devices).fill(NaN)
    reactor.arm(this)
  }

  /** Device i starts to connect at `at` + i x ramp / devices, later when too many connects are in flight. */
  connect(at: Nanoseconds, ramp: Nanoseconds, deadline: Nanoseconds): void {
    this.#connectAt = at
    this.#ramp = ramp
    this.#connectDeadline = deadline
    this.#reactor.arm(this)
  }

  begin(plan: PhasePlan): void {
    const { workload, seed, devices } = this.#config
    this.schedule = new Schedule(plan, workload.interval, seed)
    this.ledger = new Ledger(this.schedule, devices)
    this.#snapshots = [plan.t0, plan.t1]
    for (const device of this.#devices) {
      if (Number.isNaN(this.#ready[device.index])) continue
      device.begin()
      this.#reactor.arm(device)
    }
    this.#startProbes(plan)
    this.#reactor.arm(this)
  }

  close(now: Nanoseconds): void {
    for (const device of this.#devices) {
      device.close(now)
      this.#reactor.disarm(device)
    }
    for (const probe of this.#probes) {
      probe.below.close(now)
      this.#reactor.disarm(probe)
    }
  }

  progress(now: Nanoseconds): FleetProgress {
    let ended = 0
    for (const { count } of this.#ends.values()) ended += count
    let givenUp = 0
    for (const count of this.#givenUp.values()) givenUp += count
    return {
      at: now,
      connected: this.#online,
      failed: this.#announced ? this.#devices.length - this.#connected : 0,
      ended,
      givenUp,
      acknowledged: this.series.ack.count,
      ackP99: this.#config.watchesAck ? this.series.ack.quantile(0.99) : null,
    }
  }

  report(negotiated: Readonly<Record<string, string>>): FleetReport {
    const { tls } = this.#connector
    return {
      ledger: Buffer.from(this.ledger.bytes()).toString('base64'),
      ready: encodeDoubles(this.#ready),
      series: Object.fromEntries(
        Object.entries(this.series).map(([name, h]) => [name, h.toJSON()]),
      ),
      connected: this.#connected,
      failed: this.#config.devices - this.#connected,
      reconnects: this.#reconnects,
      ends: Object.fromEntries(this.#ends),
      givenUp: Object.fromEntries(this.#givenUp),
      application: this.#application,
      framed: this.#framed,
      transport: this.#transport,
      negotiated,
      tickets: tls?.tickets
        ? { offered: tls.tickets.offered, accepted: tls.tickets.accepted }
        : null,
      certificateBytes: tls?.certificateBytes ?? null,
      tcp: this.#connector.tcp.found,
    }
  }

  /** What the first connected device negotiated. */
  negotiated(): Readonly<Record<string, string>> {
    return this.#devices.find((device) => device.ready)?.negotiated() ?? {}
  }

  // ---- the fleet's own deadlines: connect slots, the end of the connect phase, the two snapshots -----------------

  deadline(): Nanoseconds {
    const connect =
      this.#inFlight < this.#config.connectLimit ? this.#connectDue(this.#toConnect) : NEVER
    const give = this.#announced ? NEVER : this.#connectDeadline
    return Math.min(connect, give, this.#snapshots[0] ?? NEVER)
  }

  expire(now: Nanoseconds): void {
    this.#startConnects(now)
    if (!this.#announced && now >= this.#connectDeadline) this.#announce(now)
    while ((this.#snapshots[0] ?? NEVER) <= now) this.#snapshot()
    this.#checkQuiet(now)
  }

  #connectDue(device: number): Nanoseconds {
    return device < this.#devices.length
      ? this.#connectAt + (device * this.#ramp) / this.#devices.length
      : NEVER
  }

  #startConnects(now: Nanoseconds): void {
    while (this.#inFlight < this.#config.connectLimit && this.#connectDue(this.#toConnect) <= now) {
      const due = this.#connectDue(this.#toConnect)
      const device = this.#devices[this.#toConnect++] as Device
      this.#inFlight++
      const started = this.#reactor.now()
      this.series['connect.wait'].record(Math.max(0, started - due))
      device.connect(started)
      this.#reactor.arm(device)
    }
  }

  #announce(now: Nanoseconds): void {
    this.#announced = true
    // Who is not ready by the deadline has failed for good: a late comer would blur the phases.
    for (const device of this.#devices)
      if (Number.isNaN(this.#ready[device.index])) {
        device.close(now)
        this.#reactor.disarm(device)
      }
    this.#toConnect = this.#devices.length
    this.#tell({
      event: 'connected',
      connected: this.#connected,
      failed: this.#devices.length - this.#connected,
    })
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
    return this.#connector.open(this.#reactor, device, this.#address(device.index))
  }

  deviceReady(
    device: Device,
    started: Nanoseconds,
    transport: Nanoseconds,
    security: Nanoseconds,
    application: Nanoseconds,
  ): void {
    this.#online++
    if (!Number.isNaN(this.#ready[device.index])) {
      this.#reconnects++
      return
    }
    this.#ready[device.index] = application
    this.#connected++
    this.#inFlight--
    this.series['connect.transport'].record(transport - started)
    this.series['connect.security'].record(security - started)
    this.series['connect.application'].record(application - started)
    if (this.#connected === this.#devices.length && !this.#announced) this.#announce(application)
    this.#reactor.arm(this)
  }

  deviceEnded(cause: Cause, wasReady: boolean): void {
    if (wasReady) this.#online--
    const end = this.#ends.get(cause.code)
    if (end) end.count++
    else this.#ends.set(cause.code, { count: 1, example: cause.detail })
  }

  fired(): void {
    this.#unsettled++
  }

  settled(now: Nanoseconds): void {
    this.#unsettled--
    this.#checkQuiet(now)
  }

  gaveUp(reason: string): void {
    this.#givenUp.set(reason, (this.#givenUp.get(reason) ?? 0) + 1)
  }

  #checkQuiet(now: Nanoseconds): void {
    if (
      this.#quiet ||
      this.#unsettled > 0 ||
      this.schedule === undefined ||
      now < this.schedule.plan.t1
    )
      return
    this.#quiet = true
    this.#tell({ event: 'quiet' })
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
