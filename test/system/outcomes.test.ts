/** What ends a session of MQTT has one name each, as real servers say it. Wrong passwords are in mqtt.test.ts, certificates in tls.test.ts. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Broker, BrokerProduct } from '../../simulator/brokers/broker.ts'
import { brokerPlan } from '../../simulator/brokers/broker-plan.cases.ts'
import { ejabberd } from '../../simulator/brokers/ejabberd.ts'
import { mosquitto } from '../../simulator/brokers/mosquitto.ts'
import { startProcess, waitListening } from '../../simulator/brokers/runtimes/process.ts'
import { devicePort } from '../../simulator/brokers/serves.ts'
import { SECOND, type Nanoseconds } from '../../simulator/core/clock.ts'
import { Random } from '../../simulator/core/random.ts'
import type { Framing, ProtocolOptions } from '../../simulator/core/types.ts'
import { mqtt } from '../../simulator/protocols/mqtt/adapter.ts'
import type { ConsumerSession, Hears, Speech } from '../../simulator/protocols/session.ts'
import { DEVICE, DeviceLog } from '../../simulator/protocols/session-bench.cases.ts'
import { makePki } from '../../simulator/security/pki.ts'
import { TlsContext } from '../../simulator/transports/tls.ts'
import { Command } from './command.cases.ts'
import { LayeredPile, SlicedReactor, type Way } from './layered.cases.ts'
import { skipReason } from './run-scenario.cases.ts'

const NAME = 'server.test'
const TLS = { version: '1.3', group: 'X25519', cipher: 'TLS_AES_128_GCM_SHA256' } as const
const PATIENCE = 10 * SECOND

const pki = makePki({
  dnsName: NAME,
  notBefore: new Date(Date.now() - 3600_000),
  notAfter: new Date(Date.now() + 3600_000),
})

const missing = async (product: BrokerProduct): Promise<string | false> =>
  (await product.version()) === null ? `missing: apt-get install ${product.debianPackage}` : false

interface Stand {
  readonly broker: Broker
  readonly way: Way
}

let stands = 0

/** A broker that is listening, at an address of its own, until the stack is disposed. */
const stand = async (
  stack: AsyncDisposableStack,
  product: BrokerProduct,
  secure: boolean,
  framing: Framing = 'none',
): Promise<Stand> => {
  const host = `127.${(process.pid >> 8) & 127}.${process.pid & 255}.${20 + stands++}`
  const folder = await mkdtemp(join(tmpdir(), 'thingbench-outcomes-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const security = secure ? 'tls' : 'none'
  const certificate = secure ? { chain: pki.certificate, key: pki.key } : null
  const tls = secure ? TLS : null
  const plan = brokerPlan({ folder, address: host, framing, security, tls, certificate })
  const { signal } = new AbortController()
  const placement = { namespace: null, cpu: null, signal }
  const broker = stack.use(await startProcess(product, plan, placement))
  const port = devicePort(product, { protocol: 'mqtt', framing, security }) ?? 0
  await waitListening(broker, host, [mqtt.ports.plain, port], 20_000, signal)
  const context = secure ? TlsContext.client({ ...TLS, authority: pki.authority }) : null
  stack.defer(() => context?.close())
  return { broker, way: { remote: { host, port }, framing, tls: context, serverName: NAME } }
}

const common = (options: ProtocolOptions) =>
  ({
    options,
    reliability: 'acknowledged',
    serverName: NAME,
    password: 'secret',
    random: new Random(1),
  }) as const

/** A device that has begun to connect. It cannot know that it is not the only one of its name. */
const connected = (
  reactor: SlicedReactor,
  way: Way,
  options: ProtocolOptions,
  hears: Hears = null,
): DeviceLog => {
  const log = new DeviceLog()
  const config = { ...common(options), device: DEVICE, registration: 'resource-directory' } as const
  const session = mqtt.device({ ...config, hears }, log)
  new LayeredPile(way, session).connect(reactor, way.remote)
  return log
}

const outcome = ({ cause }: DeviceLog): string => `${cause?.code}: ${cause?.detail}`

describe('what ejabberd says', { skip: await missing(ejabberd) }, () => {
  const stack = new AsyncDisposableStack()
  let secure: Way
  let plain: Way
  before(async () => {
    secure = (await stand(stack, ejabberd, true)).way
    plain = { ...secure, remote: { ...secure.remote, port: mqtt.ports.plain }, tls: null }
  })
  after(() => stack.disposeAsync())

  for (const [version, over, said] of [
    ['5', 'TCP', /^taken-over: DISCONNECT from the server: session taken over \(0x8e\): Replaced/],
    ['5', 'TLS', /^taken-over: DISCONNECT from the server: session taken over \(0x8e\): Replaced/],
    // It has no word for it.
    ['3.1.1', 'TCP', /^closed: the peer closed/],
  ] as const)
    it(`when a client identifier is taken over, MQTT ${version} over ${over}`, async (t) => {
      using reactor = new SlicedReactor()
      const options = { version, username: 'someone' }
      const way = over === 'TLS' ? secure : plain
      const first = connected(reactor, way, options)
      await reactor.until(() => first.lines.length > 0, PATIENCE)
      assert.deepEqual(first.take(), ['ready'])
      const second = connected(reactor, way, options)
      await reactor.until(() => first.over && second.lines.length > 0, PATIENCE)
      t.diagnostic(outcome(first))
      assert.match(outcome(first), said)
      assert.deepEqual(second.lines, ['ready'])
    })

  it('when a device does not take what waits for it, and the quota is exceeded', async (t) => {
    const options = { version: '5', username: 'someone' }
    using asleep = new SlicedReactor()
    const device = connected(asleep, plain, options, 'commands')
    await asleep.until(() => device.lines.length > 0, PATIENCE)
    // From here on nobody looks at its socket. The queue takes 5000 messages, and one is on its way.
    using reactor = new SlicedReactor()
    const commands = 5002
    let next = 0
    let settled = 0
    const speak = (now: Nanoseconds): void => {
      const payload = Buffer.from('on')
      while (next < commands && consumer.command?.(DEVICE, next, payload, now) === true) next++
    }
    assert.ok(mqtt.consumer.kind === 'subscribe')
    const consumer: ConsumerSession & Partial<Speech> = mqtt.consumer.create(
      { ...common(options), devices: DEVICE + 1, says: 'commands' },
      {
        speech: {
          transmitted: () => {},
          acknowledged: () => void settled++,
          gaveUp: () => assert.fail(),
          unblocked: (_, now) => speak(now),
        },
        consumerReady: speak,
        received: () => {},
        ended: ({ detail }) => assert.fail(detail),
      },
    )
    new LayeredPile(plain, consumer).connect(reactor, plain.remote)
    await reactor.until(() => settled === commands, PATIENCE)
    assert.equal(settled, commands)
    await asleep.until(() => device.over, PATIENCE)
    t.diagnostic(outcome(device))
    assert.match(outcome(device), /^quota: DISCONNECT from the server: quota exceeded \(0x97\)/)
    // The one that was on its way; the queue is gone.
    assert.deepEqual(device.take(), ['ready', 'heard on', 'ended quota'])
  })
})

/** How long each layer waits for an answer, and what it says then. */
const SILENCES: readonly (readonly [
  over: string,
  framing: Framing,
  secure: boolean,
  limit: Nanoseconds,
  said: string,
])[] = [
  ['TCP', 'none', false, 60 * SECOND, 'timeout: no CONNACK within 60 s'],
  ['TLS', 'none', true, 30 * SECOND, 'timeout: no TLS handshake within 30 s (before CONNACK)'],
  ['WebSocket', 'websocket', false, 30 * SECOND, 'timeout: no answer to the WebSocket handshake within 30 s (before CONNACK)'],
  ['WebSocket over TLS', 'websocket', true, 30 * SECOND, 'timeout: no TLS handshake within 30 s (before CONNACK)'],
] // prettier-ignore

describe(
  'a mosquitto that never answers, because it is stopped',
  { skip: await missing(mosquitto), concurrency: true },
  () => {
    for (const [over, framing, secure, limit, said] of SILENCES)
      it(`over ${over}: ${said}`, async (t) => {
        await using stack = new AsyncDisposableStack()
        const { broker, way } = await stand(stack, mosquitto, secure, framing)
        const [pid = 0] = broker.pids()
        process.kill(pid, 'SIGSTOP')
        stack.defer(() => void process.kill(pid, 'SIGCONT'))
        using reactor = new SlicedReactor()
        const began = reactor.now()
        const device = connected(reactor, way, {})
        await reactor.until(() => device.over, limit + PATIENCE)
        const took = reactor.now() - began
        t.diagnostic(`${outcome(device)}, after ${(took / SECOND).toFixed(2)} s`)
        assert.equal(outcome(device), said)
        assert.deepEqual(device.lines, ['ended timeout'])
        assert.ok(took >= limit && took < limit + 5 * SECOND, `${took / SECOND} s`)
      })

    it('in a run: the cell says so at the connect deadline', { skip: skipReason() }, async (t) => {
      await using command = await Command.create()
      const file = await command.scenario(`
thingbench: 1
name: silent
stacks: [mqtt-tls]
links: [{ name: near, delay: 2 ms }]
devices: 4
workload: { interval: 500 ms, payload: 50 B }
phases: { ramp: 8 s, warmup: 200 ms, measure: 1 s, drain: 1 s, connect_deadline: 10 s }
repetitions: 1
`)
      command.start(['run', file, '--out', command.out, '--json'])
      const { pid } = await command.running('mosquitto.conf')
      while (!command.stdout.includes('"phase":"connect"') && !command.hasEnded) await sleep(20)
      // The second device of four is not due before 2 s.
      await sleep(500)
      process.kill(pid, 'SIGSTOP')
      await command.ended(90)
      // On a noisy machine the cell is repeated, with another broker.
      const rows = await command.rows()
      const verdict = rows.find(({ metric, attempt }) => metric === 'outcome' && attempt === 1)
      const words = verdict?.warnings.join('; ') ?? ''
      t.diagnostic(words)
      assert.match(
        words,
        /[34] of 4 devices did not connect; .*: no answer by the connect deadline \(security layer\)/,
      )
    })
  },
)
