/** A thousand devices come back at once, over TLS and over QUIC. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { SECOND } from '../../simulator/core/clock.ts'
import type { Scenario, Workload } from '../../simulator/core/types.ts'
import type { RunResult } from './run-scenario.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

const FILE = join(import.meta.dirname, '..', '..', 'scenarios', 'handshake-storm.yaml')
const DEVICES = 1000
const STACKS = ['tls', 'quic', 'quic-early']
/** IPv4 and UDP. */
const HEADERS = 28
/** RFC 9000 section 14.1. */
const INITIAL = 1200

describe('a storm of handshakes', { skip: skipReason() }, () => {
  let result: RunResult
  before(async () => {
    const one = (workload: Workload): Workload =>
      workload.kind === 'connect'
        ? { ...workload, absences: { ...workload.absences, interval: 12 * SECOND } }
        : workload
    const change = (scenario: Scenario): Scenario => ({
      ...scenario,
      stacks: scenario.stacks.filter(({ name }) => STACKS.includes(name)),
      workloads: scenario.workloads.map(one),
      phases: { ...scenario.phases, measure: 12 * SECOND },
      repetitions: 1,
    })
    result = await runText(readFileSync(FILE, 'utf8'), { change })
  })
  after(() => result[Symbol.asyncDispose]())

  const bytes = (stack: string, way: 'up' | 'down'): number =>
    result.value(`wire.connect_bytes.${way}`, stack)
  const both = (stack: string): number => bytes(stack, 'up') + bytes(stack, 'down')

  for (const stack of STACKS)
    it(`${stack}: every device is back`, (t) => {
      assert.equal(result.value('devices.connected', stack), DEVICES)
      assert.equal(result.value('connects.offered', stack), result.value('connects.completed', stack)) // prettier-ignore
      assert.equal(result.value('connects.failed', stack), 0)
      const of = (metric: string): string => (result.values(metric, stack)[0] ?? NaN).toFixed(0)
      t.diagnostic(
        `${stack}: ${both(stack).toFixed(0)} B; us per connection: broker ${of('cpu.broker_us_per_connect')}, front end ${of('cpu.front_end_us_per_connect')}, devices ${of('cpu.fleet_us_per_connect')}; KiB per session: broker ${of('memory.broker_kib_per_session')}, front end ${of('memory.front_end_kib_per_session')}, devices ${of('memory.fleet_kib_per_session')}`,
      )
    })

  it('QUIC needs 1.5 to 4 times the bytes of TLS, and it is the padding of Initial packets', (t) => {
    const ratio = both('quic') / both('tls')
    t.diagnostic(`connect bytes of QUIC over TLS: ${ratio.toFixed(2)}`)
    assert.ok(ratio > 1.5 && ratio < 4, `${ratio}`)
    // Two datagrams with Initial packets up, the hello and the acknowledgement, and one down: padded each, they are most of it.
    assert.ok(bytes('quic', 'up') > 2 * (INITIAL + HEADERS))
    assert.ok(bytes('quic', 'down') > INITIAL + HEADERS)
    assert.ok((3 * (INITIAL + HEADERS)) / both('quic') > 0.6)
  })
})
