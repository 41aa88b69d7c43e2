import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LogRing } from './log-ring.ts'

test('puts lines together from pieces, the last one without its end', () => {
  const log = new LogRing()
  for (const piece of ['one\ntw', 'o\n', '\nthr', 'ee']) log.append(piece)
  assert.equal(log.last(), 'one\ntwo\n\nthree')
  assert.equal(log.last(2), '\nthree')
})

test('keeps the last 200 lines, and 2000 characters of each', () => {
  const log = new LogRing()
  for (let i = 0; i < 1000; i++) log.append(`line ${i}\n`)
  assert.equal(log.last().split('\n').length, 200)
  assert.equal(log.last(1), 'line 999')
  for (let i = 0; i < 10; i++) log.append('x'.repeat(1000))
  assert.equal(log.last(1).length, 2000)
})
