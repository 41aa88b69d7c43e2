import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { NEVER } from '../../core/clock.ts'
import { Calendar } from './calendar.ts'

test('an empty calendar is due never', () => {
  assert.equal(new Calendar(1).next(), NEVER)
})

test('entries come out by time, also when some are postponed', () => {
  const entry = fc.record({ due: fc.integer({ min: 0, max: 50 }), again: fc.nat(30) })
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 60 }), (entries) => {
      const calendar = new Calendar(entries.length)
      for (const [who, { due }] of entries.entries()) calendar.add(who, due, who)
      const expected = entries.flatMap(({ due, again }) => (again > 0 ? [due, due + again] : [due]))
      const postponed = new Set<number>()
      const seen: number[] = []
      while (calendar.next() !== NEVER) {
        const due = calendar.next()
        seen.push(due)
        const who = calendar.first()
        const again = entries[who]?.again ?? 0
        if (again === 0 || postponed.has(who)) calendar.removeFirst()
        else {
          postponed.add(who)
          calendar.postpone(due + again, who)
        }
      }
      assert.deepEqual(
        seen,
        expected.sort((a, b) => a - b),
      )
    }),
  )
})

test('whoever is due at once comes out by order, and whoever is moved to an earlier time comes out then', () => {
  const entry = fc.record({ due: fc.nat(5), order: fc.nat(1000), sooner: fc.nat(5) })
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 60 }), (entries) => {
      const calendar = new Calendar(entries.length)
      for (const [who, { due, order }] of entries.entries()) calendar.add(who, due, order)
      const expected = entries.map(({ due, order, sooner }, who) => {
        calendar.advance(who, due - sooner, order)
        return [due - sooner, order]
      })
      const seen = entries.map(() => {
        const found = [calendar.next(), entries[calendar.first()]?.order]
        calendar.removeFirst()
        return found
      })
      const byTime = ([a = 0, b = 0]: number[], [c = 0, d = 0]: number[]): number => a - c || b - d
      assert.deepEqual(seen, expected.toSorted(byTime))
      assert.equal(calendar.next(), NEVER)
    }),
  )
})
