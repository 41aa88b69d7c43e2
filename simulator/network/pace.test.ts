import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { MILLISECOND, SECOND } from '../core/clock.ts'
import { CLEAR_DIRECTION, CLEAR_LINK } from '../core/link-profile.ts'
import { PLAIN_TCP } from '../core/tcp.ts'
import type { LinkConfig } from './link-protocol.ts'
import { LEAST_DELAY, LONG, Pace, SHORT, shortestDelay } from './pace.ts'

/** Carries packets evenly at `rate` per second from `from` to `to`. */
const carry = (pace: Pace, rate: number, from: number, to: number): void => {
  for (let k = 0; ; k++) {
    const now = from + (k * SECOND) / rate
    if (now >= to) return
    pace.carried()
    pace.review(now)
  }
}

describe('the pace of the link', () => {
  it('goes by the clock from one packet in four looks on, and back at half as many', () => {
    const pace = new Pace(LEAST_DELAY, 0)
    carry(pace, 900, 0, SECOND)
    assert.equal(pace.clocked, false)
    carry(pace, 1100, SECOND, 2 * SECOND)
    assert.equal(pace.clocked, true)
    carry(pace, 600, 2 * SECOND, 3 * SECOND)
    assert.equal(pace.clocked, true)
    carry(pace, 400, 3 * SECOND, 4 * SECOND)
    assert.equal(pace.clocked, false)
  })

  it('looks half as often from two packets a look on, and as before at half as many', () => {
    const pace = new Pace(LEAST_DELAY, 0)
    const periods = [7500, 8500, 4500, 3500].map((rate, second) => {
      carry(pace, rate, second * SECOND, (second + 1) * SECOND)
      return pace.period
    })
    assert.deepEqual(periods, [SHORT, LONG, LONG, SHORT])
  })

  it('goes packet by packet whatever the rate where the delay is short', () => {
    const pace = new Pace(LEAST_DELAY - 1, 0)
    carry(pace, 50_000, 0, SECOND)
    assert.equal(pace.clocked, false)
  })

  it('stops the clock after a silence, however long', () => {
    const pace = new Pace(LEAST_DELAY, 0)
    carry(pace, 10_000, 0, SECOND)
    assert.equal(pace.clocked, true)
    assert.equal(pace.review(60 * SECOND), true)
    assert.equal(pace.clocked, false)
  })

  it('says which share of a window went by on the clock', () => {
    const pace = new Pace(LEAST_DELAY, 0)
    carry(pace, 400, 0, SECOND)
    carry(pace, 10_000, SECOND, 2 * SECOND)
    carry(pace, 400, 2 * SECOND, 3 * SECOND)
    const share = pace.clockedShare(0, 4 * SECOND)
    // Each change is seen up to a spell of 16 ms late.
    assert.ok(Math.abs(share - 0.25) <= 0.005, String(share))
    assert.equal(pace.clockedShare(0, SECOND), 0)
    assert.equal(pace.clockedShare(1.5 * SECOND, 1.9 * SECOND), 1)
    assert.equal(pace.clockedShare(SECOND, SECOND), 0)
  })

  it('is judged by the shortest delay that the link ever has', () => {
    const far = { ...CLEAR_DIRECTION, delay: 50 * MILLISECOND }
    const near = { ...far, delay: 20 * MILLISECOND }
    const config: LinkConfig = {
      devices: 1,
      probes: 0,
      profile: { ...CLEAR_LINK, up: far, down: near },
      timeline: [],
      tcp: PLAIN_TCP,
      seed: 1,
      canary: '',
      cpu: null,
    }
    assert.equal(shortestDelay(config), near.delay)
    const slower = {
      kind: 'change',
      at: 0,
      for: null,
      devices: 1,
      up: {},
      down: { rate: 1e6 },
    } as const
    const closer = { ...slower, up: { delay: 0 } }
    assert.equal(shortestDelay({ ...config, timeline: [slower] }), near.delay)
    assert.equal(shortestDelay({ ...config, timeline: [slower, closer] }), 0)
  })

  it('looks once a period, away from whole milliseconds', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e15, noNaN: true }),
        fc.constantFrom(SHORT, LONG),
        (now, period) => {
          const pace = new Pace(LEAST_DELAY, 0)
          pace.period = period
          const look = pace.nextLook(now)
          assert.ok(look > now && look <= now + period, `${now} ${look}`)
          assert.equal((look - period / 2) % period, 0)
          assert.equal(pace.nextLook(look), look + period)
          const fromWhole = look % MILLISECOND
          assert.ok(fromWhole >= period / 2 && fromWhole <= MILLISECOND - period / 2)
        },
      ),
    )
  })
})
