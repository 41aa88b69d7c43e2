/** Our MQTT sessions against Debian's Mosquitto (package mosquitto), over loopback and our own reactor. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Broker, BrokerProduct } from '../../simulator/brokers/broker.ts'
import { mosquitto } from '../../simulator/brokers/mosquitto.ts'
import { startProcess, waitListening } from '../../simulator/brokers/runtimes/process.ts'
import type { Nanoseconds } from '../../simulator/core/clock.ts'
import { MILLISECOND, NEVER, SECOND } from '../../simulator/core/clock.ts'
import type { Cause, Upper } from '../../simulator/core/layer.ts'
import { Traffic } from '../../simulator/core/layer.ts'
import { Random } from '../../simulator/core/random.ts'
import type { ProtocolOptions, Reliability, TlsOptions } from '../../simulator/core/types.ts'
import { EpollReactor } from '../../simulator/io/epoll.ts'
import type { Timer } from '../../simulator/io/reactor.ts'
import { mqtt } from '../../simulator/protocols/mqtt/adapter.ts'
import type {
  ConsumerEvents,
  ConsumerSession,
  DeviceEvents,
  DeviceSession,
} from '../../simulator/protocols/session.ts'
import { makePki } from '../../simulator/security/pki.ts'
import { TlsClient, TlsContext } from '../../simulator/transports/tls.ts'

const skip =
  (await mosquitto.version()) === null ? 'mosquitto is missing: apt-get install mosquitto' : false

/** An address of this process's own, so that the ports are free. */
const HOST = `127.${(process.pid >> 8) & 127}.${process.pid & 255}.7`
const DEVICES = 5
const MESSAGES = 200

const pki = makePki({
  dnsName: 'server.test',
  notBefore: new Date(Date.now() - 3600_000),
  notAfter: new Date(Date.now() + 3600_000),
})

const start = async (
  t: { after(then: () => Promise<void>): void },
  tls: TlsOptions | null = null,
  product: BrokerProduct = mosquitto,
): Promise<Broker> => {
  const folder = await mkdtemp(join(tmpdir(), 'thingbench-mqtt-'))
  const { signal } = new AbortController()
  const plan = {
    folder,
    address: HOST,
    protocol: 'mqtt',
    security: tls === null ? ('none' as const) : ('tls' as const),
    serverName: 'server.test',
    password: '',
    certificate: tls === null ? null : { chain: pki.certificate, key: pki.key },
    tls,
    psk: new Map<string, Uint8Array>(),
    devices: DEVICES,
    options: {},
  }
  const broker = await startProcess(product, plan, { namespace: null, cpu: null, signal })
  t.after(async () => {
    await broker[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })
  const ports = tls === null ? [mqtt.ports.plain] : [mqtt.ports.plain, mqtt.ports.secure]
  await waitListening(broker, HOST, ports, 10_000, signal)
  return broker
}

/** Calls `then` after a time, unless the reactor has stopped. */
class Alarm implements Timer {
  timerSlot = -1
  #at: Nanoseconds
  readonly #then: () => void
  constructor(reactor: EpollReactor, after: Nanoseconds, then: () => void) {
    this.#at = reactor.now() + after
    this.#then = then
    reactor.arm(this)
  }
  deadline(): Nanoseconds {
    return this.#at
  }
  expire(): void {
    this.#at = NEVER
    this.#then()
  }
}

const alarm = (reactor: EpollReactor, after: Nanoseconds, then: () => void): Alarm =>
  new Alarm(reactor, after, then)

/** A pile of session and, with a context, TLS; the reactor's owner of both. */
class Pile implements Timer {
  timerSlot = -1
  readonly session: DeviceSession | ConsumerSession
  readonly #tls: TlsClient | null
  constructor(
    reactor: EpollReactor,
    session: DeviceSession | ConsumerSession,
    context: TlsContext | null = null,
    port: number = context === null ? mqtt.ports.plain : mqtt.ports.secure,
  ) {
    this.session = session
    this.#tls = context === null ? null : new TlsClient(context, new Traffic(), 'server.test')
    if (this.#tls !== null) {
      this.#tls.above = session
      session.below = this.#tls
    }
    const lowest: Upper = this.#tls ?? session
    const remote = { host: HOST, port }
    reactor.connectStream({ remote, owner: this, traffic: new Traffic() }, lowest)
  }
  negotiated(): Readonly<Record<string, string>> {
    return this.#tls?.negotiated() ?? {}
  }
  deadline(): Nanoseconds {
    return Math.min(this.session.deadline(), this.#tls?.deadline() ?? NEVER)
  }
  expire(now: Nanoseconds): void {
    if (this.#tls !== null && now >= this.#tls.deadline()) this.#tls.expire(now)
    if (now >= this.session.deadline()) this.session.expire(now)
  }
}

const connected = (...all: ConstructorParameters<typeof Pile>): Pile => new Pile(...all)

const common = (options: ProtocolOptions, reliability: Reliability) => ({
  options,
  reliability,
  serverName: 'server.test',
  password: '',
  random: new Random(1),
})

const deviceSession = (
  device: number,
  events: DeviceEvents,
  options: ProtocolOptions,
  reliability: Reliability = 'acknowledged',
): DeviceSession =>
  mqtt.device(
    { ...common(options, reliability), device, registration: 'resource-directory' },
    events,
  )

const consumerSession = (
  events: ConsumerEvents,
  options: ProtocolOptions,
  reliability: Reliability,
): ConsumerSession => {
  assert.ok(mqtt.consumer.kind === 'subscribe')
  return mqtt.consumer.create({ ...common(options, reliability), devices: DEVICES }, events)
}

/** A device that sends numbered messages: each when the one before is acknowledged, or, in a burst, all that the session takes. */
class Sender implements DeviceEvents {
  session: DeviceSession | null = null
  readonly log: string[] = []
  readonly #burst: boolean
  readonly #onEnd: () => void
  next = 0
  acknowledgements = 0
  mostOutstanding = 0
  constructor(burst: boolean, onEnd: () => void) {
    this.#burst = burst
    this.#onEnd = onEnd
  }
  #pump(now: Nanoseconds): void {
    while (this.next < MESSAGES) {
      const payload = Buffer.from(String(this.next).padStart(8, '0'))
      if (this.session?.send(this.next, payload, now) !== true) return
      this.next++
      this.mostOutstanding = Math.max(this.mostOutstanding, this.session.outstanding())
      if (!this.#burst) return
    }
  }
  sessionReady(now: Nanoseconds): void {
    this.#pump(now)
  }
  transmitted(): void {}
  acknowledged(sequence: number, now: Nanoseconds): void {
    assert.equal(sequence, this.acknowledgements++)
    this.#pump(now)
  }
  gaveUp(sequence: number, reason: string): void {
    this.log.push(`gave up ${sequence}: ${reason}`)
  }
  unblocked(now: Nanoseconds): void {
    this.#pump(now)
  }
  ended(cause: Cause): void {
    this.log.push(`${cause.code}: ${cause.detail}`)
    this.#onEnd()
  }
}

/** Runs devices and a consumer until everything was received and acknowledged. */
const exchange = (
  options: ProtocolOptions,
  reliability: Reliability,
  context: TlsContext | null = null,
  burst = reliability === 'best-effort',
) => {
  using reactor = new EpollReactor()
  const received = Array.from({ length: DEVICES }, (): string[] => [])
  const senders = received.map(() => new Sender(burst, () => reactor.stop()))
  let negotiated: Readonly<Record<string, string>> = {}
  const complete = (): boolean =>
    received.every((messages) => messages.length >= MESSAGES) &&
    (reliability === 'best-effort' || senders.every((s) => s.acknowledgements === MESSAGES))
  const piles: Pile[] = []
  const events: ConsumerEvents = {
    consumerReady: () => {
      for (const [device, sender] of senders.entries()) {
        sender.session = deviceSession(device, sender, options, reliability)
        piles.push(connected(reactor, sender.session, context))
      }
    },
    received: (device, payload) => {
      received[device]?.push(Buffer.from(payload).toString())
    },
    ended: (cause) => assert.fail(`consumer: ${cause.code}: ${cause.detail}`),
  }
  const consumer = connected(reactor, consumerSession(events, options, reliability))
  const check = (): void => {
    if (!complete()) return void alarm(reactor, 5 * MILLISECOND, check)
    negotiated = piles[0]?.negotiated() ?? {}
    for (const pile of [...piles, consumer]) pile.session.close(reactor.now())
    // What close hands down leaves in the next turns.
    alarm(reactor, 20 * MILLISECOND, () => reactor.stop())
  }
  check()
  alarm(reactor, 10 * SECOND, () => reactor.stop())
  reactor.run()
  return { received, senders, negotiated }
}

const numbers = Array.from({ length: MESSAGES }, (_, i) => String(i).padStart(8, '0'))

for (const version of ['3.1.1', '5'])
  for (const reliability of ['best-effort', 'acknowledged', 'exactly-once'] as const)
    test(
      `every ${reliability} message of MQTT ${version} arrives once and in order`,
      { skip },
      async (t) => {
        const broker = await start(t)
        const { received, senders } = exchange({ version }, reliability)
        for (const [device, sender] of senders.entries()) {
          assert.deepEqual(sender.log, [])
          assert.deepEqual(received[device], numbers)
          assert.equal(sender.acknowledgements, reliability === 'best-effort' ? 0 : MESSAGES)
          assert.equal(sender.session?.outstanding(), 0)
        }
        assert.equal(broker.ended(), null)
        await new Promise((resolve) => setTimeout(resolve, 50))
        assert.doesNotMatch(broker.log(), /error/i)
      },
    )

for (const tls of [
  { version: '1.3', group: 'X25519', cipher: 'TLS_AES_128_GCM_SHA256' },
  { version: '1.3', group: 'P-384', cipher: 'TLS_CHACHA20_POLY1305_SHA256' },
  { version: '1.3', group: 'P-256', cipher: 'TLS_AES_128_CCM_8_SHA256' },
  { version: '1.2', group: 'X25519', cipher: 'ECDHE-ECDSA-AES128-CCM8' },
] as const)
  test(`over TLS ${tls.version} with ${tls.group} and ${tls.cipher}`, { skip }, async (t) => {
    await start(t, tls)
    const context = TlsContext.client({ ...tls, authority: pki.authority })
    const { received, senders, negotiated } = exchange({ version: '5' }, 'acknowledged', context)
    assert.deepEqual(
      senders.flatMap(({ log }) => log),
      [],
    )
    for (const messages of received) assert.deepEqual(messages, numbers)
    assert.equal(negotiated.version, `TLSv${tls.version}`)
    assert.equal(negotiated.cipher, tls.cipher)
    context.close()
  })

for (const reliability of ['acknowledged', 'exactly-once'] as const)
  test(
    `the Receive Maximum of the broker holds in a burst (${reliability})`,
    { skip },
    async (t) => {
      await start(t)
      const { received, senders } = exchange({ version: '5' }, reliability, null, true)
      for (const [device, sender] of senders.entries()) {
        assert.deepEqual(sender.log, [])
        assert.deepEqual(received[device], numbers)
        // Mosquitto's default for max_inflight_messages.
        assert.equal(sender.mostOutstanding, 20)
      }
    },
  )

test(
  'topic alias, User Properties, user name, will, retained messages, shared subscription and Receive Maximum change nothing of what arrives',
  { skip },
  async (t) => {
    const broker = await start(t)
    const options = {
      version: '5',
      topic_alias: true,
      user_properties: 10,
      username: 'meter',
      'will.topic': 'w',
      'will.payload': 8,
      'will.qos': 2,
      retain: true,
      receive_maximum: 5,
      shared_subscription: true,
    }
    const { received, senders } = exchange(options, 'exactly-once', null, true)
    for (const [device, sender] of senders.entries()) {
      assert.deepEqual(sender.log, [])
      assert.deepEqual(received[device], numbers)
    }
    assert.equal(broker.ended(), null)
  },
)

/** What a consumer gets that comes when the devices are gone. */
const late = (options: ProtocolOptions, before: (reactor: EpollReactor) => void): string[] => {
  using reactor = new EpollReactor()
  const received: string[] = []
  before(reactor)
  alarm(reactor, 300 * MILLISECOND, () => {
    const events: ConsumerEvents = {
      consumerReady: () => {},
      received: (device, payload) => received.push(`${device} ${Buffer.from(payload).toString()}`),
      ended: (cause) => assert.fail(`consumer: ${cause.code}: ${cause.detail}`),
    }
    connected(reactor, consumerSession(events, options, 'acknowledged'))
  })
  alarm(reactor, 600 * MILLISECOND, () => reactor.stop())
  reactor.run()
  return received
}

test('the broker keeps the last retained message, and no other', { skip }, async (t) => {
  await start(t)
  for (const [options, expected] of [
    [{}, []],
    [{ retain: true }, [`3 ${numbers.at(-1)}`]],
  ] as const) {
    const received = late(options, (reactor) => {
      const sender = new Sender(true, () => {})
      sender.session = deviceSession(3, sender, options)
      connected(reactor, sender.session)
      alarm(reactor, 200 * MILLISECOND, () => sender.session?.close(reactor.now()))
    })
    assert.deepEqual(received, expected)
  }
})

test(
  'the broker publishes the will of a device that goes without DISCONNECT, and only of that',
  { skip },
  async (t) => {
    await start(t)
    // Under "d", so that the consumer hears it: as a message of no device.
    const options = { 'will.topic': 'd', 'will.payload': 6, 'will.qos': 1 }
    for (const [orderly, expected] of [
      [true, []],
      [false, ['-1 wwwwww']],
    ] as const) {
      using reactor = new EpollReactor()
      const received: string[] = []
      const sender = new Sender(true, () => {})
      sender.next = MESSAGES
      sender.session = deviceSession(0, sender, options)
      const events: ConsumerEvents = {
        consumerReady: () => {
          connected(reactor, sender.session as DeviceSession)
          alarm(reactor, 200 * MILLISECOND, () => {
            if (orderly) sender.session?.close(reactor.now())
            else sender.session?.below.close(reactor.now())
          })
        },
        received: (device, payload) =>
          received.push(`${device} ${Buffer.from(payload).toString()}`),
        ended: (cause) => assert.fail(`consumer: ${cause.code}: ${cause.detail}`),
      }
      connected(reactor, consumerSession(events, {}, 'acknowledged'))
      alarm(reactor, 500 * MILLISECOND, () => reactor.stop())
      reactor.run()
      assert.deepEqual(received, expected)
    }
  },
)

for (const version of ['3.1.1', '5'])
  for (const reliability of ['acknowledged', 'exactly-once'] as const)
    test(
      `connections that are cut in the middle lose nothing on a persistent session (${version}, ${reliability})`,
      { skip },
      async (t) => {
        await start(t)
        using reactor = new EpollReactor()
        const options = { version, clean_start: false }
        const memory = { kept: null }
        const received: string[] = []
        const acknowledged = new Set<number>()
        let connections = 0
        let present = 0
        let next = 0
        const cut = (session: DeviceSession): void => {
          session.below.close(reactor.now())
          session.closed({ code: 'reset', detail: 'cut by the test' }, reactor.now())
        }
        const again = (): void => {
          connections++
          const pending: number[] = []
          for (let i = 0; i < next; i++) if (!acknowledged.has(i)) pending.push(i)
          const pump = (now: Nanoseconds): void => {
            while (pending.length > 0 || next < MESSAGES) {
              const sequence = pending[0] ?? next
              const payload = Buffer.from(String(sequence).padStart(8, '0'))
              if (!session.send(sequence, payload, now)) return
              if (pending.length > 0) pending.shift()
              else next++
            }
          }
          const session: DeviceSession = mqtt.device(
            {
              ...common(options, reliability),
              device: 0,
              registration: 'resource-directory',
              memory,
            },
            {
              sessionReady: (now) => {
                if (session.outstanding() > 0) present++
                pump(now)
              },
              transmitted: () => {},
              acknowledged: (sequence) => {
                acknowledged.add(sequence)
                if (acknowledged.size === MESSAGES)
                  alarm(reactor, 100 * MILLISECOND, () => reactor.stop())
                // With 20 in flight, in all stages of their handshakes.
                else if (acknowledged.size === connections * 20) cut(session)
              },
              gaveUp: (sequence, reason) => assert.fail(`${sequence}: ${reason}`),
              unblocked: pump,
              ended: (cause) => {
                assert.equal(cause.detail, 'cut by the test')
                alarm(reactor, MILLISECOND, again)
              },
            },
          )
          connected(reactor, session)
        }
        const events: ConsumerEvents = {
          consumerReady: again,
          received: (_, payload) => received.push(Buffer.from(payload).toString()),
          ended: (cause) => assert.fail(`consumer: ${cause.code}: ${cause.detail}`),
        }
        connected(reactor, consumerSession(events, options, reliability))
        alarm(reactor, 10 * SECOND, () => reactor.stop())
        reactor.run()
        assert.equal(acknowledged.size, MESSAGES)
        assert.ok(connections > 3 && present > 0, `${connections} connections, ${present} resumed`)
        assert.deepEqual([...new Set(received)].sort(), numbers)
        if (reliability === 'exactly-once') assert.equal(received.length, MESSAGES)
      },
    )

/** How a device's connection ends that does nothing but connect. */
const endOf = (options: ProtocolOptions, port: number = mqtt.ports.plain): string[] => {
  using reactor = new EpollReactor()
  const sender = new Sender(false, () => reactor.stop())
  sender.session = deviceSession(0, sender, options)
  connected(reactor, sender.session, null, port)
  alarm(reactor, 5 * SECOND, () => reactor.stop())
  reactor.run()
  return sender.log
}

test('a broker that wants a password refuses with authentication', { skip }, async (t) => {
  const closed: BrokerProduct = {
    ...mosquitto,
    prepare: async (plan) => {
      const launch = await mosquitto.prepare(plan)
      const file = join(plan.folder, 'mosquitto.conf')
      const text = await readFile(file, 'utf8')
      await writeFile(file, text.replace('allow_anonymous true', 'allow_anonymous false'))
      return launch
    },
  }
  await start(t, null, closed)
  assert.deepEqual(endOf({ version: '3.1.1' }), [
    'authentication: CONNECT refused: not authorized (0x05)',
  ])
  assert.deepEqual(endOf({ version: '5' }), [
    'authentication: CONNECT refused: not authorized (0x87)',
  ])
})

test('where nobody listens the connection is refused', { skip }, () => {
  const [end = ''] = endOf({}, 1)
  assert.match(end, /^refused: .* \(before CONNACK\)$/)
})

test('a broker that is killed in the middle ends every session, once', { skip }, async (t) => {
  const broker = await start(t)
  using reactor = new EpollReactor()
  let ends = 0
  const senders = Array.from(
    { length: DEVICES },
    () =>
      new Sender(false, () => {
        if (++ends === DEVICES) alarm(reactor, 50 * MILLISECOND, () => reactor.stop())
      }),
  )
  for (const [device, sender] of senders.entries()) {
    sender.session = deviceSession(device, sender, {})
    connected(reactor, sender.session)
  }
  const killWhenBusy = (): void => {
    if (senders.some((sender) => sender.acknowledgements < 10))
      return void alarm(reactor, MILLISECOND / 10, killWhenBusy)
    process.kill(broker.pids()[0] as number, 'SIGKILL')
  }
  killWhenBusy()
  alarm(reactor, 10 * SECOND, () => reactor.stop())
  reactor.run()
  for (const { log, session } of senders) {
    assert.equal(log.length, 1)
    assert.match(log[0] as string, /^(closed|reset|truncated): /)
    assert.equal(session?.deadline(), NEVER)
  }
})

test('an idle session stays connected by PINGREQ', { skip }, async (t) => {
  const broker = await start(t)
  using reactor = new EpollReactor()
  const sender = new Sender(false, () => reactor.stop())
  sender.next = MESSAGES
  sender.session = deviceSession(0, sender, { keepalive: SECOND })
  const pile = connected(reactor, sender.session)
  alarm(reactor, 3.2 * SECOND, () => {
    assert.ok(pile.deadline() < NEVER)
    sender.session?.close(reactor.now())
    alarm(reactor, 20 * MILLISECOND, () => reactor.stop())
  })
  reactor.run()
  assert.deepEqual(sender.log, [])
  assert.equal(broker.ended(), null)
})

test('the same client identifier again ends the older session', { skip }, async (t) => {
  await start(t)
  using reactor = new EpollReactor()
  const first = new Sender(false, () => reactor.stop())
  first.session = deviceSession(0, first, { version: '5' })
  const second = new Sender(false, () => reactor.stop())
  second.session = deviceSession(0, second, { version: '5' })
  connected(reactor, first.session)
  alarm(reactor, 200 * MILLISECOND, () => {
    connected(reactor, second.session as DeviceSession)
  })
  alarm(reactor, 5 * SECOND, () => reactor.stop())
  reactor.run()
  // Mosquitto 2.0.11 sends no DISCONNECT with the reason.
  assert.deepEqual(first.log, ['closed: the peer closed the connection'])
  assert.deepEqual(second.log, [])
})
