import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TimeLeft } from './time-left.ts'

test('before the first cell it is the sum of what is expected', () => {
  assert.equal(new TimeLeft([10, 20, 30]).at(0), 60)
  assert.equal(new TimeLeft([]).at(0), 0)
})

test('while a cell runs it falls, and stays at what is to come when the cell takes longer', () => {
  const left = new TimeLeft([10, 20, 30])
  left.started(10, 100)
  assert.deepEqual(
    [100, 104, 110, 120].map((now) => left.at(now)),
    [60, 56, 50, 50],
  )
})

test('cells to come are expected to be as late as the mean so far, however long they are', () => {
  const left = new TimeLeft([10, 20, 30])
  left.started(10, 0)
  left.ended(true, 12)
  assert.equal(left.at(12), 20 + 30 + 2 * 2)
  left.started(20, 12)
  assert.equal(left.at(12), 22 + 32)
  left.ended(true, 36)
  assert.equal(left.at(36), 30 + (2 + 4) / 2)
})

test('a run that is faster than expected is never over before its end', () => {
  const left = new TimeLeft([10, 1])
  left.started(10, 0)
  left.ended(true, 2)
  assert.equal(left.at(2), 0)
  left.started(1, 2)
  assert.equal(left.at(3), 0)
})

test('a cell that failed says nothing about the others', () => {
  const left = new TimeLeft([10, 20])
  left.started(10, 0)
  left.ended(false, 1)
  assert.equal(left.at(1), 20)
})

test('a cell that is run once more is one more to come', () => {
  const left = new TimeLeft([10])
  left.started(10, 0)
  left.ended(true, 11)
  left.again(10)
  assert.equal(left.at(11), 11)
})
