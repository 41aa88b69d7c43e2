/** Our MQTT sessions against Debian's Mosquitto (package mosquitto), over loopback and our own reactor. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BrokerProduct } from '../../simulator/brokers/broker.ts'
import { mosquitto } from '../../simulator/brokers/mosquitto.ts'
import { MILLISECOND, NEVER, SECOND } from '../../simulator/core/clock.ts'
import type { ProtocolOptions, Reliability } from '../../simulator/core/types.ts'
import { EpollReactor } from '../../simulator/io/epoll.ts'
import { mqtt } from '../../simulator/protocols/mqtt/adapter.ts'
import type { ConsumerEvents, DeviceSession } from '../../simulator/protocols/session.ts'
import { TlsContext } from '../../simulator/transports/tls.ts'
import {
  alarm,
  connected,
  consumerSession,
  DEVICES,
  deviceSession,
  MESSAGES,
  numbers,
  pki,
  Sender,
  skip,
  start,
} from './mqtt-clients.cases.ts'
import type { Pile } from './mqtt-clients.cases.ts'

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

// Mosquitto 2.0.11 sends more messages of QoS 2 than the consumer's Receive Maximum allows: five at each PUBCOMP with a maximum of 5.
for (const [reliability, more] of [
  ['acknowledged', { receive_maximum: 5 }],
  ['exactly-once', {}],
] as const)
  test(
    `what is beside the messages changes nothing of what arrives (${reliability})`,
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
        shared_subscription: true,
        ...more,
      }
      const { received, senders } = exchange(options, reliability, null, true)
      for (const [device, sender] of senders.entries()) {
        assert.deepEqual(sender.log, [])
        assert.deepEqual(received[device], numbers)
      }
      assert.equal(broker.ended(), null)
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
