/** On a link of 50 ms each way, times are what the round trips of each protocol say (docs/method.md; RFC 9293, 8446, 6347, 6120, 7252). */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { median } from '../../simulator/measure/statistics.ts'
import type { RunResult } from './run-scenario.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

const ONE_WAY = 50
const RTT = 2 * ONE_WAY
const DEVICES = 20

/** Round trips until application ready. */
const ROUND_TRIPS: Readonly<Record<string, number>> = {
  'mqtt-tcp': 2, // SYN; CONNECT
  'mqtt-tls': 3, // SYN; TLS 1.3; CONNECT
  'coap-udp': 1, // registration
  'coap-dtls-psk': 4, // cookie; hellos; key exchange; registration
  'xmpp-tcp': 6, // SYN; stream; SCRAM twice; stream; bind
  'xmpp-tls': 7, // and TLS 1.3
}

const scenario = `
thingbench: 1
name: theory
stacks: [${Object.keys(ROUND_TRIPS).join(', ')}]
links: [{ name: ideal, delay: ${ONE_WAY} ms }]
devices: ${DEVICES}
workload: { interval: 500 ms, payload: 100 B, reliability: acknowledged }
phases: { ramp: 1 s, warmup: 1 s, measure: 3 s, drain: 2 s }
repetitions: 3
`

describe('theory holds on a 50 ms link', { skip: skipReason() }, () => {
  let result: RunResult
  /** The median of three repetitions: a machine that stalls in one of them proves nothing about the protocol. */
  const value = (metric: string, stack: string): number => {
    const values = result.values(metric, stack).filter((one) => one !== null)
    assert.equal(values.length, 3, `${metric} of ${stack}: not every cell has it`)
    return median(values)
  }

  before(async () => {
    result = await runText(scenario, { repeats: true })
  })
  after(() => result[Symbol.asyncDispose]())

  for (const [stack, trips] of Object.entries(ROUND_TRIPS)) {
    it(`${stack} is ready after ${trips} round trips`, () => {
      const p50 = value('connect.application.p50', stack)
      // 0.1 RTT, and 15 ms for the processors of both ends.
      assert.ok(
        Math.abs(p50 - trips * RTT) <= 0.1 * RTT + 15,
        `${p50} ms is not ${trips} x ${RTT} ms`,
      )
    })

    it(`${stack} delivers after one one-way delay and is acknowledged after one round trip`, () => {
      const latency = value('latency.p50', stack)
      assert.ok(Math.abs(latency - ONE_WAY) <= 3, `latency.p50 ${latency} ms`)
      const ack = value('ack.p50', stack)
      assert.ok(Math.abs(ack - RTT) <= 6, `ack.p50 ${ack} ms`)
      assert.equal(value('delivery.ratio', stack), 1)
    })
  }

  it('a security layer costs exactly its records on every message', () => {
    const bytes = (stack: string, way: string): number =>
      value(`wire.bytes_per_message.${way}`, stack)
    // One record each way per message: DTLS 1.2 with CCM-8 29 bytes, TLS 1.3 with a 16-byte tag 22 bytes.
    for (const way of ['up', 'down']) {
      assert.equal(round(bytes('coap-dtls-psk', way) - bytes('coap-udp', way)), 29, `DTLS ${way}`)
      assert.equal(round(bytes('mqtt-tls', way) - bytes('mqtt-tcp', way)), 22, `TLS ${way}`)
    }
  })

  it('plain stacks show their payload on the link, secured ones do not', () => {
    for (const stack of Object.keys(ROUND_TRIPS)) {
      const expected = stack.endsWith('tls') || stack.endsWith('psk') ? 0 : DEVICES
      assert.equal(value('wire.plaintext_devices', stack), expected, stack)
    }
  })

  it('every stack met the same channel', () => assert.equal(result.run.audit.channels_agree, true))
})

const round = (bytes: number): number => Math.round(bytes * 1e6) / 1e6
