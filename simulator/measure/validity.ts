/**
 * The verdict on a cell: did the instrument, or something outside, falsify it? (docs/method.md, Validity.)
 *
 * An outside cause makes it `invalid`: it is repeated once. The instrument's own saturation makes it `censored`: shown as
 * "at least X" and not repeated, because dropping it would favour the costly stack. A saturated broker is a finding.
 */
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND } from '../core/clock.ts'
import type { Verdict } from '../core/types.ts'

export const STEAL_LIMIT = 0.05
export const OTHER_LOAD_LIMIT = 0.1
export const WAIT_LIMIT = 0.05
export const LATE_LIMIT = 0.01
export const BROKER_SATURATED = 0.9
export const LATENCY_LOAD_LIMIT = 0.6
/** The warning on a latency that was measured while a processor was busier than that: shown, never compared. */
export const NOT_CLAIMED = `not claimed: a processor was over ${LATENCY_LOAD_LIMIT * 100} % busy`

/** What is known of the measured window of a cell. Shares are fractions of the window, or of one processor. */
export interface Evidence {
  /** Between what a device does of its own accord; Infinity: it does nothing. */
  readonly interval: Nanoseconds
  /** Processor time taken by other machines on the same host, of all processors. */
  readonly steal: number
  /** Processor time used by processes that are not the run's, of all processors. */
  readonly otherLoad: number
  /** Process -> share of the window that it waited for a processor. */
  readonly waits: Readonly<Record<string, number>>
  readonly scheduleDelayP99: Nanoseconds
  readonly unplannedDrops: number
  readonly latePackets: number
  readonly packets: number
  readonly devices: number
  readonly connected: number
  /** What ended connections most often, in words; null when none ended. */
  readonly commonEnd: string | null
  /** Processor time of the broker, in processors; null when there is none of its own. */
  readonly brokerLoad: number | null
  /** The same of the front end; null: there is none. */
  readonly frontEndLoad: number | null
  /** Share of each processor that was busy. */
  readonly busy: readonly number[]
  /** A limit of this host that was hit, in words; null when none was. */
  readonly limit: string | null
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
const ms = (time: Nanoseconds): string => `${(time / MILLISECOND).toFixed(1)} ms`

const outsideCauses = (e: Evidence): string[] => {
  const reasons: string[] = []
  if (e.steal > STEAL_LIMIT)
    reasons.push(
      `other machines on this host took ${percent(e.steal)} of the processors (limit ${percent(STEAL_LIMIT)})`,
    )
  if (e.otherLoad > OTHER_LOAD_LIMIT)
    reasons.push(
      `other processes used ${percent(e.otherLoad)} of the processors (limit ${percent(OTHER_LOAD_LIMIT)})`,
    )
  if (e.limit !== null) reasons.push(e.limit)
  return reasons
}

/** schedule_delay.p99 may be 20 ms, or 2 % of the interval where that is more. */
export const scheduleDelayLimit = (interval: Nanoseconds): Nanoseconds =>
  Number.isFinite(interval) ? Math.max(20 * MILLISECOND, 0.02 * interval) : 20 * MILLISECOND

const ownSaturation = (e: Evidence): string[] => {
  const reasons: string[] = []
  for (const [process, wait] of Object.entries(e.waits))
    if (wait > WAIT_LIMIT)
      reasons.push(
        `the ${process} waited ${percent(wait)} of the window for a processor (limit ${percent(WAIT_LIMIT)})`,
      )
  const limit = scheduleDelayLimit(e.interval)
  if (e.scheduleDelayP99 > limit)
    reasons.push(
      `messages were fired late: schedule_delay.p99 ${ms(e.scheduleDelayP99)} (limit ${ms(limit)})`,
    )
  if (e.unplannedDrops > 0)
    reasons.push(`the link dropped ${e.unplannedDrops} packets that nobody asked it to drop`)
  if (e.packets > 0 && e.latePackets / e.packets > LATE_LIMIT)
    reasons.push(
      `the link handed ${percent(e.latePackets / e.packets)} of the packets on more than 1 ms late (limit ${percent(LATE_LIMIT)})`,
    )
  return reasons
}

const findings = (e: Evidence): string[] => {
  const notes: string[] = []
  if (e.brokerLoad !== null && e.brokerLoad > BROKER_SATURATED)
    notes.push(`broker saturated: it used ${percent(e.brokerLoad)} of a processor`)
  if (e.frontEndLoad !== null && e.frontEndLoad > BROKER_SATURATED)
    notes.push(`front end saturated: it used ${percent(e.frontEndLoad)} of a processor`)
  if (e.connected < e.devices) {
    const why = e.commonEnd === null ? '' : `; most connections ended so: ${e.commonEnd}`
    notes.push(`${e.devices - e.connected} of ${e.devices} devices did not connect${why}`)
  }
  e.busy.forEach((share, cpu) => {
    if (share > LATENCY_LOAD_LIMIT)
      notes.push(
        `processor ${cpu} was ${percent(share)} busy: latency is claimed only below ${percent(LATENCY_LOAD_LIMIT)}`,
      )
  })
  return notes
}

export const judge = (evidence: Evidence): Verdict => {
  const outside = outsideCauses(evidence)
  const own = ownSaturation(evidence)
  const outcome = outside.length > 0 ? 'invalid' : own.length > 0 ? 'censored' : 'measured'
  return { outcome, reasons: [...outside, ...own], notes: findings(evidence) }
}
