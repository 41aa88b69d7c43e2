import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from '../core/clock.ts'
import type { TimelineEvent } from '../core/link-profile.ts'
import { intervalsCsv } from './intervals-csv.ts'

const HEADER = 'second,delivered,latency_p50_ns,latency_p99_ns,latency_max_ns,events'
const second = (number: number) => ({ second: number, delivered: 7, p50: 1, p99: 2, max: 3 })
const timeline: TimelineEvent[] = [
  { kind: 'blackout', at: 2 * SECOND, for: 2 * SECOND, direction: 'both', devices: 1 },
  { kind: 'rebind', at: 4 * SECOND, policy: 'reset', to: 'port', devices: 1 },
]

test('without a timeline the last column is empty', () => {
  assert.equal(intervalsCsv([second(0), second(2)], [], SECOND), `${HEADER}\n0,7,1,2,3,\n2,7,1,2,3,\n`) // prettier-ignore
})

test('what begins or ends stands in its second, also when nothing was received in it', () => {
  assert.equal(
    intervalsCsv([second(2), second(5), second(6)], timeline, SECOND),
    [
      HEADER,
      '2,7,1,2,3,',
      '3,0,,,,blackout begins',
      '5,7,1,2,3,blackout ends; rebind port reset',
      '6,7,1,2,3,',
      '',
    ].join('\n'),
  )
})

test('nobody behind the server, and no timeline: the header alone', () => {
  assert.equal(intervalsCsv([], [], SECOND), `${HEADER}\n`)
})
