/** MQTT over QUIC as a stack of a run, beside TLS through the same front end. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from './command.cases.ts'
import type { RunResult } from './run-scenario.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

const skip = skipReason()

/** ms. */
const ROUND_TRIP = 20

const SCENARIO = `
thingbench: 1
name: quic
stacks:
  - mqtt-quic
  - { stack: mqtt-tls, name: tls-front, via: front-end }
  - { stack: mqtt-quic, name: quic-aedes, broker: aedes, via: front-end, quic: { streams: per-topic } }
  - { stack: mqtt-quic, name: quic-inside, broker: aedes }
  - { stack: mqtt-quic, name: quic-topics, broker: aedes, via: direct, quic: { streams: per-topic } }
links: [{ name: near, delay: ${ROUND_TRIP / 2} ms }]
devices: 20
workload: { interval: 250 ms, payload: 100 B }
phases: { ramp: 500 ms, warmup: 300 ms, measure: 1 s, drain: 1 s }
repetitions: 1
`

describe('a run with MQTT over QUIC and over TLS through the front end', { skip }, () => {
  let result: RunResult

  before(async () => {
    result = await runText(SCENARIO)
  })
  after(() => result[Symbol.asyncDispose]())

  it('delivers everything', () => {
    for (const stack of ['mqtt-quic', 'tls-front', 'quic-aedes', 'quic-inside', 'quic-topics']) {
      assert.equal(result.value('devices.connected', stack), 20, stack)
      assert.equal(result.value('delivery.ratio', stack), 1, stack)
      assert.equal(result.value('devices.reconnects', stack), 0, stack)
    }
  })

  it('takes two round trips to CONNACK with QUIC, of which the handshake is one, and three with TLS', () => {
    const after = (metric: string, stack: string): number =>
      result.value(`connect.${metric}.p50`, stack) / ROUND_TRIP
    // The law is in round-trips.test.ts: on a busy machine the processors add to it, by 60 ms at most.
    const within = (found: number, round: number): void =>
      assert.ok(found >= round && found < round + 3, `${found} round trips, not ${round}`)
    within(after('transport', 'mqtt-quic'), 0)
    within(after('security', 'mqtt-quic'), 1)
    within(after('application', 'mqtt-quic'), 2)
    within(after('transport', 'tls-front'), 1)
    within(after('application', 'tls-front'), 3)
  })

  it('counts the packets of the handshake on the link: two Initials of 1 200 bytes up, one and the certificate down', () => {
    const up = result.value('wire.connect_bytes.up', 'mqtt-quic')
    const down = result.value('wire.connect_bytes.down', 'mqtt-quic')
    // 2 x (1200 + 28), a packet for the rest of it, CONNECT, and acknowledgements; 1200 + 28, certificate, ticket, CONNACK.
    assert.ok(up > 2456 && up < 2800, `${up} B up`)
    assert.ok(down > 1228 + 454 && down < 2200, `${down} B down`)
  })

  it('adds up what a message takes on the link, and lets nobody read it', () => {
    const layers = ['ip', 'transport', 'security', 'framing', 'application', 'payload', 'retransmission'] // prettier-ignore
    const of = (name: string): number => result.value(name, 'mqtt-quic')
    const sum = layers.reduce((total, layer) => total + of(`wire.layer_bytes_per_message.${layer}`), 0) // prettier-ignore
    const all = of('wire.bytes_per_message.up') + of('wire.bytes_per_message.down')
    assert.ok(Math.abs(sum - all) < 1e-6, `${sum} of ${all} B`)
    assert.equal(of('wire.layer_bytes_per_message.payload'), 100)
    // A short header, a frame and a tag in each packet (RFC 9000 section 17.3, RFC 9001 section 5.3).
    assert.ok(of('wire.layer_bytes_per_message.security') > 60)
    assert.equal(of('wire.plaintext_devices'), 0)
    assert.deepEqual(result.values('wire.retransmitted_ratio', 'mqtt-quic'), [null])
  })

  it('tells what the front end used, beside the broker', () => {
    for (const stack of ['mqtt-quic', 'tls-front'])
      for (const metric of [
        'cpu.front_end_us_per_message',
        'cpu.front_end_us_per_connect',
        'cpu.broker_us_per_message',
      ])
        // prettier-ignore
        assert.ok(result.value(metric, stack) > 0, `${stack}: ${metric}`)
  })

  it('says in the audit who speaks QUIC, with which congestion control and key share, and over how many hops', () => {
    const { stacks } = result.run.audit
    const hops = { 'mqtt-quic': '3', 'tls-front': '3', 'quic-aedes': '3', 'quic-inside': '2', 'quic-topics': '2' } // prettier-ignore
    assert.deepEqual(stacks.hops, hops)
    const own = (property: string): string | undefined => stacks[property]?.['mqtt-quic']
    assert.match(own('front end') ?? '', /quiche 0\.18\.0 with its BoringSSL/)
    assert.match(own('QUIC library') ?? '', /quiche 0\.18\.0 with its BoringSSL, at both ends/)
    assert.match(own('QUIC congestion control') ?? '', /^bbr .*both ends/)
    assert.match(own('QUIC key share') ?? '', /X25519/)
    assert.match(stacks['front end']?.['tls-front'] ?? '', /OpenSSL 3\./)
    assert.equal(stacks['mosquitto: TLS version'], undefined)
  })

  it('has no front end before a broker that speaks QUIC itself, and says whose QUIC that is', () => {
    const { stacks } = result.run.audit
    for (const stack of ['quic-inside', 'quic-topics']) {
      assert.equal(stacks['front end']?.[stack], 'none')
      assert.equal(stacks['front end: Retry']?.[stack], undefined)
      assert.deepEqual(result.values('cpu.front_end_us_per_message', stack), [])
      assert.ok(result.value('cpu.broker_us_per_connect', stack) > 0)
      assert.match(stacks['QUIC library']?.[stack] ?? '', /quiche 0\.18\.0 .*, at both ends/)
      assert.match(stacks['aedes: QUIC']?.[stack] ?? '', /inside the process of aedes/)
      assert.equal(stacks['aedes: TLS version']?.[stack], undefined)
    }
    assert.equal(stacks['aedes: QUIC']?.['quic-aedes'], undefined)
  })

  it('keeps the last words of the front end', async () => {
    const cell = result.rows.find((row) => row.stack === 'mqtt-quic')?.cell ?? ''
    const log = await readFile(join(result.folder, 'cells', cell, 'front-end.log'), 'utf8')
    assert.match(log, /^listening on .*port 14567/)
  })
})

describe('a front end that dies in the middle of a cell', { skip }, () => {
  it('is told like a broker that does: the cell fails with its last lines, and nothing is left', async () => {
    await using command = await Command.create()
    const file = await command.scenario(`
thingbench: 1
stacks: [mqtt-quic]
links: [{ name: quick, delay: 5 ms }]
devices: 5
workload: { interval: 250 ms, payload: 50 B }
phases: { ramp: 100 ms, warmup: 300 ms, measure: 10 s, drain: 1 s }
repetitions: 1
`)
    command.start(['run', file, '--out', command.out, '--json'])
    await command.running('fleet-process.ts')
    await sleep(500)
    process.kill((await command.running('front-end.json')).pid, 'SIGKILL')
    const killed = performance.now()
    const { code, stderr } = await command.ended(30)
    assert.equal(code, 1, stderr)
    assert.ok(performance.now() - killed < 8000, 'it did not wait for the end of the window')
    const verdict = (await command.rows()).find(({ metric }) => metric === 'outcome')
    assert.equal(verdict?.outcome, 'failed')
    assert.match(
      verdict.warnings.join('\n'),
      /front end of thingbench ended in the middle of the cell \(signal SIGKILL\)[^]*listening on/,
    )
    await command.nothingLeft(new Set())
  })
})
