/** A NAT that forgets, met by TLS and by QUIC: what is missing meanwhile, and what the new path costs. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Scenario } from '../../simulator/core/types.ts'
import type { RunResult } from './run-scenario.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

const FILE = join(import.meta.dirname, '..', '..', 'scenarios', 'nat-rebinding.yaml')
const DEVICES = 20
/** Of the scenario, ms. */
const [INTERVAL, ROUND_TRIP, USER_TIMEOUT] = [1000, 80, 5000]
const REBINDINGS = 2
/** RFC 9002 section 6.2.1, with a variation of the round trip that has died away, ms. */
const PTO = ROUND_TRIP + 25 + 1

describe('two NAT rebindings', { skip: skipReason() }, () => {
  let rebound: RunResult
  let quiet: RunResult
  before(async () => {
    const text = readFileSync(FILE, 'utf8')
    const once = { devices: [DEVICES], repetitions: 1 }
    rebound = await runText(text, { change: (scenario) => ({ ...scenario, ...once }) })
    const calm = (scenario: Scenario): Scenario => ({
      ...scenario,
      ...once,
      stacks: scenario.stacks.filter(({ name }) => name === 'quic'),
      baseline: { quic: 'quic' },
      timeline: [],
    })
    quiet = await runText(text, { change: calm })
  })
  after(async () => {
    await rebound[Symbol.asyncDispose]()
    await quiet[Symbol.asyncDispose]()
  })
  const lossless = (stack: string): void => {
    for (const metric of ['delivery.lost', 'delivery.not_sent', 'delivery.duplicates'])
      assert.equal(rebound.value(metric, stack), 0, `${stack}: ${metric}`)
  }

  it('QUIC goes on: nobody reconnects, nothing is lost, and no message is late', (t) => {
    lossless('quic')
    assert.equal(rebound.value('devices.reconnects', 'quic'), 0)
    const gap = rebound.value('delivery.longest_gap.max', 'quic') - INTERVAL
    t.diagnostic(`longest gap of QUIC: ${gap.toFixed(0)} ms beyond the interval`)
    assert.ok(gap < 3 * ROUND_TRIP + 2 * PTO, `${gap} ms`)
  })

  it('TLS reconnects after a reset, and stalls for the user timeout where segments are dropped', (t) => {
    lossless('tls')
    assert.equal(rebound.value('devices.reconnects', 'tls'), REBINDINGS * DEVICES)
    const gap = rebound.value('delivery.longest_gap.max', 'tls')
    t.diagnostic(`longest gap of TLS: ${gap.toFixed(0)} ms`)
    assert.ok(gap > USER_TIMEOUT, `${gap} ms`)
  })

  it('each rebinding costs QUIC the padded datagrams of a path validation', (t) => {
    const per = (result: RunResult): number =>
      ['up', 'down'].reduce((sum, way) => sum + result.value(`wire.bytes_per_message.${way}`, 'quic'), 0) // prettier-ignore
    const messages = rebound.scenario.phases.measure / (INTERVAL * 1e6)
    const extra = ((per(rebound) - per(quiet)) * messages) / REBINDINGS
    t.diagnostic(`${extra.toFixed(0)} B for each rebinding of QUIC`)
    // PATH_CHALLENGE and PATH_RESPONSE, each padded to 1 200 B (RFC 9000 sections 8.2.1 and 8.2.2), at least one of them.
    assert.ok(extra > 1200 && extra < 6000, `${extra} B`)
  })
})
