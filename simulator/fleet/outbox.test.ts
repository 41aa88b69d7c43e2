import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OutboxEvents } from './outbox.ts'
import { Outbox, unrecorded } from './outbox.ts'
import { Payload, sequenceOf } from './payload.ts'

/** A session that takes `room` messages, and what the outbox told. */
const bench = (acknowledges = true) => {
  const told: string[] = []
  const taken: number[] = []
  const session = { room: Infinity }
  const events: OutboxEvents = {
    payload: new Payload(8, 'x'),
    acknowledges,
    taken: (index, sequence, since, now) => told.push(`taken ${index} ${sequence} ${now - since}`),
    acknowledged: (index, sequence, first, now) =>
      told.push(`acknowledged ${index} ${sequence} ${now - first}`),
    gaveUp: (index, sequence, reason) => told.push(`gave up ${index} ${sequence} ${reason}`),
  }
  const outbox = new Outbox(3, events)
  const hand = (sequence: number, payload: Uint8Array, now: number): boolean => {
    assert.equal(sequenceOf(payload), sequence)
    if (session.room === 0) return false
    session.room--
    taken.push(sequence)
    outbox.transmitted(sequence, now)
    return true
  }
  return { outbox, hand, session, taken, told }
}

test('what is put without a session waits, and is handed over in order when there is one', () => {
  const { outbox, hand, taken, told } = bench()
  outbox.put(5, 100)
  outbox.put(6, 110)
  assert.equal(outbox.pump(120), false)
  outbox.open(hand, 130)
  assert.deepEqual(taken, [5, 6])
  assert.deepEqual(told, ['taken 3 5 30', 'taken 3 6 20'])
})

test('pump says whether anything is left', () => {
  const { outbox, hand, session } = bench()
  outbox.open(hand, 0)
  outbox.put(0, 0)
  outbox.put(1, 0)
  session.room = 1
  assert.equal(outbox.pump(1), false)
  session.room = 1
  assert.equal(outbox.pump(2), true)
})

test('settled means that nothing waits and nothing is unacknowledged', () => {
  const { outbox, hand } = bench()
  assert.equal(outbox.settled, true)
  outbox.put(0, 0)
  assert.equal(outbox.settled, false)
  outbox.open(hand, 1)
  assert.equal(outbox.settled, false)
  outbox.acknowledged(0, 2)
  assert.equal(outbox.settled, true)
})

test('what a lost session left unacknowledged is sent again first, and is taken only once', () => {
  const { outbox, hand, taken, told } = bench()
  outbox.open(hand, 0)
  outbox.put(0, 0)
  outbox.put(1, 0)
  outbox.pump(0)
  outbox.acknowledged(0, 5)
  outbox.shut()
  outbox.put(2, 6)
  outbox.open(hand, 10)
  assert.deepEqual(taken, [0, 1, 1, 2])
  assert.equal(told.filter((line) => line.startsWith('taken 3 1')).length, 1)
  outbox.acknowledged(1, 20)
  assert.equal(told.at(-1), 'acknowledged 3 1 20', 'since its first transmission')
})

test('an acknowledgement or a refusal of what is not under way is nothing', () => {
  const { outbox, told } = bench()
  outbox.acknowledged(4, 1)
  outbox.gaveUp(4, 'RST', 1)
  assert.deepEqual(told, [])
})

test('best-effort messages are not remembered', () => {
  const { outbox, hand, taken } = bench(false)
  outbox.open(hand, 0)
  outbox.put(0, 0)
  outbox.pump(0)
  outbox.shut()
  outbox.open(hand, 1)
  assert.deepEqual(taken, [0])
})

test('answers are sent like messages and recorded nowhere', () => {
  const outbox = new Outbox(0, unrecorded(new Payload(8, 'x'), true))
  const taken: number[] = []
  outbox.open((sequence, _payload, now) => {
    taken.push(sequence)
    outbox.transmitted(sequence, now)
    return true
  }, 0)
  outbox.put(9, 0)
  outbox.pump(0)
  outbox.acknowledged(9, 1)
  assert.deepEqual([taken, outbox.settled], [[9], true])
})
