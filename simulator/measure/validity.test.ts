import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Evidence } from './validity.ts'
import { judge, scheduleDelayLimit } from './validity.ts'

const clean: Evidence = {
  interval: 1e9,
  steal: 0,
  otherLoad: 0.01,
  waits: { fleet: 0.01, link: 0.01, consumer: 0.01 },
  scheduleDelayP99: 1e6,
  unplannedDrops: 0,
  latePackets: 10,
  packets: 10_000,
  devices: 100,
  connected: 100,
  commonEnd: null,
  brokerLoad: 0.3,
  frontEndLoad: null,
  busy: [0.3, 0.4],
  limit: null,
}

test('a quiet machine gives a measured cell without remarks', () => {
  assert.deepEqual(judge(clean), { outcome: 'measured', reasons: [], notes: [] })
})

test('devices that did not connect are told with the reason, where there is one', () => {
  const notes = (commonEnd: string | null) => judge({ ...clean, connected: 98, commonEnd }).notes
  assert.deepEqual(notes(null), ['2 of 100 devices did not connect'])
  assert.deepEqual(notes('certificate has expired'), [
    '2 of 100 devices did not connect; most connections ended so: certificate has expired',
  ])
  assert.deepEqual(judge({ ...clean, commonEnd: 'reset' }).notes, [])
})

const cases: [string, Partial<Evidence>, string, RegExp][] = [
  ['steal', { steal: 0.06 }, 'invalid', /took 6\.0 %/],
  ['other load', { otherLoad: 0.2 }, 'invalid', /other processes used 20\.0 %/],
  ['a limit of the host', { limit: 'out of file descriptors' }, 'invalid', /descriptors/],
  ['run-queue wait', { waits: { fleet: 0.051 } }, 'censored', /fleet waited 5\.1 %/],
  [
    'late firing',
    { scheduleDelayP99: 21e6 },
    'censored',
    /schedule_delay\.p99 21\.0 ms \(limit 20\.0 ms\)/,
  ],
  ['one unplanned drop', { unplannedDrops: 1 }, 'censored', /dropped 1 packets/],
  ['late packets', { latePackets: 101 }, 'censored', /1\.0 % of the packets/],
]
for (const [name, change, outcome, reason] of cases)
  test(`${name} makes a cell ${outcome}`, () => {
    const verdict = judge({ ...clean, ...change })
    assert.equal(verdict.outcome, outcome)
    assert.match(verdict.reasons.join(), reason)
  })

test('exactly at the limits a cell stands', () => {
  const verdict = judge({
    ...clean,
    steal: 0.05,
    otherLoad: 0.1,
    waits: { link: 0.05 },
    scheduleDelayP99: 20e6,
    latePackets: 100,
  })
  assert.equal(verdict.outcome, 'measured')
})

test('an outside cause outranks own saturation, and both are told', () => {
  const verdict = judge({ ...clean, steal: 0.5, unplannedDrops: 3 })
  assert.equal(verdict.outcome, 'invalid')
  assert.equal(verdict.reasons.length, 2)
})

test('a long interval allows 2 % of it', () => {
  assert.equal(scheduleDelayLimit(10e9), 200e6)
})

test('a saturated broker and missing devices are findings, not verdicts', () => {
  const verdict = judge({ ...clean, brokerLoad: 0.97, connected: 98, busy: [0.97, 0.2] })
  assert.equal(verdict.outcome, 'measured')
  assert.match(
    verdict.notes.join(),
    /broker saturated: it used 97\.0 %.*2 of 100 devices did not connect.*processor 0 was 97\.0 % busy/,
  )
})
