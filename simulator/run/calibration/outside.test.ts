import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childrenTicks, outsideBetween, readInstant } from './outside.ts'

test('the time of children stands behind a name that may hold anything', () => {
  const fields = Array.from({ length: 50 }, (_, i) => String(i + 3)).join(' ')
  assert.equal(childrenTicks(`17 (a ) 1 2 (b) ${fields}\n`), 16 + 17)
})

test('what is neither ours nor idle is of others', () => {
  const at = { processors: 2, steal: 5, own: 10, busy: 100, at: 1000 }
  const later = { processors: 2, steal: 25, own: 60, busy: 250, at: 1100 }
  assert.deepEqual(outsideBetween(at, later), { programs: 0.5, host: 0.1 })
  assert.equal(outsideBetween(at, { ...later, busy: 120 }).programs, 0, 'ticks are rounded')
})

test('this machine can be read', () => {
  const { programs, host } = outsideBetween(readInstant(), { ...readInstant(), at: Infinity })
  assert.deepEqual([programs, host], [0, 0])
})
