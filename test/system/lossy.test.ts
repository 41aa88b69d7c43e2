/** A hundred devices on a link that loses one packet in twenty, each way: what protocols repair, and that nothing goes missing in the accounts. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { RunResult } from './run-scenario.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

const DEVICES = 100
const STACKS = ['mqtt-tcp', 'mqtt-tls', 'coap-udp', 'coap-dtls-psk', 'xmpp-tcp', 'xmpp-tls']

// ACK_TIMEOUT of half a second, because the last of five copies leaves up to 22 s after the first with the default of 2 s.
const scenario = `
thingbench: 1
name: lossy
stacks:
  - mqtt-tcp
  - mqtt-tls
  - { stack: coap-udp, coap: { ack_timeout: 500 ms } }
  - { stack: coap-dtls-psk, coap: { ack_timeout: 500 ms } }
  - xmpp-tcp
  - xmpp-tls
links: [{ name: lossy, delay: 20 ms, loss: 5 % }]
devices: ${DEVICES}
workload: { interval: 1 s, payload: 100 B, reliability: acknowledged }
phases: { ramp: 2 s, warmup: 1 s, measure: 4 s, drain: 30 s, connect_deadline: 60 s }
repetitions: 1
`

describe('100 devices on a link that loses 5 % each way', { skip: skipReason() }, () => {
  let result: RunResult
  before(async () => {
    result = await runText(scenario, { repeats: true })
  })
  after(() => result[Symbol.asyncDispose]())

  /** log.txt of the attempt that counts. */
  const logOf = (stack: string): Promise<string> => {
    const [last] = result.rows
      .filter((r) => r.metric === 'outcome' && r.stack === stack)
      .sort((a, b) => b.attempt - a.attempt)
    const name = last?.attempt === 2 ? `${last.cell}.attempt2` : String(last?.cell)
    return readFile(join(result.folder, 'cells', name, 'log.txt'), 'utf8')
  }

  for (const stack of STACKS) {
    const of = (metric: string): number => result.value(metric, stack)

    it(`${stack}: all connect, and the link loses what it was asked to`, async () => {
      assert.equal(of('devices.connected'), DEVICES)
      assert.equal(of('devices.failed'), 0)
      const link =
        /arrived (\d+) \+ duplicated 0 = delivered (\d+) \+ lost (\d+) \+ overflowed (\d+) \+ unreachable (\d+) \+ queued (\d+)/
      const [arrived = 0, ...parts] = (link.exec(await logOf(stack)) ?? []).slice(1).map(Number)
      assert.equal(
        parts.reduce((sum, count) => sum + count, 0),
        arrived,
      )
      // Probes lose nothing: 5 a second of them beside some 800 packets.
      const [, lost = 0] = parts
      assert.ok(lost / arrived > 0.03 && lost / arrived < 0.07, `${lost} of ${arrived} were lost`)
    })

    it(`${stack}: intended = delivered + lost + not sent, and nothing that was acknowledged is missing`, async () => {
      const intended = of('throughput.offered') * 4
      assert.equal(intended, DEVICES * 4)
      const lost = of('delivery.lost')
      const notSent = of('delivery.not_sent')
      const delivered = Math.round(of('delivery.ratio') * intended)
      assert.equal(delivered + lost + notSent, intended)
      assert.equal(of('delivery.acked_lost'), 0)
      // CON gives up after its last copy (about once in 10 000 messages here), and then says so.
      if (lost + notSent > 0) assert.match(await logOf(stack), /messages given up: \d+ x no answer/)
      else assert.equal(of('delivery.ratio'), 1)
    })

    it(`${stack}: retransmissions show in the slowest exchanges, and connections are not lost`, async () => {
      // One exchange in ten needs more than one copy; none of them is faster than the timers allow.
      assert.ok(of('latency.max') > 150, `latency.max ${of('latency.max')} ms`)
      assert.match(await logOf(stack), new RegExp(`${DEVICES} connected, 0 failed, 0 reconnects`))
    })
  }

  it('every stack met the same channel', () => assert.equal(result.run.audit.channels_agree, true))
})
