import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND } from '../core/clock.ts'
import { CLEAR_DIRECTION, CLEAR_LINK, type LinkProfile } from '../core/link-profile.ts'
import { PLAIN_TCP, type TcpFound } from '../core/tcp.ts'
import type { Cell } from '../core/types.ts'
import type { ConsumerReport, FleetReport } from '../fleet/fleet-protocol.ts'
import { Histogram } from '../measure/histogram.ts'
import type { LinkAccount } from '../network/link-protocol.ts'
import { nagleNotes } from './nagle-note.ts'

const delay = 30 * MILLISECOND
const direction = { ...CLEAR_DIRECTION, delay }
const SLOW: LinkProfile = { ...CLEAR_LINK, up: direction, down: direction }

/** Half of the messages wait for an acknowledgement that comes after RTT + 40 ms. */
const notesOf = (
  nodelay: boolean | null,
  link: LinkProfile,
  retransmittedPackets = 0,
): string[] => {
  const cell = {
    stack: { name: 'mqtt-tcp', tcp: PLAIN_TCP },
    link,
    workload: { interval: 1000 * MILLISECOND },
  } as Cell
  const transport = new Histogram()
  transport.record(2 * delay)
  const latency = new Histogram()
  for (let i = 0; i < 400; i++)
    latency.record(delay + MILLISECOND + (i % 2) * (2 * delay + 40 * MILLISECOND))
  const tcp = nodelay === null ? null : ({ nodelay } as TcpFound)
  const fleet = { series: { 'connect.transport': transport.toJSON() }, tcp }
  const consumer = { series: { latency: latency.toJSON() } }
  const account = { wire: { steady: { up: { packets: 400, retransmittedPackets } } } }
  return nagleNotes(
    cell,
    fleet as unknown as FleetReport,
    consumer as unknown as ConsumerReport,
    account as LinkAccount,
  )
}

test('a step at RTT + 40 ms is named where the devices have Nagle on', () => {
  const [note, ...more] = notesOf(false, SLOW)
  assert.match(
    note ?? '',
    /^latency of mqtt-tcp has a step at RTT \+ 41 ms \(50 % of the messages\)/,
  )
  assert.deepEqual(more, [])
})

test('the same latencies are not named without Nagle, without TCP, or where the link itself makes steps', () => {
  const wake = { delay: 100 * MILLISECOND, inactivity: 500 * MILLISECOND }
  const reorder = { ratio: 0.5, by: 100 * MILLISECOND }
  assert.deepEqual(notesOf(true, SLOW), [])
  assert.deepEqual(notesOf(null, SLOW), [])
  assert.deepEqual(notesOf(false, { ...SLOW, wake }), [])
  assert.deepEqual(notesOf(false, { ...SLOW, up: { ...direction, reorder } }), [])
  assert.deepEqual(notesOf(false, { ...SLOW, up: { ...direction, jitter: delay } }), [])
  assert.deepEqual(notesOf(false, { ...SLOW, up: { ...direction, rate: 50_000 } }), [])
  assert.deepEqual(notesOf(false, SLOW, 200), [])
})
