/** One cell, once: start the parties, connect, warm up, measure, drain, close, and say what came out and whether it can be trusted. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND, monotonic, SECOND } from '../core/clock.ts'
import type { Cell, Phases, Verdict } from '../core/types.ts'
import type { ConsumerReport, FleetReport } from '../fleet/fleet-protocol.ts'
import { settle } from '../fleet/ledger.ts'
import type { PhasePlan } from '../fleet/schedule.ts'
import type { LinkAccount } from '../network/link-protocol.ts'
import { judgeCell } from './cell-verdict.ts'
import type { Samples } from './cell-usage.ts'
import { busyShares, costsOf, sampleParties } from './cell-usage.ts'
import { ownVersion } from './environment.ts'
import { watchCell } from './cell-progress.ts'
import type { Parties, RunContext } from './parties.ts'
import { startParties } from './parties.ts'
import type { CellEvent, PhaseName } from './progress.ts'
import type { Reading } from './reading.ts'
import { readingsOf } from './readings.ts'
import { runtimeWords } from './start-broker.ts'
import { Watch } from './watch.ts'

export interface CellResult {
  readonly verdict: Verdict
  readonly readings: readonly Reading[]
  readonly fleet: FleetReport
  readonly consumer: ConsumerReport | null
  readonly link: LinkAccount
  readonly sysctls: Readonly<Record<string, string>>
  readonly brokerVersion: string
  /** How it was started, in words. */
  readonly brokerRuntime: string
  readonly brokerLog: string
  /** Null where devices connect to the server itself. */
  readonly frontEnd: { readonly version: string; readonly log: string } | null
}

/** Busy time per second of this machine when no cell runs, ns/ns: what `cpu.total` does not count. */
export interface Idle {
  readonly busy: number
}

/** Orders are given so long before their time, so that every process has read them. */
const NOTICE = 50 * MILLISECOND
const REPORT_PATIENCE = 30_000

type Tell = (event: CellEvent) => void

/** @throws ThingbenchError when a party fails; AbortError when the signal fires. Nothing is left behind in either case. */
export const runCell = async (
  cell: Cell,
  phases: Phases,
  context: RunContext,
  idle: Idle,
  folder: string,
  signal: AbortSignal,
  tell: Tell,
): Promise<CellResult> => {
  await using started = new AsyncDisposableStack()
  // Declared later, so disposed earlier: it does not see how the parties are ended.
  using watch = new Watch(signal)
  try {
    const parties = await startParties(cell, context, folder, watch, started)
    watchCell(parties, cell.devices, tell)
    return await measureWith(parties, cell, phases, idle, watch.signal, tell)
  } catch (error) {
    throw (await watch.blame()) ?? error
  }
}

const measureWith = async (
  parties: Parties,
  cell: Cell,
  phases: Phases,
  idle: Idle,
  signal: AbortSignal,
  tell: Tell,
): Promise<CellResult> => {
  tell(phase('connect', phases.connectDeadline, true))
  const before = sampleParties(parties)
  await connect(parties, phases, signal)
  const connected = sampleParties(parties, before)
  const plan = announcePlan(parties, phases, roundTripOf(cell))
  await until(plan.warmup, signal)
  tell(phase('warm-up', phases.warmup))
  await until(plan.t0, signal)
  const start = sampleParties(parties, connected)
  tell(phase('measure', phases.measure))
  await until(plan.t1, signal)
  const end = sampleParties(parties, start)
  tell(phase('drain', phases.drain, true))
  await drain(parties, plan, signal)
  tell(phase('close', null))
  const reports = await close(parties, cell, signal)
  const samples: Samples = { before, connected, start, end }
  return conclude(cell, parties, idle, plan, samples, reports)
}

const phase = (name: PhaseName, lasts: Nanoseconds | null, atMost = false): CellEvent => ({
  event: 'phase',
  phase: name,
  lasts_s: lasts === null ? null : lasts / SECOND,
  at_most: atMost,
})

const roundTripOf = ({ link }: Cell): Nanoseconds => link.up.delay + link.down.delay

/** Devices connect over the ramp, at the pace of the connect slots; all are ready, or the connect deadline passes. */
const connect = async (
  { link, fleet }: Parties,
  phases: Phases,
  signal: AbortSignal,
): Promise<void> => {
  const at = monotonic() + NOTICE
  link.order({ order: 'connect', at })
  fleet.order({ order: 'connect', at, ramp: phases.ramp, deadline: at + phases.connectDeadline })
  // The ramp is a minimum: a stack that connects faster still waits for it.
  const patience = (Math.max(phases.connectDeadline, phases.ramp) + 10 * SECOND) / MILLISECOND
  await fleet.expect('connected', patience, signal)
  await until(at + phases.ramp, signal)
}

/** Warm-up begins a round trip after the last device is ready: until then the link counts packets as its connect phase. */
const announcePlan = (
  { link, fleet, consumer }: Parties,
  phases: Phases,
  roundTrip: Nanoseconds,
): PhasePlan => {
  const warmup = monotonic() + NOTICE + roundTrip
  const t0 = warmup + phases.warmup
  const t1 = t0 + phases.measure
  const plan: PhasePlan = { warmup, t0, t1, end: t1 + phases.drain }
  link.order({ order: 'phases', warmup, t0, t1 })
  consumer.order({ order: 'phases', plan })
  fleet.order({ order: 'phases', plan })
  return plan
}

const until = async (time: Nanoseconds, signal: AbortSignal): Promise<void> => {
  for (;;) {
    const rest = time - monotonic()
    if (rest <= 0) return
    // It may end a millisecond early.
    await sleep(rest / MILLISECOND, undefined, { signal })
  }
}

/** Drain ends when nothing is outstanding, at the latest at the plan's end. */
const drain = async (parties: Parties, plan: PhasePlan, signal: AbortSignal): Promise<void> => {
  const { fleet, consumer, product } = parties
  const settled = (): boolean =>
    fleet.has('quiet') && (product.consumer === 'none' || consumer.has('complete'))
  while (!settled() && monotonic() < plan.end) {
    await sleep(10, undefined, { signal })
  }
}

interface Reports {
  readonly fleet: FleetReport
  readonly consumer: ConsumerReport
  readonly link: LinkAccount
}

const close = async (
  { link, fleet, consumer }: Parties,
  cell: Cell,
  signal: AbortSignal,
): Promise<Reports> => {
  link.order({ order: 'close', at: monotonic() })
  fleet.order({ order: 'close' })
  const fleetReport = (await fleet.expect('report', REPORT_PATIENCE, signal)).report
  consumer.order({ order: 'report' })
  const consumerReport = (await consumer.expect('report', REPORT_PATIENCE, signal)).report
  // The last packets are still on their way.
  await sleep(Math.min(roundTripOf(cell) / MILLISECOND, 1000), undefined, { signal })
  const spans = {
    connects: fleetReport.planned?.spans ?? '',
    wakes: (fleetReport.receipts ?? consumerReport).wakes?.spans ?? '',
  }
  link.order({ order: 'account', ready: fleetReport.ready, spans })
  const linkAccount = (await link.expect('account', REPORT_PATIENCE, signal)).account
  return { fleet: fleetReport, consumer: consumerReport, link: linkAccount }
}

const conclude = (
  cell: Cell,
  parties: Parties,
  idle: Idle,
  plan: PhasePlan,
  samples: Samples,
  reports: Reports,
): CellResult => {
  const { fleet, link } = reports
  const consumer = parties.product.consumer === 'none' ? null : reports.consumer
  const flags = (base64: string): Uint8Array => Buffer.from(base64, 'base64')
  const accounts = settle(flags(fleet.ledger), consumer === null ? null : flags(consumer.ledger))
  const costs = costsOf(samples, parties, idle)
  const readings = readingsOf({
    cell,
    window: plan.t1 - plan.t0,
    fleet,
    consumer,
    link,
    accounts,
    costs,
    busy: busyShares(samples),
  })
  return {
    verdict: judgeCell(cell, parties, samples, fleet, consumer, link),
    readings,
    fleet,
    consumer,
    link,
    sysctls: parties.sysctls,
    brokerVersion: parties.broker?.version ?? ownVersion(),
    brokerRuntime: runtimeWords(parties.broker),
    brokerLog: parties.broker?.log() ?? '',
    frontEnd: parties.frontEnd && {
      version: parties.frontEnd.version,
      log: parties.frontEnd.log(),
    },
  }
}
