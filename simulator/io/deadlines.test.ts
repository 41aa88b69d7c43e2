import { test } from 'node:test'
import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { NEVER } from '../core/clock.ts'
import { Deadlines } from './deadlines.ts'

class Owner {
  timerSlot = -1
  at: number
  readonly log: Owner[]
  constructor(at: number, log: Owner[]) {
    this.at = at
    this.log = log
  }
  deadline(): number {
    return this.at
  }
  expire(): void {
    this.log.push(this)
    this.at = NEVER
  }
}

const drain = (deadlines: Deadlines): number[] => {
  const seen: number[] = []
  while (deadlines.next() !== NEVER) {
    seen.push(deadlines.next())
    deadlines.expireNext(deadlines.next())
  }
  return seen
}

test('Deadlines come out in order, whatever was armed, moved and disarmed before.', () => {
  const instant = fc.oneof(fc.integer({ min: 0, max: 50 }), fc.constant(NEVER))
  const step = fc.record({ owner: fc.nat(99), at: instant, arm: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const deadlines = new Deadlines()
      const log: Owner[] = []
      const owners = Array.from({ length: 100 }, () => new Owner(NEVER, log))
      const armed = new Set<Owner>()
      for (const { owner: index, at, arm } of steps) {
        const owner = owners[index] as Owner
        owner.at = at
        if (arm) deadlines.arm(owner)
        else deadlines.disarm(owner)
        if (arm && at !== NEVER) armed.add(owner)
        else armed.delete(owner)
      }
      const expected = [...armed].map((owner) => owner.at).sort((a, b) => a - b)
      assert.deepEqual(drain(deadlines), expected)
      assert.deepEqual(new Set(log), armed)
    }),
  )
})

test('An owner that moves its deadline in expire comes again at the new one.', () => {
  const deadlines = new Deadlines()
  const calls: number[] = []
  const every = (period: number) => ({
    timerSlot: -1,
    at: period,
    deadline() {
      return this.at
    },
    expire(now: number) {
      calls.push(now)
      this.at += period
    },
  })
  deadlines.arm(every(2))
  deadlines.arm(every(3))
  while (deadlines.next() <= 9) deadlines.expireNext(deadlines.next())
  assert.deepEqual(calls, [2, 3, 4, 6, 6, 8, 9])
})

test('A disarmed owner is not asked by touch, and is by arm.', () => {
  const deadlines = new Deadlines()
  const owner = new Owner(5, [])
  deadlines.arm(owner)
  deadlines.disarm(owner)
  deadlines.touch(owner)
  assert.equal(deadlines.next(), NEVER)
  deadlines.arm(owner)
  assert.equal(deadlines.next(), 5)
})

test('An owner that disarms itself and gives its slot away in expire does not disturb who took it.', () => {
  const deadlines = new Deadlines()
  const second = new Owner(7, [])
  const first = {
    timerSlot: -1,
    deadline: () => 1,
    expire() {
      deadlines.disarm(first)
      deadlines.arm(second)
    },
  }
  deadlines.arm(first)
  deadlines.expireNext(1)
  assert.equal(deadlines.next(), 7)
  assert.deepEqual(drain(deadlines), [7])
})
