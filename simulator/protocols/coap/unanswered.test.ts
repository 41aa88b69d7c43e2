import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../core/clock.ts'
import { DeviceLog, sessionConfig, Wire } from './back-to-back.cases.ts'
import { CoapDevice } from './session.ts'

const PAYLOAD = Buffer.from('AAAAAAAAcanary')
const T0 = 1e12

/** A session that is registered, then left without an answer, with nothing in its log. */
const silent = (unansweredLimit: number | null, options = {}) => {
  const log = new DeviceLog()
  const wire = new Wire()
  const device = new CoapDevice({ ...sessionConfig('acknowledged', options), unansweredLimit }, log)
  device.below = wire
  device.open(T0)
  const id = (wire.sent[0] as string).slice(4, 8)
  const answer = (hex: string): Uint8Array => Buffer.from(`6244${hex}${hex}`, 'hex')
  device.fromBelow(answer(id), T0)
  log.lines.length = 0
  wire.sent.length = 0
  /** The next deadline comes. */
  const wait = (): number => {
    const due = device.deadline()
    device.expire(due)
    return due
  }
  const last = (): string => (wire.sent.at(-1) as string).slice(4, 8)
  return { log, wire, device, wait, answer, last }
}

test('after so many retransmissions in a row without an answer the session ends, and gives nothing up', () => {
  const { log, wire, device, wait } = silent(2)
  device.send(7, PAYLOAD, T0)
  for (let i = 0; i < 2; i++) wait()
  assert.equal(wire.sent.length, 3)
  assert.equal(log.cause, null)
  wait()
  assert.equal(wire.sent.length, 3, 'the last copy had its time too')
  assert.deepEqual(log.cause, {
    code: 'unanswered',
    detail: '2 retransmissions in a row without an answer',
  })
  assert.deepEqual(log.lines, ['transmitted 7', 'ended unanswered'])
  assert.equal(device.deadline(), NEVER)
})

test('whatever comes from the server begins the count anew', () => {
  const { log, device, wait, answer, last } = silent(2)
  for (let sequence = 0; sequence < 3; sequence++) {
    device.send(sequence, PAYLOAD, T0)
    for (let i = 0; i < 2; i++) wait()
    device.fromBelow(answer(last()), T0)
  }
  assert.equal(log.cause, null)
  assert.deepEqual(
    log.lines.filter((line) => line.startsWith('ack')),
    ['acknowledged 0', 'acknowledged 1', 'acknowledged 2'],
  )
})

test('retransmissions of all messages count: what is given up after one does not begin it anew', () => {
  const { log, device, wait } = silent(3, { max_retransmit: 2 })
  device.send(0, PAYLOAD, T0)
  for (let i = 0; i < 3; i++) wait()
  assert.ok(log.lines.includes('gaveUp 0 no answer'))
  device.send(1, PAYLOAD, T0)
  wait()
  wait()
  assert.equal(log.cause?.code, 'unanswered')
})

test('without a limit a message is given up, and the session goes on', () => {
  const { log, device, wait } = silent(null)
  device.send(0, PAYLOAD, T0)
  for (let i = 0; i < 5; i++) wait()
  assert.deepEqual(log.lines.slice(0, 2), ['transmitted 0', 'gaveUp 0 no answer'])
  assert.equal(log.cause, null)
})
