/**
 * A server in a container is measured as one that is a process: the same medians within the intervals of the repetitions, and the same on the wire.
 * Repetitions of both kinds alternate, because the pace of a machine drifts by more than they differ. Needs root and an engine.
 */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { median, medianInterval } from '../../simulator/measure/statistics.ts'
import type { Runtime } from '../../simulator/run/containers-for.ts'
import { noContainers } from './engine.cases.ts'
import { runText } from './run-scenario.cases.ts'

/** The first question of all, small: in both kinds of network, and with a server in a container of each kind. */
const scenario = (link: string, stacks: string): string => `
thingbench: 1
title: Does the runtime of the server change what is measured?
stacks: [${stacks}]
links: [${link}]
devices: 20
workload: { interval: 250 ms, payload: 100 B, reliability: acknowledged }
phases: { ramp: 200 ms, warmup: 300 ms, measure: 1 s, drain: 300 ms }
repetitions: 2
`
const QUESTIONS = [
  { link: 'lan', stacks: ['mqtt-tls', 'xmpp-tcp', 'coap-udp'] },
  { link: 'lte-m', stacks: ['mqtt-tls'] },
] as const
const ORDER: readonly Runtime[] = [
  'process',
  'container',
  'container',
  'process',
  'process',
  'container',
]
const WIRE = ['up', 'down'].flatMap((way) => [
  { metric: `wire.bytes_per_message.${way}`, tolerance: 2 },
  { metric: `wire.packets_per_message.${way}`, tolerance: 0.05 },
])
/** What is too little to matter to anybody: part of the median, and in the metric's own unit. */
const TIMES = [
  { metric: 'ack.p50', part: 0.01, least: 0.1 },
  { metric: 'latency.p50', part: 0.01, least: 0.1 },
  { metric: 'cpu.broker_us_per_message', part: 0.1, least: 0 },
] as const

const summary = (values: readonly number[]) => {
  const interval = medianInterval(values)
  assert.ok(interval !== null, `too few values: ${values.join(' ')}`)
  const { low, high } = interval
  const shown = [median(values), low, high].map((value) => value.toPrecision(3))
  return { median: median(values), low, high, words: `${shown[0]} [${shown[1]}, ${shown[2]}]` }
}

type Values = Map<string, Record<'process' | 'container', number[]>>

const gather = async (): Promise<Values> => {
  const values: Values = new Map()
  for (const runtime of ORDER)
    for (const { link, stacks } of QUESTIONS) {
      const listed = stacks.map((name) => (name === 'coap-udp' ? '{ stack: coap-udp, broker: libcoap }' : name)) // prettier-ignore
      await using result = await runText(scenario(link, listed.join(', ')), {
        runtime,
        repeats: true,
      })
      const kind = runtime === 'container' ? 'container' : 'process'
      for (const stack of stacks) {
        const words = result.run.audit.stacks['server runs as']?.[stack] ?? ''
        assert.match(words, kind === 'container' ? /^a container of the image / : /^a process of /)
        for (const { metric } of [...TIMES, ...WIRE]) {
          const key = [link, stack, metric].join(' ')
          const both = values.get(key) ?? { process: [], container: [] }
          both[kind].push(...result.values(metric, stack).filter((v) => v !== null))
          values.set(key, both)
        }
      }
    }
  return values
}

describe('a server in a container and one that is a process', { skip: noContainers() }, () => {
  let values: Values
  before(async () => void (values = await gather()))

  const both = (link: string, stack: string, metric: string) => {
    const { process = [], container = [] } = values.get([link, stack, metric].join(' ')) ?? {}
    assert.deepEqual([process.length, container.length], [6, 6], `${stack} ${metric}`)
    return { process, container }
  }

  for (const { link, stacks } of QUESTIONS)
    for (const stack of stacks)
      it(`${stack} on ${link}: medians agree within the intervals of six repetitions`, (t) => {
        for (const { metric, part, least } of TIMES) {
          if (stack === 'coap-udp' && metric === 'latency.p50') continue
          const { process, container } = both(link, stack, metric)
          const [one, other] = [summary(process), summary(container)]
          const words = `${metric}: ${one.words} and ${other.words}`
          t.diagnostic(words)
          const apart = one.low > other.high || other.low > one.high
          const matters = Math.abs(one.median - other.median) > Math.max(part * one.median, least)
          assert.equal(apart && matters, false, words)
        }
      })

  for (const stack of QUESTIONS[0].stacks)
    it(`${stack} on lan: the same bytes and packets`, (t) => {
      for (const { metric, tolerance } of WIRE) {
        const { process, container } = both('lan', stack, metric)
        t.diagnostic(`${metric}: ${process.join(' ')} and ${container.join(' ')}`)
        // An acknowledgement of TCP may travel with data or alone, which is a matter of milliseconds.
        const difference = Math.abs(median(process) - median(container))
        assert.ok(
          difference <= (stack === 'coap-udp' ? 0 : tolerance),
          `${metric} differs by ${difference}`,
        )
      }
    })
})
