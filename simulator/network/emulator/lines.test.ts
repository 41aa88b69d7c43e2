import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { NEVER } from '../../core/clock.ts'
import { Calendar } from './calendar.ts'
import { Lines } from './lines.ts'
import { NONE, PacketPool } from './pool.ts'

const SLOTS = 64

test('packets leave their line when they are due, those that are due at once in the order in which they entered', () => {
  const packet = fc.record({ line: fc.nat(2), due: fc.nat(20) })
  fc.assert(
    fc.property(fc.array(packet, { maxLength: SLOTS }), (packets) => {
      const pool = new PacketPool({ address: 0, bytes: new Uint8Array(0) }, SLOTS, 0)
      const calendar = new Calendar(7)
      const lines = new Lines(pool, calendar, 3, 1)
      for (const [i, { line, due }] of packets.entries()) {
        const slot = pool.take()
        pool.order[slot] = i
        lines.enter(line, slot, due)
      }
      assert.equal(lines.packets(), packets.length)
      const seen: (readonly [number, number, number])[] = []
      while (calendar.next() !== NEVER) {
        const due = calendar.next()
        const line = (calendar.first() - 1) / 2
        const slot = lines.leave(line)
        assert.equal(pool.next[slot], NONE)
        seen.push([due, pool.order[slot] as number, line])
      }
      const expected = packets.map(({ line, due }, i) => [due, i, line] as const)
      assert.deepEqual(
        seen,
        expected.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]),
      )
      assert.equal(lines.packets(), 0)
    }),
  )
})

test('who is detained leaves later, and keeps the others of its line behind it', () => {
  const pool = new PacketPool({ address: 0, bytes: new Uint8Array(0) }, SLOTS, 0)
  const calendar = new Calendar(4)
  const lines = new Lines(pool, calendar, 2, 0)
  const [a, b, c] = [pool.take(), pool.take(), pool.take()]
  lines.enter(0, a, 1)
  lines.enter(0, b, 2)
  lines.enter(1, c, 3)
  lines.detain(0, 4)
  assert.deepEqual([calendar.next(), calendar.first()], [3, 2])
  assert.equal(lines.leave(1), c)
  assert.equal(calendar.next(), 4)
  assert.equal(lines.leave(0), a)
  assert.equal(calendar.next(), 2)
  assert.equal(lines.leave(0), b)
})
