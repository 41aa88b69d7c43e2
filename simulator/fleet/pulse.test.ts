import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, SECOND } from '../core/clock.ts'
import { MemoryReactor } from '../io/memory.ts'
import { Pulse } from './pulse.ts'

/** The milliseconds at which a pulse that is armed at `from` beats until 8 s. */
const beats = (from: number, offset: number): number[] => {
  const reactor = new MemoryReactor({ delay: 0 })
  const heard: number[] = []
  reactor.runUntil(from)
  reactor.arm(new Pulse(offset, (now) => heard.push(now / MILLISECOND)))
  reactor.runUntil(8 * SECOND)
  return heard
}

test('a pulse beats when it is armed, then at even seconds', () => {
  assert.deepEqual(beats(0, 0), [0, 2000, 4000, 6000, 8000])
  assert.deepEqual(beats(1.3 * SECOND, 0), [1300, 2000, 4000, 6000, 8000])
})

test('with an offset it beats so much later', () => {
  assert.deepEqual(beats(1.3 * SECOND, 10 * MILLISECOND), [1300, 2010, 4010, 6010])
  assert.deepEqual(beats(2.005 * SECOND, 10 * MILLISECOND), [2005, 2010, 4010, 6010])
})

test('beats that were missed are not made up for', () => {
  const heard: number[] = []
  const pulse = new Pulse(0, (now) => heard.push(now))
  pulse.expire(0.5 * SECOND)
  assert.equal(pulse.deadline(), 2 * SECOND)
  pulse.expire(5.2 * SECOND)
  assert.equal(pulse.deadline(), 6 * SECOND)
  assert.deepEqual(heard, [0.5 * SECOND, 5.2 * SECOND])
})
