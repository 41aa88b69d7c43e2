import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from '../../core/clock.ts'
import type { LinkAccount } from '../../network/link-protocol.ts'
import type { Passage } from './instrument.ts'
import { accountRows, policerRow, queueRow, rateRow } from './load-rows.ts'
import type { Row } from './row.ts'
import { link, LOAD } from './rows.cases.ts'
import type { Load } from './traffic-protocol.ts'

test('rate: bits between the first and the last arrival, within 1 %', () => {
  const load: Load = { ...LOAD, count: 1000, size: 1250, devices: 1 }
  const at = (gap: number): Passage => ({
    load,
    sent: new Float64Array(1000),
    received: Float64Array.from({ length: 1000 }, (_, i) => (i < 900 ? 5e6 + i * gap : NaN)),
    duplicates: 0,
  })
  const profile = link({ rate: 1e6 })
  assert.equal(rateRow(profile, 'up', 1e6, at(10e6)).measured, 1000)
  assert.equal(rateRow(profile, 'up', 1e6, at(10.09e6)).ok, true)
  assert.equal(rateRow(profile, 'up', 1e6, at(10.11e6)).ok, false)
  const none = { ...at(1), received: new Float64Array(1000).fill(NaN) }
  assert.equal(rateRow(profile, 'up', 1e6, none).ok, false)
})

test('queue: as many as it holds, and those that left while the burst came', () => {
  const load: Load = { ...LOAD, count: 80, size: 1250, rate: null }
  const profile = link({ rate: 1e6, queue: { limit: 50, unit: 'packets' } })
  const survivors = (n: number): Row => {
    const sent = Float64Array.from({ length: 80 }, (_, i) => i * 1e5)
    const received = sent.map((at, i) => (i < n ? at + SECOND : NaN))
    return queueRow(profile, 'up', { load, sent, received, duplicates: 0 })
  }
  assert.deepEqual(
    [49, 50, 52, 53].map((n) => survivors(n).ok),
    [false, true, true, false],
  )
})

test('policer: its burst and then its rate', () => {
  const load: Load = { ...LOAD, count: 101, rate: 20 }
  const policer = { rate: 10, burst: 4 }
  const row = (n: number): Row => {
    const sent = Float64Array.from({ length: 101 }, (_, i) => i * 50e6)
    const received = sent.map((at, i) => (i < n ? at : NaN))
    return policerRow(link({ policer }), 'up', policer, { load, sent, received, duplicates: 0 })
  }
  assert.equal(row(54).asked, 54)
  assert.deepEqual(
    [52, 53, 55, 56].map((n) => row(n).ok),
    [false, true, true, false],
  )
})

test('drops and lateness are those between two accounts', () => {
  const account = (delivered: number, latePackets: number, unplannedDrops: number) =>
    ({ delivered, latePackets, unplannedDrops }) as LinkAccount
  const rows = (late: number, drops: number): boolean[] =>
    accountRows(link({}), account(100, 50, 3), account(1100, 50 + late, 3 + drops)).map(({ ok }) => ok) // prettier-ignore
  assert.deepEqual(rows(10, 0), [true, true])
  assert.deepEqual(rows(11, 0), [true, false])
  assert.deepEqual(rows(0, 1), [false, true])
})
