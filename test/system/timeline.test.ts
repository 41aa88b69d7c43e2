/** What happens on the way while devices report: blackout, NAT rebinding, mappings that expire; each with the gap that the stack's own timers leave. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Histogram, type HistogramJson } from '../../simulator/measure/histogram.ts'
import type { RunResult } from './run-scenario.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

const DEVICES = 5
const ROUND_TRIP_MS = 40

const scenario = (name: string, stacks: string, timing: string, rest = '', link = ''): string => `
thingbench: 1
name: ${name}
stacks: [${stacks}]
links: [{ name: link, delay: ${ROUND_TRIP_MS / 2} ms${link} }]
devices: ${DEVICES}
workload: { payload: 64 B, reliability: acknowledged, ${timing.split('|')[0]} }
phases: { ramp: 500 ms, warmup: 1 s, connect_deadline: 20 s, ${timing.split('|')[1]} }
repetitions: 1
${rest}
`

/** A run, and what its stacks left behind. */
class Case {
  result!: RunResult
  readonly #text: string
  constructor(text: string) {
    this.#text = text
    before(async () => {
      this.result = await runText(this.#text)
    })
    after(() => this.result[Symbol.asyncDispose]())
  }
  async file(stack: string, name: string): Promise<string> {
    const [last] = this.result.rows
      .filter((row) => row.metric === 'outcome' && row.stack === stack)
      .sort((a, b) => b.attempt - a.attempt)
    const folder = last?.attempt === 2 ? `${last.cell}.attempt2` : String(last?.cell)
    return readFile(join(this.result.folder, 'cells', folder, name), 'utf8')
  }
  /** The latest message, or the latest but so many, in milliseconds after its intended time. */
  async latest(stack: string, but = 0): Promise<number> {
    const series = JSON.parse(await this.file(stack, 'histograms.json')) as Record<string, unknown>
    const latency = Histogram.fromJSON(series['latency'] as HistogramJson)
    return (latency.quantile(1 - (but + 0.5) / latency.count) as number) / 1e6
  }
  /**
   * What a message can be late for no fault of its stack, in milliseconds: twice the worst round trip of a bare echo over
   * the same link in the same run, less its delay. On a machine that others use it is seconds.
   */
  async disturbance(stack: string): Promise<number> {
    const series = JSON.parse(await this.file(stack, 'histograms.json')) as Record<string, unknown>
    return (2 * (Histogram.fromJSON(series['probe.error'] as HistogramJson).max ?? 0)) / 1e6
  }
  of(metric: string, stack: string): number {
    return this.result.value(metric, stack)
  }
  /** All messages arrived, over so many connections more than one for each device. */
  delivers(stack: string, reconnects: number): void {
    const lost = ['delivery.lost', 'delivery.not_sent', 'link.unplanned_drops']
    for (const metric of lost) assert.equal(this.of(metric, stack), 0, metric)
    assert.equal(this.of('devices.reconnects', stack), reconnects)
  }
}

describe('a blackout of one second', { skip: skipReason() }, () => {
  const run = new Case(
    scenario(
      'blackout',
      'mqtt-tcp, { stack: coap-udp, coap: { ack_timeout: 500 ms } }',
      'interval: 100 ms|measure: 5 s, drain: 20 s',
      'timeline: [{ at: 2 s, for: 1 s, blackout: all }]',
    ),
  )

  for (const stack of ['mqtt-tcp', 'coap-udp'])
    it(`${stack}: a gap, then everything that had waited`, async () => {
      run.delivers(stack, 0)
      const lines = (await run.file(stack, 'intervals.csv')).trim().split('\n')
      const rows = lines.map((line) => line.split(','))
      const row = (second: number): string[] =>
        rows.find(([first]) => first === String(second)) ?? []
      // Warm-up takes a second, so t0 + 2 s is second 3.
      assert.equal(row(3)[5], 'blackout begins')
      assert.equal(row(4)[5], 'blackout ends')
      const each = 10 * DEVICES
      assert.ok(Number(row(2)[1]) > 0.8 * each, `second 2: ${row(2)[1]}`)
      assert.ok(Number(row(3)[1]) < 0.2 * each, `second 3: ${row(3)[1]}`)
      assert.match(await run.file(stack, 'log.txt'), /\+ lost [1-9]/)
      assert.ok((await run.latest(stack)) > 900, 'a message waited for its end')
    })

  it('run.json tells of it', async () => {
    const { folder } = run.result
    const { timeline } = JSON.parse(await readFile(join(folder, 'run.json'), 'utf8')) as {
      timeline: readonly { readonly kind: string }[]
    }
    assert.deepEqual(
      timeline.map(({ kind }) => kind),
      ['blackout'],
    )
  })
})

describe('a NAT that rebinds and only translates', { skip: skipReason() }, () => {
  const run = new Case(
    scenario(
      'rebind-reset',
      'mqtt-tcp, mqtt-tls, xmpp-tls, { stack: coap-udp, coap: { ack_timeout: 500 ms } }',
      'interval: 1 s|measure: 5 s, drain: 20 s',
      'timeline: [{ at: 2 s, rebind: all, policy: reset, to: address }]',
    ),
  )

  /** Round trips from the next segment until its message has arrived: RST 1, connect, half of one for the message. */
  for (const [stack, roundTrips] of [
    ['mqtt-tcp', 3.5],
    ['mqtt-tls', 4.5],
    ['xmpp-tls', 8.5],
  ] as const)
    it(`${stack}: each device reconnects once, and its next message arrives after ${roundTrips} round trips`, async (t) => {
      run.delivers(stack, DEVICES)
      assert.match(await run.file(stack, 'log.txt'), new RegExp(`ended: ${DEVICES} x reset`, 'u'))
      // The latest message of each device is the one that met the rebind; of those, the first is the least disturbed.
      const measured = (await run.latest(stack, DEVICES - 1)) / ROUND_TRIP_MS
      t.diagnostic(`${stack}: ${measured.toFixed(2)} round trips, expected ${roundTrips}`)
      assert.ok(measured >= roundTrips - 0.1, `${measured} round trips`)
      const most = roundTrips + 1 + (await run.disturbance(stack)) / ROUND_TRIP_MS
      assert.ok(measured < most, `${measured} round trips`)
    })

  it('coap-udp: nobody notices, because nothing connects them', async () => {
    run.delivers('coap-udp', 0)
    assert.equal(run.of('link.unreachable', 'coap-udp'), 0)
    const most = 500 + (await run.disturbance('coap-udp'))
    assert.ok((await run.latest('coap-udp')) < most, 'nothing was sent again')
  })
})

describe('a NAT that rebinds and drops what is out of state', { skip: skipReason() }, () => {
  const run = new Case(
    scenario(
      'rebind-drop',
      '{ stack: mqtt-tcp, name: user-timeout, tcp: { user_timeout: 1 s } }, { stack: mqtt-tcp, name: keep-alive, mqtt: { keepalive: 1 s } }',
      'interval: 2 s|measure: 8 s, drain: 20 s',
      'timeline: [{ at: 2 s, rebind: all, policy: drop }]',
    ),
  )

  it('the TCP user timeout ends the stall', async (t) => {
    run.delivers('user-timeout', DEVICES)
    assert.match(await run.file('user-timeout', 'log.txt'), /ended: 5 x timeout/u)
    const latest = await run.latest('user-timeout')
    t.diagnostic(`TCP user timeout 1 s: the latest message after ${latest.toFixed(0)} ms`)
    const most = 3000 + (await run.disturbance('user-timeout'))
    assert.ok(latest > 1000 && latest < most, `${latest} ms`)
    assert.ok(run.of('link.unreachable', 'user-timeout') >= DEVICES)
  })

  it('the keep alive of MQTT ends the stall', async (t) => {
    run.delivers('keep-alive', DEVICES)
    assert.match(await run.file('keep-alive', 'log.txt'), /ended: 5 x timeout \(no PINGRESP/u)
    const latest = await run.latest('keep-alive')
    t.diagnostic(`MQTT keep alive 1 s: the latest message after ${latest.toFixed(0)} ms`)
    assert.ok(latest < 3000 + (await run.disturbance('keep-alive')), `${latest} ms`)
  })

  it('the audit names the timers', () => {
    const words = run.result.run.audit.stacks['what ends a connection without answers']
    assert.equal(words?.['user-timeout']?.split(';')[0], 'TCP user timeout 1 s')
    assert.match(words?.['keep-alive'] ?? '', /MQTT keep alive: PINGREQ after 1 s/)
  })
})

describe('a rebinding under DTLS', { skip: skipReason() }, () => {
  const coap = 'coap: { ack_timeout: 500 ms }'
  const run = new Case(
    scenario(
      'rebind-dtls',
      `{ stack: coap-dtls-psk, ${coap} }, { stack: coap-dtls-psk, name: anew, ${coap}, dtls: { rehandshake_after: 1 } }`,
      'interval: 1 s|measure: 6 s, drain: 10 s',
      'timeline: [{ at: 2 s, rebind: all }]',
    ),
  )

  it('the server discards what it cannot place, and the device goes on in vain', () => {
    assert.equal(run.of('devices.reconnects', 'coap-dtls-psk'), 0)
    assert.ok(run.of('delivery.ratio', 'coap-dtls-psk') < 0.6)
  })

  it('another handshake after an unanswered retransmission brings everything', async (t) => {
    run.delivers('anew', DEVICES)
    assert.match(await run.file('anew', 'log.txt'), /ended: 5 x unanswered/u)
    const latest = await run.latest('anew')
    t.diagnostic(
      `rehandshake_after 1, ACK_TIMEOUT 0.5 s: the latest message after ${latest.toFixed(0)} ms`,
    )
    // 0.5 to 0.75 s until the retransmission, twice that for its answer, then the handshakes.
    assert.ok(latest > 1500 && latest < 3000 + (await run.disturbance('anew')), `${latest} ms`)
  })
})

describe('a mapping that lives shorter than the interval', { skip: skipReason() }, () => {
  const run = new Case(
    scenario(
      'nat-timeout',
      'coap-udp',
      'interval: 2500 ms|measure: 10 s, drain: 10 s',
      '',
      ', nat: { udp_timeout: 1 s, tcp_timeout: 1 h }',
    ),
  )

  it('every message arrives and is answered, because the device speaks first', async () => {
    run.delivers('coap-udp', 0)
    // On a machine that stands still for a second, one may be late for its mapping; not all of them.
    assert.ok(run.of('link.unreachable', 'coap-udp') < DEVICES)
    const most = 2000 + (await run.disturbance('coap-udp'))
    assert.ok((await run.latest('coap-udp')) < most, 'nothing was sent again')
  })
})
