/** MQTT over WebSocket against Debian's Mosquitto and aedes (RFC 6455; MQTT 5 section 6): what it costs on a link, and how it fails. */
import assert from 'node:assert/strict'
import { after, before, describe, it, test } from 'node:test'
import { aedes } from '../../simulator/brokers/aedes.ts'
import type { BrokerProduct } from '../../simulator/brokers/broker.ts'
import { mosquitto } from '../../simulator/brokers/mosquitto.ts'
import { MILLISECOND, NEVER, SECOND, type Nanoseconds } from '../../simulator/core/clock.ts'
import { Traffic } from '../../simulator/core/layer.ts'
import type { Security } from '../../simulator/core/types.ts'
import { EpollReactor } from '../../simulator/io/epoll.ts'
import { SERVER_ADDRESS, deviceAddress } from '../../simulator/network/link-protocol.ts'
import { median } from '../../simulator/measure/statistics.ts'
import { mqtt } from '../../simulator/protocols/mqtt/adapter.ts'
import { answer } from '../../simulator/transports/websocket-peer.cases.ts'
import { fit } from './least-squares.cases.ts'
import { Link, config, inside, shape, skip as noLink } from './link-ends.cases.ts'
import { runText, skipReason, type RunResult } from './run-scenario.cases.ts'
import { End } from './tcp-ends.cases.ts'
import { Sender, alarm, factoryOf, portOf, startBroker } from './websocket-ends.cases.ts'

const missing =
  (await mosquitto.version()) === null ? 'mosquitto is missing: apt-get install mosquitto' : false

// ---- on a link -------------------------------------------------------------------------------------------------

const DEVICES = 5
/** Its phases lie between 49 and 111 ms of 250, so that no message or acknowledgement is near a border of the window. */
const SEED = 165
/** So that a PUBLISH is longer than 125 bytes, and its frame has two bytes more of length. */
const PAYLOAD = 120
/** What the frames of one message cost: PUBLISH 4 + 4; to the server 2 + 4, to the device 2. */
const FRAMING: Readonly<Record<string, readonly [up: number, down: number]>> = {
  'best-effort': [8, 0],
  acknowledged: [8, 2], // PUBACK
  'exactly-once': [8 + 6, 2 + 2], // PUBREC, PUBREL, PUBCOMP
}
const STACKS = ['mqtt-ws', 'mqtt-wss']
const nameOf = (stack: string, reliability: string): string => `${stack}-x-${reliability}`
const variants = STACKS.flatMap((stack) =>
  mqtt.reliabilities.map((reliability) => {
    return `  - { stack: ${stack}, name: ${nameOf(stack, reliability)}, reliability: ${reliability} }`
  }),
)

describe('WebSocket on a link of 20 ms each way', { skip: skipReason() || missing }, () => {
  let result: RunResult
  before(async () => {
    result = await runText(`
thingbench: 1
name: websocket
stacks:
  - mqtt-tcp
  - mqtt-tls
${variants.join('\n')}
baseline: mqtt-tcp
links: [{ name: short, delay: 20 ms }]
devices: ${DEVICES}
workload: { interval: 250 ms, payload: ${PAYLOAD} B, reliability: acknowledged }
phases: { ramp: 200 ms, warmup: 500 ms, measure: 1 s, drain: 1 s }
repetitions: 1
seed: ${SEED}
`)
  })
  after(() => result[Symbol.asyncDispose]())

  for (const stack of STACKS)
    for (const reliability of mqtt.reliabilities)
      it(`${stack}: every ${reliability} message arrives, and its frames are counted to the byte`, () => {
        const value = (metric: string): number => result.value(metric, nameOf(stack, reliability))
        assert.equal(value('delivery.ratio'), 1)
        assert.equal(value('delivery.duplicates'), 0)
        assert.equal(value('devices.reconnects'), 0)
        const [up, down] = FRAMING[reliability] ?? [NaN, NaN]
        assert.equal(value('wire.layer_bytes_per_message.framing'), up + down)
        const layers = ['ip', 'transport', 'security', 'framing', 'application', 'payload', 'retransmission'] // prettier-ignore
        const sum = layers.reduce(
          (total, layer) => total + value(`wire.layer_bytes_per_message.${layer}`),
          0,
        )
        const whole = value('wire.bytes_per_message.up') + value('wire.bytes_per_message.down')
        assert.ok(Math.abs(sum - whole) < 1e-9, `${sum} = ${whole}`)
      })

  it('a masked payload is plaintext, one under TLS is not', () => {
    for (const [stack, devices] of [
      ['mqtt-tcp', DEVICES],
      [nameOf('mqtt-ws', 'acknowledged'), DEVICES],
      ['mqtt-tls', 0],
      [nameOf('mqtt-wss', 'acknowledged'), 0],
    ] as const)
      assert.equal(result.value('wire.plaintext_devices', stack), devices, stack)
  })

  it('WebSocket costs its frames and nothing else on every message, over TCP and over TLS', () => {
    for (const [plain, stack] of [
      ['mqtt-tcp', 'mqtt-ws'],
      ['mqtt-tls', 'mqtt-wss'],
    ] as const)
      for (const [i, way] of ['up', 'down'].entries()) {
        // Payload and headers of what carries data: packets may be acknowledged with one of their own.
        const bytes = (name: string): number => {
          const packet = 52 * result.value(`wire.packets_per_message.${way}`, name)
          return Math.round((result.value(`wire.bytes_per_message.${way}`, name) - packet) * 1e6)
        }
        const more = bytes(nameOf(stack, 'acknowledged')) - bytes(plain)
        assert.equal(more / 1e6, FRAMING['acknowledged']?.[i], `${stack} ${way}`)
      }
  })
})

/** Round trips until CONNACK: SYN; TLS 1.3; GET; CONNECT. */
const ROUND_TRIPS = { none: 3, tls: 4 } as const
/** ms. */
const ROUND_TRIP_TIMES = [10, 30, 100, 300]
/** A turn of mosquitto's main loop, when nobody says anything, ms. */
const TURN = 100

/** From the first packet to CONNACK, ms, of devices that connect one after another; `busy`: another session makes the broker turn every ms. */
const connectTimes = async (
  product: BrokerProduct,
  security: Security,
  rtt: number,
  busy: boolean,
): Promise<number[]> => {
  await using stack = new AsyncDisposableStack()
  const link = stack.use(await Link.start(config(shape({ delay: (rtt / 2) * MILLISECOND }))))
  const { serverNamespace, devicesNamespace } = link.ready
  await startBroker(product, stack, SERVER_ADDRESS, security, serverNamespace)
  using reactor = new EpollReactor()
  const factory = factoryOf(security, SERVER_ADDRESS)
  const senders = Array.from({ length: 9 }, (_, i) => new Sender(i))
  if (busy) {
    const noise = new End()
    const options = { remote: { host: SERVER_ADDRESS, port: 1883 }, owner: noise }
    inside(serverNamespace, () =>
      reactor.connectStream({ ...options, traffic: new Traffic() }, noise),
    )
    noise.onOpen = (now) => {
      noise.below.fromAbove(Buffer.from('100d00044d51545404020000000178', 'hex'), now)
      noise.at = now + MILLISECOND
    }
    const PINGREQ = Uint8Array.of(0xc0, 0)
    noise.onTime = (now) => {
      noise.below.fromAbove(PINGREQ, now)
      noise.at = now + MILLISECOND
    }
  }
  let next = 0
  alarm(reactor, reactor.now() + 50 * MILLISECOND, (now) => {
    const sender = senders[next++]
    if (sender === undefined) {
      reactor.stop()
      return NEVER
    }
    inside(devicesNamespace, () => sender.connect(reactor, factory, deviceAddress(sender.index)))
    if (next === senders.length) return now + 4 * rtt * MILLISECOND + 400 * MILLISECOND
    // So that one device's handshake meets the turns of an idle mosquitto at another phase than the one before.
    return now + (product === mosquitto && !busy ? 137 : 17) * MILLISECOND
  })
  reactor.run()
  for (const { ends } of senders) assert.deepEqual(ends, [])
  return senders.map(({ took }) => took / MILLISECOND)
}

/** Of mosquitto only one that has something to do looks after handshakes at once. */
const LAWS = [
  { product: mosquitto, busy: true, state: 'which is kept busy', skip: noLink || missing },
  { product: aedes, busy: false, state: 'which is idle', skip: noLink },
] as const

for (const security of ['none', 'tls'] as const) {
  const stack = security === 'tls' ? 'mqtt-wss' : 'mqtt-ws'
  const trips = ROUND_TRIPS[security]
  for (const { product, busy, state, skip } of LAWS)
    test(
      `${stack} is ready after ${trips} round trips, by least squares over four round-trip times, at ${product.name}, ${state}`,
      { skip },
      async (t) => {
        const times: number[] = []
        for (const rtt of ROUND_TRIP_TIMES)
          times.push(median(await connectTimes(product, security, rtt, busy)))
        const { slope, intercept } = fit(ROUND_TRIP_TIMES, times)
        t.diagnostic(
          `${times.map((time) => time.toFixed(1)).join(', ')} ms = ${slope.toFixed(3)} RTT + ${intercept.toFixed(1)} ms`,
        )
        assert.ok(Math.abs(slope - trips) <= 0.05, `${slope} round trips`)
        assert.ok(intercept < 15, `an intercept of ${intercept} ms`)
      },
    )

  test(
    `${stack} waits for the turns of a mosquitto that is idle`,
    { skip: noLink || missing },
    async (t) => {
      const least = trips * 100
      const times = await connectTimes(mosquitto, security, 100, false)
      t.diagnostic(`${times.map((time) => time.toFixed(0)).join(' ')} ms`)
      // Accepting is one turn, the request the next; with TLS its flights take turns too.
      const most = least + (trips - 1) * TURN + 40
      for (const time of times) assert.ok(time >= least && time <= most, `${time} ms`)
      assert.ok(median(times) > least + 15, 'no wait: docs/method.md says there is one')
    },
  )
}

// ---- on loopback: how it ends -----------------------------------------------------------------------------------

/** An address of this process's own, so that the ports are free. */
const HOST = `127.${(process.pid >> 8) & 127}.${process.pid & 255}.9`
const CLIENT = '127.0.0.1'

/** How a connection ends that does nothing but connect. */
const endOf = (
  security: Security,
  port: number,
  prepare: (reactor: EpollReactor) => void = () => {},
): string[] => {
  using reactor = new EpollReactor()
  prepare(reactor)
  const sender = new Sender(0, () => reactor.stop())
  sender.connect(reactor, factoryOf(security, HOST, port), CLIENT)
  alarm(reactor, reactor.now() + 5 * SECOND, () => {
    reactor.stop()
    return NEVER
  })
  reactor.run()
  return sender.ends
}

for (const security of ['none', 'tls'] as const)
  test(
    `a broker that is killed in the middle ends every session, once (${security})`,
    { skip: missing },
    async () => {
      await using stack = new AsyncDisposableStack()
      const broker = await startBroker(mosquitto, stack, HOST, security, null)
      using reactor = new EpollReactor()
      let ends = 0
      const senders = Array.from({ length: 5 }, (_, i) => {
        return new Sender(i, () => {
          if (++ends === senders.length) alarm(reactor, reactor.now() + 50 * MILLISECOND, stop)
        })
      })
      const stop = (): Nanoseconds => {
        reactor.stop()
        return NEVER
      }
      const factory = factoryOf(security, HOST)
      for (const sender of senders) {
        sender.most = Infinity
        sender.connect(reactor, factory, CLIENT)
      }
      alarm(reactor, reactor.now(), (now) => {
        if (senders.some(({ acknowledgements }) => acknowledgements < 10)) return now + MILLISECOND
        process.kill(broker.pids()[0] as number, 'SIGKILL')
        return NEVER
      })
      alarm(reactor, reactor.now() + 10 * SECOND, stop)
      reactor.run()
      for (const sender of senders) {
        assert.equal(sender.ends.length, 1)
        assert.match(sender.ends[0] ?? '', /^(reset|truncated): /)
        assert.equal(sender.deadline(), NEVER)
      }
    },
  )

test('what is no WebSocket has a name each', { skip: missing }, async (t) => {
  await using stack = new AsyncDisposableStack()
  await startBroker(mosquitto, stack, HOST, 'tls', null)
  await t.test('nobody listens', () => {
    assert.match(endOf('none', 1)[0] ?? '', /^refused: .*\(before CONNACK\)$/)
  })
  await t.test('a port of plain MQTT', () => {
    // Mosquitto closes at once, with or without having read all of the request.
    const [end = ''] = endOf('none', mqtt.ports.plain)
    assert.match(
      end,
      /^(truncated|reset): no answer to the WebSocket handshake: .*\(before CONNACK\)$/,
    )
  })
  await t.test('a port with TLS, without TLS', () => {
    assert.match(
      endOf('none', portOf('tls'))[0] ?? '',
      /^(truncated|reset|upgrade): .*WebSocket handshake: .*\(before CONNACK\)$/,
    )
  })
  await t.test('a port without TLS, with TLS', () => {
    assert.match(
      endOf('tls', mqtt.ports.plain)[0] ?? '',
      /^(truncated|reset): .*\(before CONNACK\)$/,
    )
  })
})

test('a server that refuses is quoted', () => {
  const refusing = (status: string, fields: Readonly<Record<string, string>> = {}): string[] =>
    endOf('none', 9, (reactor) => {
      reactor.listenStream({ host: HOST, port: 9 }, new Traffic(), () => {
        const end = new End()
        end.fromBelow = (bytes, now) => void end.below.fromAbove(answer(bytes, fields, status), now)
        return { above: end, owner: end }
      })
    })
  assert.deepEqual(refusing('HTTP/1.1 404 Not Found'), [
    'upgrade: WebSocket handshake: the server says "HTTP/1.1 404 Not Found" (before CONNACK)',
  ])
  assert.deepEqual(refusing('HTTP/1.1 101 Fine', { 'Sec-WebSocket-Protocol': 'soap' }), [
    'upgrade: WebSocket handshake: "HTTP/1.1 101 Fine" with Sec-WebSocket-Protocol: soap (before CONNACK)',
  ])
})
