import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Calibration, Row, Step } from '../run/calibrate.ts'
import { calibrationText } from './calibration-text.ts'

const row: Row = {
  profile: 'lte-m',
  way: 'up',
  quantity: 'loss',
  unit: '%',
  asked: 5,
  measured: 5.125,
  interval: { low: 4.5, high: 5.8, level: 0.95 },
  tolerance: 'chance',
  ok: true,
}
const step: Step = {
  rate: 5000,
  cpu: 23_456,
  errorP50: -12_000,
  errorP99: 345_678,
  unplannedDrops: 0,
  late: 0.0012,
  offered: 1,
}
const calibration: Calibration = {
  machine: { processor: 'one', kernel: '6.1', processors: 2, thingbench: '0.1.0' },
  quick: false,
  rows: [row, { ...row, quantity: 'rate', unit: 'kbit/s', asked: 375, measured: 300.04, interval: null, ok: false }], // prettier-ignore
  unchecked: ['lte-m up: CoDel'],
  ramp: {
    steps: [step],
    trusted: 5000,
    limit: 'at 10000 packets/s, 3 packets were dropped unasked',
  },
  outside: { programs: 0.125, host: 0 },
}

test('every row shows asked, measured with what chance leaves open, tolerance and verdict', () => {
  const lines = calibrationText(calibration).split('\n')
  assert.match(lines[1] ?? '', /^lte-m +up +loss +5 +5\.13 \[4\.50, 5\.80\] +% +chance +ok$/)
  assert.match(lines[2] ?? '', /^lte-m +up +rate +375 +300\.0 +kbit\/s +chance +OFF$/)
  assert.deepEqual(lines.slice(3, 6), ['', 'not checked:', '  lte-m up: CoDel'])
  assert.match(lines[10] ?? '', /^Meanwhile other programs took 12\.50 % .* its host 0\.00 %\.$/)
  assert.match(lines[8] ?? '', /^ +5000 +23\.5 +-12 +346 +0\.12 % +0$/)
})

test('the last line says what this machine can be trusted with', () => {
  const last = (found: Calibration): string => calibrationText(found).trimEnd().split('\n').at(-1) ?? '' // prettier-ignore
  const { ramp } = calibration
  assert.equal(
    last(calibration),
    'This machine can be trusted up to 5000 packets/s (at 10000 packets/s, 3 packets were dropped unasked).',
  )
  assert.match(
    last({ ...calibration, ramp: { ...ramp, trusted: 0 } }),
    /cannot be trusted with any/,
  )
  assert.match(last({ ...calibration, quick: true }), /nothing is kept of it\)$/)
  const whole = last({ ...calibration, ramp: { ...ramp, limit: null } })
  assert.equal(whole, 'This machine can be trusted up to 5000 packets/s.')
})
