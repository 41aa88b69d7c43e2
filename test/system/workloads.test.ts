/** The application speaks first: on a link of 50 ms each way, a command takes one way, its answer both (docs/method.md). */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { RunResult } from './run-scenario.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

const ONE_WAY = 50
const STACKS = ['mqtt-tcp', 'coap-udp', 'xmpp-tcp']
/** What the processors of both ends, and the server between them, may add to each way, ms; less than the link takes it never. */
const SLACK = 15
/** The same where one server deals with the messages to all devices at the same instant. */
const QUEUE = 60

const scenario = (kind: string, more = ''): string => `
thingbench: 1
name: ${kind}
stacks: [${STACKS.join(', ')}]
links: [{ name: ideal, delay: ${ONE_WAY} ms }]
devices: 10
workload: { kind: ${kind}, interval: 250 ms, payload: 50 B, reliability: acknowledged ${more} }
phases: { ramp: 500 ms, warmup: 1 s, measure: 2 s, drain: 4 s }
repetitions: 1
`

/** The one value of a metric; of several attempts the last. */
const valueIn = (result: RunResult, metric: string, stack: string): number => {
  const value = result.values(metric, stack).at(-1)
  assert.ok(typeof value === 'number', `${metric} of ${stack} is ${String(value)}`)
  return value
}

const takes = (value: number, expected: number, what: string, slack = SLACK): void =>
  assert.ok(
    value >= expected - 0.1 && value <= expected + slack,
    `${what}: ${value} ms is not ${expected} ms`,
  )

const deliveredOnce = (result: RunResult, stack: string): void => {
  assert.equal(valueIn(result, 'delivery.ratio', stack), 1)
  for (const none of ['lost', 'not_sent', 'acked_lost', 'duplicates', 'reordered'])
    assert.equal(valueIn(result, `delivery.${none}`, stack), 0, none)
}

describe('commands and their answers', { skip: skipReason() }, () => {
  let result: RunResult
  before(async () => {
    result = await runText(scenario('command'))
  })
  after(() => result[Symbol.asyncDispose]())

  for (const stack of STACKS)
    it(`${stack}: each command is delivered once after one way, and answered after both`, () => {
      deliveredOnce(result, stack)
      takes(valueIn(result, 'latency.p50', stack), ONE_WAY, 'latency')
      takes(valueIn(result, 'response.p50', stack), 2 * ONE_WAY, 'response', 2 * SLACK)
    })

  it('the response of CoAP is the acknowledgement of the command; a broker acknowledges for itself', () => {
    takes(valueIn(result, 'ack.p50', 'coap-udp'), 2 * ONE_WAY, 'ack', 2 * SLACK)
    for (const stack of ['mqtt-tcp', 'xmpp-tcp']) takes(valueIn(result, 'ack.p50', stack), 0, 'ack')
  })

  it('a CoAP command and its answer are two datagrams, each with the payload', () => {
    const layer = (name: string): number =>
      valueIn(result, `wire.layer_bytes_per_message.${name}`, 'coap-udp')
    // Header 4, token 2, payload marker 1; and the path in the request: 2.
    assert.deepEqual(['ip', 'transport', 'application', 'payload'].map(layer), [40, 16, 16, 100])
  })

  it('the mapping of the verbs is in the audit', () => {
    const { mapping } = result.run.audit
    for (const protocol of ['mqtt', 'coap', 'xmpp'])
      for (const verb of ['command', 'answer', 'fan-out'])
        assert.match(mapping[protocol]?.[verb] ?? '', /\S/, `${protocol} ${verb}`)
  })
})

describe('one message to all', { skip: skipReason() }, () => {
  let result: RunResult
  before(async () => {
    result = await runText(scenario('fan-out'))
  })
  after(() => result[Symbol.asyncDispose]())

  for (const stack of STACKS)
    it(`${stack}: every device hears it once, after one way`, () => {
      deliveredOnce(result, stack)
      // 8 messages to 10 devices.
      assert.equal(valueIn(result, 'throughput.offered', stack), 40)
      takes(valueIn(result, 'latency.p50', stack), ONE_WAY, 'latency', QUEUE)
      const spread = result.values('fanout.spread.max', stack).at(-1)
      assert.ok(typeof spread === 'number' && spread >= 0 && spread < 1000, `spread ${spread}`)
    })
})

describe('a device behind a NAT that forgets', { skip: skipReason() }, () => {
  /** @param interval of commands; the device sends nothing but answers */
  const behindNat = (interval: string): string => `
thingbench: 1
name: nat
stacks: [coap-udp]
links: [{ name: nat, delay: 5 ms, nat: { udp_timeout: 2 s } }]
devices: 5
workload: { kind: command, interval: ${interval}, payload: 50 B, reliability: best-effort }
phases: { ramp: 100 ms, warmup: 4 s, measure: 6 s, drain: 1 s }
repetitions: 1
`
  it('is unreachable until it sends, when it is silent for longer than the NAT remembers', async () => {
    await using result = await runText(behindNat('3 s'))
    // The phase of the first command decides whether it finds the mapping of the registration: in warm-up, where it does not count.
    assert.equal(valueIn(result, 'delivery.ratio', 'coap-udp'), 0)
    assert.equal(valueIn(result, 'delivery.lost', 'coap-udp'), 10)
    assert.ok(valueIn(result, 'link.unreachable', 'coap-udp') >= 10)
  })

  it('is reached when commands and answers keep the mapping', async () => {
    await using result = await runText(behindNat('1 s'))
    deliveredOnce(result, 'coap-udp')
  })
})
