/** Our MQTT sessions against the clients of Eclipse Mosquitto (package mosquitto-clients) through each broker, over TCP and TLS. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { aedes } from '../../simulator/brokers/aedes.ts'
import type { BrokerProduct } from '../../simulator/brokers/broker.ts'
import { brokerPlan } from '../../simulator/brokers/broker-plan.cases.ts'
import { mosquitto } from '../../simulator/brokers/mosquitto.ts'
import { findProgram } from '../../simulator/brokers/runtimes/find-program.ts'
import { startProcess, waitListening } from '../../simulator/brokers/runtimes/process.ts'
import type { Nanoseconds } from '../../simulator/core/clock.ts'
import { MILLISECOND, NEVER, SECOND } from '../../simulator/core/clock.ts'
import { Traffic } from '../../simulator/core/layer.ts'
import { Random } from '../../simulator/core/random.ts'
import { EpollReactor } from '../../simulator/io/epoll.ts'
import type { Timer } from '../../simulator/io/reactor.ts'
import { mqtt } from '../../simulator/protocols/mqtt/adapter.ts'
import type { DeviceSession } from '../../simulator/protocols/session.ts'
import { makePki } from '../../simulator/security/pki.ts'
import { TlsClient, TlsContext } from '../../simulator/transports/tls.ts'

const HOST = `127.${(process.pid >> 8) & 127}.${process.pid & 255}.9`
const NAME = 'server.test'
const TLS = { version: '1.3', group: 'X25519', cipher: 'TLS_AES_128_GCM_SHA256' } as const
const PATIENCE = 10 * SECOND
const MESSAGES = 5
const DEVICE = 42
const TOPIC = 'd/000042'

const skip =
  (await findProgram('mosquitto_sub')) === null || (await mosquitto.version()) === null
    ? 'missing: apt-get install mosquitto mosquitto-clients'
    : false

const pki = makePki({
  dnsName: NAME,
  notBefore: new Date(Date.now() - 3600_000),
  notAfter: new Date(Date.now() + 3600_000),
})

interface Stand {
  readonly secure: boolean
  /** Arguments of mosquitto_pub and mosquitto_sub that reach the broker as the device does. */
  readonly reach: readonly string[]
}

/** A broker that is listening, until the test is over. */
const stand = async (
  t: { after(then: () => Promise<void>): void },
  product: BrokerProduct,
  secure: boolean,
): Promise<Stand> => {
  const folder = await mkdtemp(join(tmpdir(), 'thingbench-interop-'))
  const authority = join(folder, 'authority.pem')
  await writeFile(authority, pki.authority)
  const plan = brokerPlan({
    folder,
    address: HOST,
    ...(secure
      ? { security: 'tls', tls: TLS, certificate: { chain: pki.certificate, key: pki.key } }
      : {}),
  })
  const { signal } = new AbortController()
  const broker = await startProcess(product, plan, { namespace: null, cpu: null, signal })
  t.after(async () => {
    await broker[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })
  const { plain, secure: port } = mqtt.ports
  await waitListening(broker, HOST, secure ? [plain, port] : [plain], 10_000, signal)
  // The certificate names server.test, and nobody resolves it: the programs cannot be told another name than the host's.
  const tls = secure ? ['--cafile', authority, '--insecure'] : []
  return { secure, reach: ['-h', HOST, '-p', String(secure ? port : plain), ...tls] }
}

/** Calls `check` every 5 ms until it says true, or a deadline passes. */
class Poll implements Timer {
  timerSlot = -1
  #at: Nanoseconds
  readonly #reactor: EpollReactor
  readonly #until: Nanoseconds
  readonly #check: () => boolean
  constructor(reactor: EpollReactor, check: () => boolean) {
    this.#reactor = reactor
    this.#at = reactor.now()
    this.#until = this.#at + PATIENCE
    this.#check = check
    reactor.arm(this)
  }
  deadline(): Nanoseconds {
    return this.#at
  }
  expire(now: Nanoseconds): void {
    this.#at = now + 5 * MILLISECOND
    if (!this.#check() && now < this.#until) return
    this.#at = NEVER
    this.#reactor.stop()
  }
}

const COMMON = {
  options: {},
  reliability: 'acknowledged',
  serverName: NAME,
  password: '',
  random: new Random(1),
} as const

/** Our device sends so many messages and is acknowledged for each. */
const sendAll = (secure: boolean): void => {
  using reactor = new EpollReactor()
  let acknowledged = 0
  let next = 0
  const pump = (now: Nanoseconds): void => {
    while (next < MESSAGES && session.send(next, Buffer.from(`ours ${next}`), now)) next++
  }
  const session: DeviceSession = mqtt.device(
    { ...COMMON, device: DEVICE, registration: 'resource-directory' },
    {
      sessionReady: pump,
      transmitted: () => {},
      acknowledged: (sequence) => assert.equal(sequence, acknowledged++),
      gaveUp: (_, reason) => assert.fail(reason),
      unblocked: pump,
      ended: ({ detail }) => assert.fail(detail),
    },
  )
  const context = secure ? TlsContext.client({ ...TLS, authority: pki.authority }) : null
  const tls = context === null ? null : new TlsClient(context, new Traffic(), NAME)
  if (tls !== null) {
    tls.above = session
    session.below = tls
  }
  const owner: Timer = {
    timerSlot: -1,
    deadline: () => Math.min(session.deadline(), tls?.deadline() ?? NEVER),
    expire: (now) => {
      tls?.expire(now)
      session.expire(now)
    },
  }
  const remote = { host: HOST, port: secure ? mqtt.ports.secure : mqtt.ports.plain }
  reactor.connectStream({ remote, owner, traffic: new Traffic() }, tls ?? session)
  const poll = new Poll(reactor, () => acknowledged === MESSAGES)
  reactor.run()
  assert.equal(acknowledged, MESSAGES)
  assert.ok(poll.deadline() === NEVER)
  session.close(reactor.now())
  context?.close()
}

/** Our consumer hears what `send` makes others say, once it has subscribed. */
const hearAll = (send: () => void): string[] => {
  using reactor = new EpollReactor()
  const heard: string[] = []
  assert.ok(mqtt.consumer.kind === 'subscribe')
  const session = mqtt.consumer.create(
    { ...COMMON, devices: DEVICE + 1 },
    {
      consumerReady: send,
      received: (device, payload) => {
        assert.equal(device, DEVICE)
        heard.push(Buffer.from(payload).toString())
      },
      ended: ({ detail }) => assert.fail(detail),
    },
  )
  const owner: Timer = {
    timerSlot: -1,
    deadline: () => session.deadline(),
    expire: (now) => session.expire(now),
  }
  const remote = { host: HOST, port: mqtt.ports.plain }
  reactor.connectStream({ remote, owner, traffic: new Traffic() }, session)
  const poll = new Poll(reactor, () => heard.length >= MESSAGES)
  reactor.run()
  assert.ok(poll.deadline() === NEVER)
  session.close(reactor.now())
  return heard
}

for (const product of [mosquitto, aedes])
  for (const secure of [false, true]) {
    const how = `${product.name}, over ${secure ? 'TLS' : 'TCP'}`

    test(`mosquitto_sub hears our device: ${how}`, { skip }, async (t) => {
      const { reach } = await stand(t, product, secure)
      // A line at a time, so that "Subscribed" is heard; the lines of -d go to the same output.
      const sub = spawn('stdbuf', [
        '-oL', 'mosquitto_sub', ...reach, '-t', 'd/+', '-q', '1', '-C', String(MESSAGES), '-W', '10', '-d', '-F', '%t %q %p',
      ], { stdio: ['ignore', 'pipe', 'inherit'] }) // prettier-ignore
      const said: string[] = []
      for await (const line of createInterface({ input: sub.stdout })) {
        said.push(line)
        if (line.startsWith('Subscribed')) sendAll(secure)
      }
      assert.deepEqual(
        said.filter((line) => line.startsWith('d/')),
        Array.from({ length: MESSAGES }, (_, k) => `${TOPIC} 1 ours ${k}`),
      )
    })

    test(`our consumer hears mosquitto_pub: ${how}`, { skip }, async (t) => {
      const { reach } = await stand(t, product, secure)
      const lines = Array.from({ length: MESSAGES }, (_, k) => `theirs ${k}`)
      const heard = hearAll(() => {
        const child = spawn('mosquitto_pub', [...reach, '-t', TOPIC, '-q', '1', '-l'], {
          stdio: ['pipe', 'ignore', 'inherit'],
        })
        child.stdin.end(`${lines.join('\n')}\n`)
      })
      assert.deepEqual(heard, lines)
    })
  }
