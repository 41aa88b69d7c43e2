/** Devices that come and go, and devices that say nothing: storms, sleep, churn and idle sessions with real servers, small. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { RunResult } from './run-scenario.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

const DEVICES = 20
/** One way, ms. */
const DELAY = 20

const scenario = (stacks: string, workload: string, measure: string): string => `
thingbench: 1
name: connections
stacks: ${stacks}
links: [{ name: quick, delay: ${DELAY} ms }]
devices: ${DEVICES}
workload: ${workload}
phases: { ramp: 300 ms, warmup: 300 ms, measure: ${measure}, drain: 6 s, connect_deadline: 30 s }
repetitions: 1
`

/** From the first packet until application ready: see theory.test.ts. */
const ROUND_TRIPS: Readonly<Record<string, number>> = {
  'mqtt-tcp': 2,
  'mqtt-tls': 3,
  'coap-udp': 1,
  'xmpp-tcp': 6,
  'coap-dtls-psk': 4,
  'xmpp-tls': 7,
}

/** Runs once for all cases of a suite. */
const suite = (
  title: string,
  text: string,
  cases: (of: (metric: string, stack: string) => number, result: () => RunResult) => void,
): void => {
  describe(title, { skip: skipReason() }, () => {
    let result: RunResult
    before(async () => {
      result = await runText(text)
    })
    after(() => result[Symbol.asyncDispose]())
    cases(
      (metric, stack) => result.value(metric, stack),
      () => result,
    )
  })
}

suite(
  'a storm: all devices connect at once',
  scenario(
    '[mqtt-tcp, coap-dtls-psk, xmpp-tls]',
    '{ kind: connect, interval: 2 s, together: true }',
    '2 s',
  ),
  (of, result) => {
    for (const stack of ['mqtt-tcp', 'coap-dtls-psk', 'xmpp-tls']) {
      it(`${stack}: every intended connection is made, in the round trips that it takes`, () => {
        assert.equal(of('connects.offered', stack) * 2, DEVICES)
        assert.equal(of('connects.completed', stack) * 2, DEVICES)
        assert.equal(of('connects.failed', stack) + of('connects.not_started', stack), 0)
        assert.equal(of('devices.reconnects', stack), DEVICES)
        const least = (ROUND_TRIPS[stack] ?? NaN) * 2 * DELAY
        const found = of('connect.application.p50', stack)
        // On a busy machine twenty handshakes at once wait for each other, by 300 ms at most.
        assert.ok(found >= least - 1 && found < least + 300, `${found} ms of ${least}`)
      })

      it(`${stack}: a connection has bytes and processor time, and nothing is given per message`, () => {
        assert.ok(of('wire.connect_bytes.up', stack) >= 45)
        assert.ok(of('wire.connect_bytes.down', stack) >= 30)
        assert.ok(of('cpu.fleet_us_per_connect', stack) > 0)
        const metrics = result()
          .rows.filter((r) => r.stack === stack)
          .map((r) => r.metric)
        assert.deepEqual(
          metrics.filter((m) => /^latency|^delivery|^throughput|per_message/u.test(m)),
          [],
        )
      })
    }

    it('MQTT over TCP connects with the four packets up and three down that it needs, and the close before is not counted', () => {
      const [up, down] = [
        of('wire.connect_packets.up', 'mqtt-tcp'),
        of('wire.connect_packets.down', 'mqtt-tcp'),
      ]
      // Acknowledgements of TCP may be joined, or repeated under load.
      assert.ok(up >= 3 && up < 5, `${up} up`)
      assert.ok(down >= 2 && down < 4, `${down} down`)
    })
  },
)

for (const [close, stacks] of [
  ['orderly', ['mqtt-tls', 'coap-udp', 'xmpp-tcp']],
  ['abrupt', ['mqtt-tcp', 'coap-dtls-psk', 'xmpp-tls']],
] as const)
  suite(
    `devices that sleep, and go ${close}`,
    scenario(
      `[${stacks.join(', ')}]`,
      `{ interval: 500 ms, sleep: { awake: 500 ms, asleep: 1 s, close: ${close} } }`,
      '3 s',
    ),
    (of) => {
      for (const stack of stacks)
        it(`${stack}: everything is delivered, and what waited came one connect and one way after the wake-up`, () => {
          assert.equal(of('throughput.offered', stack) * 3, DEVICES * 6)
          assert.equal(of('delivery.ratio', stack), 1)
          assert.equal(of('connects.offered', stack) * 3, DEVICES * 2)
          const unmade = of('connects.not_started', stack) + of('connects.failed', stack)
          assert.ok(unmade <= 4, `${unmade} connections were not made`)
          const least = (ROUND_TRIPS[stack] ?? NaN) * 2 * DELAY + DELAY
          const found = of('wake.first_delivery.p50', stack)
          assert.ok(found >= least - 1 && found < least + 300, `${found} ms of ${least}`)
          // A registration or a handshake, and the message with its payload of 100 B.
          assert.ok(of('wire.wake_bytes.up', stack) > 150)
          // Some messages wait for most of a sleep.
          assert.ok(of('latency.max', stack) > 700)
        })
    },
  )

suite(
  'churn: in every second half of the devices go without a word',
  scenario(
    '[mqtt-tls, xmpp-tcp]',
    '{ interval: 200 ms, churn: { share: 50 %, every: 1 s } }',
    '3 s',
  ),
  (of) => {
    for (const stack of ['mqtt-tls', 'xmpp-tcp'])
      it(`${stack}: devices reconnect, nothing acknowledged is lost, and the accounts close`, () => {
        const made = of('connects.completed', stack) * 3
        assert.ok(made >= 10, `${made} connections`)
        assert.ok(of('devices.reconnects', stack) >= made)
        assert.equal(of('delivery.acked_lost', stack), 0)
        const intended = of('throughput.offered', stack) * 3
        const delivered = Math.round(of('delivery.ratio', stack) * intended)
        assert.equal(
          delivered + of('delivery.lost', stack) + of('delivery.not_sent', stack),
          intended,
        )
        assert.equal(delivered, intended)
      })
  },
)

suite(
  'commands for devices that sleep',
  scenario(
    '[{ stack: mqtt-tcp, name: kept, mqtt: { clean_start: false } }, { stack: mqtt-tcp, name: clean }]',
    '{ kind: command, interval: 500 ms, sleep: { awake: 500 ms, asleep: 1 s } }',
    '3 s',
  ),
  (of, result) => {
    it('a session that outlives its connection gets what was said meanwhile, once, with the answer to its CONNECT', () => {
      assert.equal(of('delivery.ratio', 'kept'), 1)
      assert.equal(of('delivery.duplicates', 'kept'), 0)
      const found = of('wake.first_delivery.p50', 'kept')
      assert.ok(found >= 4 * DELAY - 1 && found < 4 * DELAY + 300, `${found} ms`)
      assert.ok(of('wire.wake_bytes.down', 'kept') > 100 + 40)
    })

    it('a clean one does not: the server took the commands, and nobody got them', () => {
      const lost = of('delivery.lost', 'clean')
      assert.ok(lost > DEVICES, `${lost} lost`)
      assert.equal(of('delivery.acked_lost', 'clean'), lost)
      assert.deepEqual(result().values('wake.first_delivery.p50', 'clean'), [null])
    })
  },
)

suite(
  'devices that say nothing',
  scenario(
    '[{ stack: mqtt-tcp, mqtt: { keepalive: 1 s } }, { stack: mqtt-tcp, name: default, mqtt: { keepalive: 1 min } }, coap-udp]',
    '{ kind: idle }',
    '4 s',
  ),
  (of, result) => {
    it('MQTT says PINGREQ once per keep alive: three packets', () => {
      // PINGREQ 54 B, PINGRESP 54 B, and the acknowledgement of TCP 52 B, with timestamps; 4 in 4 s, or 3 and 5 at its borders.
      const hour = of('wire.idle_bytes_per_hour', 'mqtt-tcp')
      assert.ok(hour >= 0.7 * 3600 * 160 && hour <= 1.3 * 3600 * 160, `${hour} B/h`)
    })

    it('a window shorter than three keep-alive periods gives no number, and says so', () => {
      assert.deepEqual(result().values('wire.idle_bytes_per_hour', 'default'), [null])
    })

    it('CoAP says nothing', () => assert.equal(of('wire.idle_bytes_per_hour', 'coap-udp'), 0))
  },
)
