/** MQTT over QUIC with the second engine: devices on OpenSSL, the front end on quiche. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { RunResult } from './run-scenario.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

/** ms. So long that a round trip is told from the waits for a processor of a machine under load. */
const ROUND_TRIP = 150

const SCENARIO = `
thingbench: 1
name: quic-openssl
stacks:
  - { stack: mqtt-quic, quic: { engine: openssl } }
links: [{ name: near, delay: ${ROUND_TRIP / 2} ms }]
devices: 20
workload: { interval: 250 ms, payload: 100 B }
phases: { ramp: 500 ms, warmup: 300 ms, measure: 1 s, drain: 1 s }
repetitions: 1
`

describe('a run with MQTT over the QUIC of OpenSSL', { skip: skipReason() }, () => {
  let result: RunResult
  const value = (metric: string): number => result.value(metric, 'mqtt-quic')

  before(async () => {
    result = await runText(SCENARIO)
  })
  after(() => result[Symbol.asyncDispose]())

  it('delivers everything, over connections that last', () => {
    assert.equal(value('devices.connected'), 20)
    assert.equal(value('delivery.ratio'), 1)
    assert.equal(value('devices.reconnects'), 0)
  })

  it('takes two round trips to CONNACK, of which the handshake is one', () => {
    const within = (found: number, round: number): void =>
      assert.ok(found >= round && found < round + 0.9, `${found} round trips, not ${round}`)
    within(value('connect.security.p50') / ROUND_TRIP, 1)
    within(value('connect.application.p50') / ROUND_TRIP, 2)
  })

  it('sends two Initials of 1 200 bytes, because it has one small key share', () => {
    const up = value('wire.connect_bytes.up')
    // 2 x (1200 + 28), and small packets: the default of OpenSSL, with a share of ML-KEM too, takes a third one.
    assert.ok(up > 2456 && up < 2900, `${up} B up`)
  })

  it('says in the audit which library and which congestion control each end has', () => {
    const own = (property: string): string | undefined =>
      result.run.audit.stacks[property]?.['mqtt-quic']
    assert.match(
      own('QUIC library') ?? '',
      /^devices: OpenSSL 3\.5\.\d+; front end: quiche 0\.18\.0 /,
    )
    const congestion = own('QUIC congestion control') ?? ''
    assert.match(congestion, /^devices: NewReno of OpenSSL, .*; front end: bbr of quiche/)
    assert.match(own('QUIC pings') ?? '', /25 s/)
    assert.equal(own('group'), 'x25519')
  })
})
