/** `thingbench calibrate`, without the command line: what was asked of the link against what it does on this machine. */
import { MICROSECOND, SECOND } from '../core/clock.ts'
import type { LinkProfile } from '../core/link-profile.ts'
import { requireLink } from '../network/host.ts'
import { narrowest, withoutSilence, type Way } from './calibration/asked.ts'
import { ENGINE_PROFILE } from './calibration/checks.ts'
import { Instrument, type Place } from './calibration/instrument.ts'
import { outsideBetween, readInstant, type Outside } from './calibration/outside.ts'
import { DEVICES, FULL, planOf, QUICK, type Effort, type Plan } from './calibration/plan.ts'
import { climb, type Ramp } from './calibration/ramp.ts'
import type { Row } from './calibration/row.ts'
import { sparseRows } from './calibration/sparse-rows.ts'
import { accountRows, policerRow, queueRow, rateRow } from './calibration/load-rows.ts'
import { evenLoad, stepAt } from './calibration/step.ts'
import { machineIdentity, storeCalibration, type MachineIdentity } from './calibration/store.ts'
import type { Load } from './calibration/traffic-protocol.ts'
import { RunLock } from './lock.ts'
import { allowedProcessors, assignProcessors } from './processors.ts'

export type { Ramp, Step } from './calibration/ramp.ts'
export type { Row } from './calibration/row.ts'

export interface CalibrationRequest {
  readonly profiles: readonly LinkProfile[]
  /** Fewer and shorter: to look, not to believe. It is not kept. */
  readonly quick: boolean
  /** Where the result is kept for later runs. */
  readonly file: string
  readonly locks: readonly string[]
  /** Tells the user a line. */
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

export interface Calibration {
  readonly machine: MachineIdentity
  readonly quick: boolean
  readonly rows: readonly Row[]
  /** What a profile asks and no row shows, in words. */
  readonly unchecked: readonly string[]
  readonly ramp: Ramp
  readonly outside: Outside
}

/** @throws ThingbenchError when it cannot begin; the reason of the signal when that ends it */
export const calibrate = async (request: CalibrationRequest): Promise<Calibration> => {
  const { quick, say, signal } = request
  using lock = await RunLock.take(request.locks)
  if (lock.cleaned !== null) say(lock.cleaned)
  await requireLink()
  const place: Place = { processors: assignProcessors(allowedProcessors()), lock, signal }
  const effort = quick ? QUICK : FULL
  const start = readInstant()
  const checked: Checked[] = []
  for (const profile of request.profiles)
    checked.push(await checkProfile(profile, effort, place, say))
  const ramp = await findLimit(quick, place, say)
  const outside = outsideBetween(start, readInstant())
  const machine = machineIdentity()
  if (!quick) keep(machine, ramp, request)
  return {
    machine,
    quick,
    rows: checked.flatMap(({ rows }) => rows),
    unchecked: checked.flatMap(({ unchecked }) => unchecked),
    ramp,
    outside,
  }
}

/** A result that cannot be kept is still one. */
const keep = (
  machine: MachineIdentity,
  { steps, trusted }: Ramp,
  { file, say }: CalibrationRequest,
): void => {
  const cost = steps.map(({ rate, cpu }) => ({ rate, cpu_us: cpu / MICROSECOND }))
  try {
    storeCalibration(file, { schema: 1, made: new Date().toISOString(), machine, trusted, cost })
    say(`kept for later runs in ${file}`)
  } catch (error) {
    say(
      `later runs will not know of this: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

interface Checked {
  readonly rows: readonly Row[]
  readonly unchecked: readonly string[]
}

const WAYS: readonly Way[] = ['up', 'down']
/** Code is compiled while it runs: not part of what is judged. */
const WARM_RATE = 4000
const WARM_SECONDS = 1

const checkProfile = async (
  whole: LinkProfile,
  effort: Effort,
  place: Place,
  say: CalibrationRequest['say'],
): Promise<Checked> => {
  const profile = withoutSilence(whole)
  const plans = WAYS.map((way) => planOf(profile, way, effort))
  const all = plans.flatMap(({ sparse, saturating, burst, policed }) => [
    sparse,
    saturating,
    burst,
    policed,
  ])
  const seconds = all.reduce((sum, load) => sum + (load === null ? 0 : secondsOf(load)), 0)
  say(`${profile.name}: about ${Math.ceil(seconds)} s`)
  await using instrument = await Instrument.start(profile, DEVICES, place)
  for (const { sparse } of plans) await instrument.carry(warming(sparse))
  const before = await instrument.account()
  const rows: Row[] = []
  for (const plan of plans) rows.push(...(await rowsOf(profile, plan, instrument)))
  rows.push(...accountRows(profile, before, await instrument.account()))
  const silent = [
    ...(whole.nat === null ? [] : ['NAT']),
    ...(whole.wake === null ? [] : ['wake-up']),
  ]
  const unchecked = [
    ...silent.map((what) => `${profile.name}: ${what}`),
    ...plans.flatMap((plan) => plan.unchecked.map((what) => `${profile.name} ${plan.way}: ${what}`)),
  ] // prettier-ignore
  return { rows, unchecked }
}

const rowsOf = async (profile: LinkProfile, plan: Plan, instrument: Instrument): Promise<Row[]> => {
  const { way, sparse, saturating, burst, policed } = plan
  const rows = sparseRows(profile, way, await instrument.carry(sparse))
  const rate = narrowest(profile, way)
  const { policer } = profile[way]
  if (saturating !== null && rate !== null)
    rows.push(rateRow(profile, way, rate, await instrument.carry(saturating)))
  if (burst !== null) rows.push(queueRow(profile, way, await instrument.carry(burst)))
  if (policed !== null && policer !== null)
    rows.push(policerRow(profile, way, policer, await instrument.carry(policed)))
  return rows
}

/** The first second of a load. */
const warming = (load: Load): Load => ({
  ...load,
  count: Math.min(load.count, Math.ceil(load.rate ?? DEVICES)),
})

const secondsOf = ({ count, rate, settle }: Load): number =>
  (rate === null ? 0 : count / rate) + settle / SECOND

const findLimit = async (
  quick: boolean,
  place: Place,
  say: CalibrationRequest['say'],
): Promise<Ramp> => {
  const seconds = quick ? 1 : 2
  say('the cost of a packet, and how many per second this machine carries')
  await using instrument = await Instrument.start(ENGINE_PROFILE, DEVICES, place)
  await instrument.carry(evenLoad(WARM_RATE, WARM_SECONDS))
  return await climb((rate) => stepAt(instrument, rate, seconds))
}
