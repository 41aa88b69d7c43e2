/** Round trips to CONNACK, by least squares over four round-trip times: the slope is theirs, the intercept is the processors'. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fit } from './least-squares.cases.ts'
import type { RunResult } from './run-scenario.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

/** ms. */
const ROUND_TRIP_TIMES = [10, 30, 100, 300]

/** Round trips until CONNACK, and the stack as a scenario asks for it. */
const STACKS: Readonly<Record<string, readonly [number, string]>> = {
  tcp: [2, 'stack: mqtt-tcp'], // SYN; CONNECT
  'tls-13': [3, 'stack: mqtt-tls, tls: { version: "1.3" }'], // SYN; hellos; CONNECT
  'tls-12': [4, 'stack: mqtt-tls, tls: { version: "1.2" }'], // SYN; hellos; key exchange; CONNECT
}

const names = Object.keys(STACKS)
const linkOf = (roundTripTime: number): string => `rtt-${roundTripTime}`

const scenario = `
thingbench: 1
name: round-trips
stacks:
${names.map((name) => `  - { name: "${name}", ${STACKS[name]?.[1]} }`).join('\n')}
links:
${ROUND_TRIP_TIMES.map((time) => `  - { name: ${linkOf(time)}, delay: ${time / 2} ms }`).join('\n')}
devices: 20
workload: { interval: 500 ms, payload: 50 B }
phases: { ramp: 500 ms, warmup: 500 ms, measure: 1 s, drain: 500 ms }
repetitions: 1
`

describe('round trips to CONNACK', { skip: skipReason() }, () => {
  let result: RunResult

  before(async () => {
    result = await runText(scenario)
  })
  after(() => result[Symbol.asyncDispose]())

  for (const [name, [expected]] of Object.entries(STACKS))
    it(`${name}: ${expected}`, (t) => {
      const times = ROUND_TRIP_TIMES.map((time) => {
        const rows = result.rows.filter(
          (r) =>
            r.metric === 'connect.application.p50' && r.stack === name && r.link === linkOf(time),
        )
        // Of a cell that another program disturbed, the repetition.
        return rows.at(-1)?.value ?? Number.NaN
      })
      const { slope, intercept } = fit(ROUND_TRIP_TIMES, times)
      t.diagnostic(
        `${name}: ${times.map((time) => time.toFixed(1)).join(', ')} ms = ${slope.toFixed(3)} RTT + ${intercept.toFixed(1)} ms`,
      )
      assert.ok(Math.abs(slope - expected) <= 0.05, `${slope} round trips`)
      assert.ok(intercept < 15, `an intercept of ${intercept} ms`)
    })
})
