import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ACKNOWLEDGED, Ledger, RECEIVED, SENT, settle } from './ledger.ts'
import { ConstantSchedule } from './schedule.ts'

const schedule = new ConstantSchedule({ warmup: 0, t0: 2e9, t1: 5e9, end: 6e9 }, 1e9, 9)

test('a device has exactly the messages whose intended time is measured', () => {
  const ledger = new Ledger(schedule, 4)
  assert.equal(ledger.intended, 12)
  for (let d = 0; d < 4; d++)
    for (let k = 0; k < 8; k++)
      assert.equal(
        ledger.measures(d, k),
        schedule.measured(schedule.intended(d, k)),
        `device ${d} message ${k}`,
      )
  assert.equal(ledger.measures(4, 2), false)
  for (let d = 0; d < 4; d++)
    assert.equal(ledger.end(d), schedule.before(d, schedule.plan.t1), `device ${d}`)
})

test('a flag is new once, so a second receipt is a duplicate', () => {
  const ledger = new Ledger(schedule, 1)
  const k = schedule.before(0, schedule.plan.t0)
  assert.equal(ledger.mark(0, k, RECEIVED), true)
  assert.equal(ledger.mark(0, k, RECEIVED), false)
  assert.equal(ledger.mark(0, k, SENT), true)
})

test('accounts close to zero: intended = delivered + lost + not sent', () => {
  const fleet = Uint8Array.from([SENT | ACKNOWLEDGED, SENT | ACKNOWLEDGED, SENT, 0])
  const received = Uint8Array.from([RECEIVED, 0, RECEIVED, 0])
  assert.deepEqual(settle(fleet, received), {
    intended: 4,
    sent: 3,
    delivered: 2,
    lost: 1,
    notSent: 1,
    acknowledgedLost: 1,
    acknowledged: 2,
    gaveUp: 0,
    answered: 0,
  })
})
