/** Our XMPP sessions against Debian's Prosody (package prosody), over loopback and our own reactor. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { brokerPlan } from '../../simulator/brokers/broker-plan.cases.ts'
import type { Broker } from '../../simulator/brokers/broker.ts'
import { prosody } from '../../simulator/brokers/prosody.ts'
import { startProcess, waitListening } from '../../simulator/brokers/runtimes/process.ts'
import { MILLISECOND, NEVER, SECOND, type Nanoseconds } from '../../simulator/core/clock.ts'
import {
  Traffic,
  type Cause,
  type Layer,
  type Lower,
  type Upper,
} from '../../simulator/core/layer.ts'
import { Random } from '../../simulator/core/random.ts'
import type { Reliability, TlsOptions } from '../../simulator/core/types.ts'
import { EpollReactor } from '../../simulator/io/epoll.ts'
import type {
  ConsumerEvents,
  DeviceEvents,
  DeviceSession,
} from '../../simulator/protocols/session.ts'
import { xmpp } from '../../simulator/protocols/xmpp/adapter.ts'
import { makePki, type Pki } from '../../simulator/security/pki.ts'
import { TlsClient, TlsContext } from '../../simulator/transports/tls.ts'

const version = await prosody.version()
const skip = version === null ? 'prosody is missing: apt-get install prosody' : false

/** An address of this process's own, so that the ports are free. */
const HOST = `127.${(process.pid >> 8) & 127}.${process.pid & 255}.9`
const DOMAIN = 'thingbench.test'
const PASSWORD = 'c29tZSBwYXNzd29yZA'

/** Prosody, and the loop of those who talk to it. */
class Server implements AsyncDisposable {
  readonly reactor = new EpollReactor()
  readonly #broker: Broker
  readonly #folder: string
  private constructor(broker: Broker, folder: string) {
    this.#broker = broker
    this.#folder = folder
  }

  static async start(pki?: Pki, tls?: TlsOptions): Promise<Server> {
    const folder = await mkdtemp(join(tmpdir(), 'thingbench-xmpp-'))
    const plan = brokerPlan({
      folder,
      address: HOST,
      protocol: 'xmpp',
      security: tls === undefined ? 'none' : 'tls',
      serverName: DOMAIN,
      password: PASSWORD,
      certificate: pki === undefined ? null : { chain: pki.certificate, key: pki.key },
      tls: tls ?? null,
    })
    const { signal } = new AbortController()
    const broker = await startProcess(prosody, plan, { namespace: null, cpu: null, signal })
    const server = new Server(broker, folder)
    const { plain, secure } = xmpp.ports
    const ports = tls === undefined ? [plain] : [plain, secure]
    await waitListening(broker, HOST, ports, 10_000, signal)
    return server
  }

  kill(signal: 'SIGKILL' | 'SIGTERM'): void {
    for (const pid of this.#broker.pids()) process.kill(pid, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.reactor[Symbol.dispose]()
    await this.#broker[Symbol.asyncDispose]()
    await rm(this.#folder, { recursive: true })
  }
}

/** Runs the loop until `done`, which must happen within 20 s. */
const drive = (reactor: EpollReactor, what: string, done: () => boolean): void => {
  const end = reactor.now() + 20 * SECOND
  let at = reactor.now()
  const expire = (now: Nanoseconds): void => {
    at = now + 2 * MILLISECOND
    if (!done() && now < end) return
    at = NEVER
    reactor.stop()
  }
  reactor.arm({ timerSlot: -1, deadline: () => at, expire })
  reactor.run()
  assert.ok(done(), `waited 20 s for ${what}`)
}

/** Stands on the socket and counts the flights of the client: what it sends after it heard something. */
class FlightCounter implements Layer {
  below!: Lower
  above!: Upper
  openedAt = NaN
  flights = 0
  /** Something was heard since the last flight; the TCP handshake counts as heard. */
  #heard = true
  open(now: Nanoseconds): void {
    this.openedAt = now
    this.above.open(now)
  }
  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    this.#heard = true
    this.above.fromBelow(bytes, now)
  }
  fromAbove(bytes: Uint8Array, now: Nanoseconds): boolean {
    if (this.#heard) this.flights++
    this.#heard = false
    return this.below.fromAbove(bytes, now)
  }
  ready(now: Nanoseconds): void {
    this.above.ready(now)
  }
  closed(cause: Cause, now: Nanoseconds): void {
    this.above.closed(cause, now)
  }
  close(now: Nanoseconds): void {
    this.below.close(now)
  }
  get traffic(): Traffic {
    return this.below.traffic
  }
  deadline(): Nanoseconds {
    return NEVER
  }
  expire(): void {}
}

interface Setting {
  readonly reliability?: Reliability
  readonly sasl?: string
  readonly password?: string
  readonly tls?: TlsContext
}

/** A device with all that happened to it. */
class Phone implements DeviceEvents {
  timerSlot = -1
  readonly session: DeviceSession
  readonly tap = new FlightCounter()
  readonly tls: TlsClient | null = null
  /** Round trips until the session was ready: one for TCP, and the flights. 0 before. */
  roundTrips = 0
  acknowledgements: number[] = []
  cause: Cause | null = null

  constructor(reactor: EpollReactor, device: number, setting: Setting = {}) {
    this.session = xmpp.device(
      {
        device,
        reliability: setting.reliability ?? 'acknowledged',
        options: { sasl: setting.sasl ?? 'SCRAM-SHA-256' },
        serverName: DOMAIN,
        password: setting.password ?? PASSWORD,
        random: new Random(1, device),
        registration: 'resource-directory',
      },
      this,
    )
    let top: Upper = this.session
    if (setting.tls !== undefined) {
      this.tls = new TlsClient(setting.tls, new Traffic(), DOMAIN)
      this.tls.above = this.session
      this.session.below = this.tls
      top = this.tls
    }
    this.tap.above = top
    top.below = this.tap
    const port = setting.tls === undefined ? xmpp.ports.plain : xmpp.ports.secure
    const options = { remote: { host: HOST, port }, owner: this, traffic: new Traffic() }
    reactor.connectStream(options, this.tap)
  }

  deadline(): Nanoseconds {
    return Math.min(this.session.deadline(), this.tls?.deadline() ?? NEVER)
  }
  expire(now: Nanoseconds): void {
    if (this.session.deadline() <= now) this.session.expire(now)
    else this.tls?.expire(now)
  }
  sessionReady(): void {
    this.roundTrips = 1 + this.tap.flights
  }
  transmitted(): void {}
  acknowledged(sequence: number): void {
    this.acknowledgements.push(sequence)
  }
  gaveUp(): void {}
  unblocked(): void {}
  ended(cause: Cause): void {
    this.cause = cause
  }
}

/** The consumer with all that it got. */
class Collector implements ConsumerEvents {
  timerSlot = -1
  readonly session
  isReady = false
  readonly messages: string[] = []
  cause: Cause | null = null

  constructor(reactor: EpollReactor, { reliability, sasl, password }: Setting = {}) {
    assert.equal(xmpp.consumer.kind, 'subscribe')
    this.session = xmpp.consumer.create(
      {
        devices: 10,
        reliability: reliability ?? 'acknowledged',
        options: { sasl: sasl ?? 'SCRAM-SHA-256' },
        serverName: DOMAIN,
        password: password ?? PASSWORD,
        random: new Random(2),
      },
      this,
    )
    const remote = { host: HOST, port: xmpp.ports.plain }
    reactor.connectStream({ remote, owner: this, traffic: new Traffic() }, this.session)
    drive(reactor, 'the consumer', () => this.isReady)
  }

  deadline(): Nanoseconds {
    return this.session.deadline()
  }
  expire(now: Nanoseconds): void {
    this.session.expire(now)
  }
  consumerReady(): void {
    this.isReady = true
  }
  received(device: number, payload: Uint8Array): void {
    this.messages.push(`${device} ${Buffer.from(payload).toString()}`)
  }
  ended(cause: Cause): void {
    this.cause = cause
  }
}

const text = (sequence: number): string => String(sequence).padStart(100, '0')

/** Sends messages 0 to `count` - 1 from the devices in turn. */
const sendAll = (reactor: EpollReactor, phones: readonly Phone[], count: number): string[] => {
  const sent: string[] = []
  for (let sequence = 0; sequence < count; sequence++) {
    const device = sequence % phones.length
    assert.ok(phones[device]?.session.send(sequence, Buffer.from(text(sequence)), reactor.now()))
    sent.push(`${device} ${text(sequence)}`)
  }
  return sent.sort()
}

const ready = (reactor: EpollReactor, ...phones: readonly Phone[]): void => {
  drive(reactor, 'log-in', () =>
    phones.every(({ roundTrips, cause }) => roundTrips > 0 || cause !== null),
  )
  for (const { cause } of phones) assert.equal(cause, null)
}

test(
  'a log-in over TCP takes 6 round trips with SCRAM-SHA-256 and 5 with PLAIN',
  { skip },
  async () => {
    await using server = await Server.start()
    const { reactor } = server
    const scram = new Phone(reactor, 0, { reliability: 'best-effort' })
    const plain = new Phone(reactor, 1, { reliability: 'best-effort', sasl: 'PLAIN' })
    ready(reactor, scram, plain)
    assert.equal(scram.roundTrips, 6)
    assert.equal(plain.roundTrips, 5)
  },
)

test(
  'stream management is asked for without waiting: its flight ends no round trip',
  { skip },
  async () => {
    await using server = await Server.start()
    const { reactor } = server
    const phone = new Phone(reactor, 0)
    ready(reactor, phone)
    assert.equal(
      phone.tap.flights,
      6,
      '5 flights of the log-in, and <enable/> when the JID was bound',
    )
  },
)

test('a wrong password ends in authentication, by either mechanism', { skip }, async () => {
  await using server = await Server.start()
  const { reactor } = server
  const phones = ['SCRAM-SHA-256', 'PLAIN'].map(
    (sasl, device) => new Phone(reactor, device, { sasl, password: 'wrong' }),
  )
  drive(reactor, 'both refusals', () => phones.every((phone) => phone.cause !== null))
  for (const { cause } of phones) {
    assert.equal(cause?.code, 'authentication')
    assert.match(cause.detail, /not-authorized/)
  }
})

for (const sasl of ['SCRAM-SHA-256', 'PLAIN'])
  test(
    `200 messages are acknowledged, and reach the consumer exactly once (${sasl})`,
    { skip },
    async () => {
      await using server = await Server.start()
      const { reactor } = server
      const collector = new Collector(reactor, { sasl })
      const phones = [0, 1, 2, 3].map((device) => new Phone(reactor, device, { sasl }))
      ready(reactor, ...phones)
      const sent = sendAll(reactor, phones, 200)
      const all = (): boolean => phones.every(({ session }) => session.outstanding() === 0)
      drive(
        reactor,
        'acknowledgements and messages',
        () => all() && collector.messages.length >= 200,
      )
      for (const [device, { acknowledgements }] of phones.entries())
        assert.deepEqual(
          acknowledgements,
          Array.from({ length: 50 }, (_, i) => device + 4 * i),
        )
      assert.deepEqual(collector.messages.sort(), sent)
    },
  )

test('best-effort messages arrive without acknowledgements', { skip }, async () => {
  await using server = await Server.start()
  const { reactor } = server
  const collector = new Collector(reactor, { reliability: 'best-effort' })
  const phone = new Phone(reactor, 0, { reliability: 'best-effort' })
  ready(reactor, phone)
  const sent = sendAll(reactor, [phone], 200)
  drive(reactor, 'messages', () => collector.messages.length >= 200)
  assert.deepEqual(collector.messages.sort(), sent)
  assert.deepEqual(phone.acknowledgements, [])
})

test(
  'messages for a consumer who is not there are handled, and harm nobody',
  { skip },
  async () => {
    await using server = await Server.start()
    const { reactor } = server
    const phone = new Phone(reactor, 0)
    ready(reactor, phone)
    sendAll(reactor, [phone], 20)
    drive(reactor, 'acknowledgements', () => phone.session.outstanding() === 0)
    assert.equal(phone.cause, null)
    const collector = new Collector(reactor)
    assert.ok(phone.session.send(20, Buffer.from(text(20)), reactor.now()))
    drive(reactor, 'the message', () => collector.messages.length > 0)
    assert.deepEqual(collector.messages, [`0 ${text(20)}`], 'nothing was stored for the consumer')
  },
)

const tlsVersions: readonly [TlsOptions, number][] = [
  [{ version: '1.3', group: 'X25519', cipher: 'TLS_AES_128_GCM_SHA256' }, 7],
  [{ version: '1.3', group: 'P-256', cipher: 'TLS_CHACHA20_POLY1305_SHA256' }, 7],
  [{ version: '1.3', group: 'X25519', cipher: 'TLS_AES_128_CCM_8_SHA256' }, 7],
  [{ version: '1.2', group: 'X25519', cipher: 'ECDHE-ECDSA-AES128-GCM-SHA256' }, 8],
  [{ version: '1.2', group: 'X25519', cipher: 'ECDHE-ECDSA-AES128-CCM8' }, 8],
]
for (const [tls, roundTrips] of tlsVersions)
  test(
    `direct TLS ${tls.version} with ${tls.cipher} and ${tls.group} takes ${roundTrips} round trips`,
    { skip },
    async () => {
      const day = 86_400_000
      const notBefore = new Date(Date.now() - day)
      const pki = makePki({ dnsName: DOMAIN, notBefore, notAfter: new Date(Date.now() + day) })
      await using server = await Server.start(pki, tls)
      const { reactor } = server
      const context = TlsContext.client({ ...tls, authority: pki.authority })
      const collector = new Collector(reactor)
      const setting = { tls: context, reliability: 'best-effort' } as const
      const counted = new Phone(reactor, 0, setting)
      ready(reactor, counted)
      assert.equal(counted.roundTrips, roundTrips)
      const negotiated = counted.tls?.negotiated()
      assert.equal(negotiated?.version, `TLSv${tls.version}`)
      assert.equal(negotiated?.cipher, tls.cipher)
      const phone = new Phone(reactor, 1, { tls: context })
      ready(reactor, phone)
      assert.ok(phone.session.send(7, Buffer.from(text(7)), reactor.now()))
      drive(reactor, 'the acknowledgement', () => phone.acknowledgements.length > 0)
      drive(reactor, 'the message', () => collector.messages.length > 0)
      assert.deepEqual(phone.acknowledgements, [7])
      assert.deepEqual(collector.messages, [`1 ${text(7)}`])
      context.close()
    },
  )

test('a server that is killed ends every session, with a cause', { skip }, async () => {
  await using server = await Server.start()
  const { reactor } = server
  const collector = new Collector(reactor)
  const phones = [new Phone(reactor, 0), new Phone(reactor, 1)]
  ready(reactor, ...phones)
  sendAll(reactor, phones, 100)
  drive(reactor, 'the first messages', () => collector.messages.length > 0)
  server.kill('SIGKILL')
  const parties = [...phones, collector]
  drive(reactor, 'the end', () => parties.every(({ cause }) => cause !== null))
  for (const { cause } of parties)
    assert.ok(['closed', 'truncated', 'reset'].includes(cause?.code ?? ''), JSON.stringify(cause))
})

test('a server that shuts down says so', { skip }, async () => {
  await using server = await Server.start()
  const { reactor } = server
  const phone = new Phone(reactor, 0)
  ready(reactor, phone)
  server.kill('SIGTERM')
  drive(reactor, 'the end', () => phone.cause !== null)
  assert.equal(phone.cause?.code, 'closed')
  assert.match(phone.cause.detail, /system-shutdown/)
})
