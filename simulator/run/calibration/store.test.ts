import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { calibrationFile, readCalibration, storeCalibration, type StoredCalibration } from './store.ts' // prettier-ignore

const machine = { processor: 'one', kernel: '6.1', processors: 2, thingbench: '0.1.0' }
const calibration: StoredCalibration = {
  schema: 1,
  made: '2026-11-22T20:00:00.000Z',
  machine,
  trusted: 20_000,
  cost: [{ rate: 1000, cpu_us: 40 }],
}

test('the file is in the cache folder of the user', () => {
  assert.equal(calibrationFile({ XDG_CACHE_HOME: '/c' }), '/c/thingbench/calibration.json')
  const usual = '/home/me/.cache/thingbench/calibration.json'
  assert.equal(calibrationFile({ HOME: '/home/me' }), usual)
  assert.equal(calibrationFile({ HOME: '/home/me', XDG_CACHE_HOME: 'relative' }), usual)
  assert.equal(calibrationFile({}), join(tmpdir(), '.cache/thingbench/calibration.json'))
})

test('what is stored is read again on the same machine, and on no other', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'thingbench-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'new', 'calibration.json')
  assert.equal(readCalibration(file, machine), null)
  storeCalibration(file, calibration)
  storeCalibration(file, calibration)
  assert.deepEqual(readCalibration(file, machine), calibration)
  assert.deepEqual(readdirSync(dirname(file)), ['calibration.json'])
  for (const [name, other] of Object.entries({
    processor: 'two',
    kernel: '6.2',
    processors: 4,
    thingbench: '0.2.0',
  }))
    // prettier-ignore
    assert.equal(readCalibration(file, { ...machine, [name]: other }), null, name)
  for (const broken of ['', '{', 'null', '{"schema":1}', '{"schema":2}']) {
    writeFileSync(file, broken)
    assert.equal(readCalibration(file, machine), null, broken)
  }
})
