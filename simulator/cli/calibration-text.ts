/** What a calibration found, as tables for people. */
import { MICROSECOND } from '../core/clock.ts'
import type { Calibration, Row, Step } from '../run/calibrate.ts'
import { table } from './table.ts'

const ROW_NUMBERS = new Set([3, 4])
const STEP_NUMBERS = new Set([0, 1, 2, 3, 4, 5])

/** Whole numbers as they are; otherwise two digits behind the point, fewer where it is large. */
const figure = (value: number): string =>
  Number.isInteger(value) || Math.abs(value) >= 1000 ? value.toFixed(0) : value.toFixed(value < 100 ? 2 : 1) // prettier-ignore

const withInterval = ({ measured, interval }: Row): string =>
  interval === null
    ? figure(measured)
    : `${figure(measured)} [${figure(interval.low)}, ${figure(interval.high)}]`

const rowTable = (rows: readonly Row[]): string[] =>
  table(
    ['profile', 'way', 'quantity', 'asked', 'measured', 'unit', 'tolerance', ''],
    rows.map((row) => [
      row.profile,
      row.way,
      row.quantity,
      figure(row.asked),
      withInterval(row),
      row.unit,
      row.tolerance,
      row.ok ? 'ok' : 'OFF',
    ]),
    ROW_NUMBERS,
  )

const percent = (share: number): string => `${(share * 100).toFixed(2)} %`

const stepTable = (steps: readonly Step[]): string[] =>
  table(
    ['packets/s', 'CPU us/packet', 'error p50 us', 'error p99 us', 'over 1 ms late', 'drops'],
    steps.map((step) => [
      String(step.rate),
      (step.cpu / MICROSECOND).toFixed(1),
      (step.errorP50 / MICROSECOND).toFixed(0),
      (step.errorP99 / MICROSECOND).toFixed(0),
      percent(step.late),
      String(step.unplannedDrops),
    ]),
    STEP_NUMBERS,
  )

export const calibrationText = ({ rows, unchecked, ramp, outside, quick }: Calibration): string => {
  const { steps, trusted, limit } = ramp
  const verdict =
    trusted === 0
      ? `This machine cannot be trusted with any of these rates: ${limit}.`
      : `This machine can be trusted up to ${trusted} packets/s${limit === null ? '' : ` (${limit})`}.`
  const lines = [
    ...rowTable(rows),
    ...(unchecked.length === 0 ? [] : ['', 'not checked:', ...unchecked.map((what) => `  ${what}`)]), // prettier-ignore
    '',
    ...stepTable(steps),
    '',
    `Meanwhile other programs took ${percent(outside.programs)} of this machine, and its host ${percent(outside.host)}.`,
    `${verdict}${quick ? ' (quick: nothing is kept of it)' : ''}`,
  ]
  return `${lines.join('\n')}\n`
}
