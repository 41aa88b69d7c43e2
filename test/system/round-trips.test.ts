/**
 * Round trips to CONNACK, and to the first PUBACK of a message that waited, by least squares over four round-trip times: the slope is theirs, the intercept is the processors'.
 * (WebSocket: websocket.test.ts, with a broker that is kept busy.)
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fit } from './least-squares.cases.ts'
import type { RunResult } from './run-scenario.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

/** ms. */
const ROUND_TRIP_TIMES = [10, 30, 100, 300]

/** Round trips until CONNACK, until PUBACK where a message waits, and the stack as a scenario asks for it. */
type Stacks = Readonly<Record<string, readonly [number, number | null, string]>>

interface Group {
  readonly title: string
  readonly stacks: Stacks
  /** The rest of the scenario. */
  readonly asked: string
}

const GROUPS: readonly Group[] = [
  {
    title: 'first connections',
    stacks: {
      tcp: [2, null, 'stack: mqtt-tcp'], // SYN; CONNECT
      'tls-13': [3, null, 'stack: mqtt-tls, tls: { version: "1.3" }'], // SYN; hellos; CONNECT
      'tls-12': [4, null, 'stack: mqtt-tls, tls: { version: "1.2" }'], // SYN; hellos; key exchange; CONNECT
    },
    asked: `
workload: { interval: 500 ms, payload: 50 B }
phases: { ramp: 500 ms, warmup: 500 ms, measure: 1 s, drain: 500 ms }`,
  },
  {
    title: 'connections with a ticket of the one before',
    stacks: {
      'tls-12-resumed': [3, null, 'stack: mqtt-tls, tls: { version: "1.2", resumption: true }'], // SYN; hellos and Finished; CONNECT
    },
    asked: `
workload: { kind: connect, interval: 2 s }
phases: { ramp: 500 ms, warmup: 500 ms, measure: 2 s, drain: 2 s }`,
  },
  {
    title: 'devices that wake up and have something to say',
    stacks: {
      'tls-early': [
        2, // SYN; hellos and CONNECT
        3, // PUBLISH
        'stack: mqtt-tls, via: front-end, tls: { resumption: true, early_data: true }',
      ],
      'tls-early-pipelined': [
        2, // SYN; hellos, CONNECT and PUBLISH
        2,
        'stack: mqtt-tls, via: front-end, tls: { resumption: true, early_data: true }, mqtt: { pipelining: true }',
      ],
      quic: [2, 3, 'stack: mqtt-quic'], // hellos; CONNECT; PUBLISH
      'quic-0rtt': [1, 2, 'stack: mqtt-quic, quic: { resumption: true, early_data: true }'], // hellos and CONNECT; PUBLISH
      'quic-0rtt-pipelined': [
        1, // hellos, CONNECT and PUBLISH
        1,
        'stack: mqtt-quic, quic: { resumption: true, early_data: true }, mqtt: { pipelining: true }',
      ],
    },
    asked: `
workload: { interval: 500 ms, payload: 50 B, sleep: { awake: 500 ms, asleep: 1 s } }
phases: { ramp: 300 ms, warmup: 500 ms, measure: 1500 ms, drain: 2 s }`,
  },
]

const linkOf = (roundTripTime: number): string => `rtt-${roundTripTime}`

const scenarioOf = ({ stacks, asked }: Group): string => `
thingbench: 1
name: round-trips
stacks:
${Object.entries(stacks)
  .map(([name, [, , stack]]) => `  - { name: "${name}", ${stack} }`)
  .join('\n')}
links:
${ROUND_TRIP_TIMES.map((time) => `  - { name: ${linkOf(time)}, delay: ${time / 2} ms }`).join('\n')}
devices: 20
${asked}
repetitions: 1
`

for (const group of GROUPS)
  describe(`round trips of ${group.title}`, { skip: skipReason() }, () => {
    let result: RunResult

    before(async () => {
      result = await runText(scenarioOf(group), { repeats: true })
    })
    after(() => result[Symbol.asyncDispose]())

    const law = (name: string, metric: string, expected: number): void =>
      void it(`${name}: ${expected} to ${metric}`, (t) => {
        const times = ROUND_TRIP_TIMES.map((time) => {
          const rows = result.rows.filter(
            (r) =>
              r.metric === `connect.${metric}.p50` && r.stack === name && r.link === linkOf(time),
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

    for (const [name, [connack, puback]] of Object.entries(group.stacks)) {
      law(name, 'application', connack)
      if (puback !== null) law(name, 'acknowledged', puback)
    }
  })
