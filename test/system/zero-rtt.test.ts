/** What 0-RTT saves a device that wakes up to report, and what somebody who listened makes of it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { SECOND } from '../../simulator/core/clock.ts'
import type { Scenario } from '../../simulator/core/types.ts'
import type { RunResult } from './run-scenario.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

const FILE = join(import.meta.dirname, '..', '..', 'scenarios', 'zero-rtt.yaml')
const DEVICES = 10
/** Of the scenario, ms. */
const ONE_WAY = 50
const STACKS = ['tls', 'tls-early', 'quic-resumed', 'quic-0rtt']

describe('devices that wake up to report', { skip: skipReason() }, () => {
  let result: RunResult
  before(async () => {
    const change = (scenario: Scenario): Scenario => ({
      ...scenario,
      devices: [DEVICES],
      stacks: scenario.stacks.filter(({ name }) => STACKS.includes(name)),
      phases: { ...scenario.phases, measure: 10 * SECOND },
      timeline: scenario.timeline.slice(0, 1),
      repetitions: 1,
    })
    result = await runText(readFileSync(FILE, 'utf8'), { change })
  })
  after(() => result[Symbol.asyncDispose]())

  it('everything arrives; with 0-RTT after one way, over TCP after a round trip more, without it after two', (t) => {
    // The mean holds every disturbance of the machine; the law is in round-trips.test.ts.
    const [tls, tlsEarly, resumed, early] = STACKS.map((stack) => {
      assert.equal(result.value('delivery.ratio', stack), 1, stack)
      return result.value('wake.first_delivery.mean', stack)
    }) as [number, number, number, number]
    t.diagnostic(
      `${tls.toFixed(0)}, ${tlsEarly.toFixed(0)}, ${resumed.toFixed(0)} and ${early.toFixed(0)} ms`,
    )
    assert.ok(early >= ONE_WAY && early < 3 * ONE_WAY, `${early} ms`)
    // A round trip of TCP before it.
    assert.ok(tlsEarly >= 3 * ONE_WAY && tlsEarly < 5 * ONE_WAY, `${tlsEarly} ms`)
    assert.ok(resumed >= 5 * ONE_WAY, `${resumed} ms`)
    assert.ok(tls >= 7 * ONE_WAY, `${tls} ms`)
  })

  it('every wake-up resumes', () => {
    for (const stack of ['tls-early', 'quic-resumed', 'quic-0rtt'])
      assert.equal(
        result.value('devices.resumed', stack),
        result.value('devices.reconnects', stack),
        stack,
      )
  })

  it('a replay of first flights delivers messages again with early data of QUIC, and else nothing', (t) => {
    for (const stack of STACKS) assert.ok(result.value('link.replayed', stack) >= DEVICES, stack)
    const duplicates = result.value('delivery.duplicates', 'quic-0rtt')
    t.diagnostic(`${duplicates} messages of ${DEVICES} devices came twice`)
    assert.ok(duplicates > 0)
    for (const stack of ['tls', 'tls-early', 'quic-resumed'])
      assert.equal(result.value('delivery.duplicates', stack), 0, stack)
  })
})
