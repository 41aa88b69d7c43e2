/** MQTT over QUIC through the front end, each in a process of its own, to a real broker. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once, type EventEmitter } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { after, before, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { MqttClient } from 'mqtt'
import type { AedesConfiguration } from '../../simulator/brokers/aedes.ts'
import type { FrontEndConfiguration } from '../../simulator/brokers/front-end/configuration.ts'
import { monotonic, SECOND } from '../../simulator/core/clock.ts'
import type { Cause, Upper } from '../../simulator/core/layer.ts'
import { Traffic } from '../../simulator/core/layer.ts'
import { EpollReactor } from '../../simulator/io/epoll.ts'
import { NodeLoop } from '../../simulator/io/node-loop.ts'
import type { Reactor } from '../../simulator/io/reactor.ts'
import { mqtt } from '../../simulator/protocols/mqtt/adapter.ts'
import {
  consumerConfig,
  deviceConfig,
  Events,
} from '../../simulator/protocols/mqtt/scripted-server.cases.ts'
import type { ConsumerSession, DeviceSession } from '../../simulator/protocols/session.ts'
import { QuicTickets } from '../../simulator/transports/quic-tickets.ts'
import { clientContext, NAME, PKI } from '../../simulator/transports/quic-world.cases.ts'
import { GCM } from '../../simulator/transports/tls-pair.cases.ts'
import { QuicClient } from '../../simulator/transports/quic.ts'

/** Loopback addresses of this process's own. */
const host = (last: number): string =>
  `127.${(process.pid >> 8) & 127}.${process.pid & 255}.${last}`
const broker = { host: host(1), port: 1883 }
const front = { host: host(1), port: 14567 }
const tlsFront = { host: host(1), port: 8883 }
const source = (name: string): string => join(import.meta.dirname, '../../simulator/brokers', name)
const folder = mkdtempSync(join(tmpdir(), 'thingbench-quic-'))
const children: ReturnType<typeof spawn>[] = []
const kept = (name: string, content: string | Uint8Array): string => {
  const file = join(folder, name)
  writeFileSync(file, content, { mode: 0o600 })
  return file
}

/** Starts a program and waits until it says that it listens. */
const start = async (entry: string, configuration: object): Promise<void> => {
  const file = kept(`${children.length}.json`, JSON.stringify(configuration))
  const child = spawn(process.execPath, [source(entry), file], { stdio: ['ignore', 'ignore', 'pipe'] }) // prettier-ignore
  children.push(child)
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (text) => {
      said += String(text)
      if (/^listening/m.test(said)) resolve()
    })
    child.on('exit', () => reject(new Error(`${entry} ended: ${said}`)))
  })
}

before(async () => {
  const configuration: AedesConfiguration = {
    address: broker.host,
    plain: broker.port,
    device: null,
    quic: null,
  }
  await start('aedes-process.ts', configuration)
  const common = {
    broker,
    chain: kept('chain.pem', PKI.certificate),
    key: kept('key.pem', PKI.key),
  }
  const options: FrontEndConfiguration = {
    ...common,
    listen: front,
    transport: {
      kind: 'quic',
      ticketKey: kept('tickets.key', randomBytes(48)),
      alpn: 'mqtt',
      congestion: 'bbr',
      idleTimeout: 30 * SECOND,
      keepalive: null,
      earlyData: true,
      streams: 10,
    },
  }
  await start('front-end/process.ts', options)
  const secure: FrontEndConfiguration = { ...common, listen: tlsFront, transport: { kind: 'tls', ...GCM, resumption: false, earlyData: false } } // prettier-ignore
  await start('front-end/process.ts', secure)
})
after(async () => {
  for (const child of children) {
    const gone = new Promise((resolve) => child.on('exit', resolve))
    child.kill()
    await gone
  }
  rmSync(folder, { recursive: true })
})

/** What ends the test when it takes too long. */
const watch = (reactor: Reactor): void => {
  const limit = monotonic() + 10 * SECOND
  const expire = (): void => {
    throw new Error('not within 10 s')
  }
  reactor.arm({ timerSlot: -1, deadline: () => limit, expire })
}

const PAYLOAD = Buffer.from('00000000')
const EACH = 5

/** A device: says its messages, each after the acknowledgement of the last. */
class Device extends Events {
  timerSlot = -1
  readonly session: DeviceSession
  readonly client: QuicClient
  readonly #done: () => void
  #sent = 0
  constructor(index: number, client: QuicClient, done: () => void) {
    super()
    this.#done = done
    this.client = client
    this.session = mqtt.device({ ...deviceConfig('acknowledged'), device: index }, this)
    client.above = this.session
    this.session.below = client
  }
  #next(): void {
    this.session.send(this.#sent++, PAYLOAD, monotonic())
  }
  override sessionReady(): void {
    this.#next()
  }
  override acknowledged(sequence: number): void {
    super.acknowledged(sequence)
    if (this.#sent < EACH) return this.#next()
    this.session.close(monotonic())
    this.#done()
  }
  deadline(): number {
    return Math.min(this.session.deadline(), this.client.deadline())
  }
  expire(now: number): void {
    if (this.session.deadline() <= now) this.session.expire(now)
    if (this.client.deadline() <= now) this.client.expire(now)
  }
}

/** The application, on TCP behind the front end. */
class Application extends Events {
  timerSlot = -1
  readonly heard = new Map<number, number>()
  readonly session: ConsumerSession
  readonly #ready: () => void
  readonly #done: () => void
  constructor(ready: () => void, done: () => void) {
    super()
    this.#ready = ready
    this.#done = done
    assert.ok(mqtt.consumer.kind === 'subscribe')
    this.session = mqtt.consumer.create(consumerConfig('acknowledged'), this)
  }
  override consumerReady(): void {
    this.#ready()
  }
  override received(device: number): void {
    this.heard.set(device, (this.heard.get(device) ?? 0) + 1)
    this.#done()
  }
  deadline(): number {
    return this.session.deadline()
  }
  expire(now: number): void {
    this.session.expire(now)
  }
}

test('devices speak MQTT over QUIC to a broker that knows TCP alone, and resume with 0-RTT', () => {
  using reactor = new EpollReactor()
  watch(reactor)
  const [context, tickets] = [clientContext({ earlyData: true }), new QuicTickets()]
  const [traffic, udp] = [new Traffic(), new Traffic()]
  const devices: Device[] = []
  const join = (index: number, done: () => void): void => {
    const client = new QuicClient(context, traffic, NAME, { device: index, tickets })
    const device = new Device(index, client, done)
    devices.push(device)
    const local = { host: host(2), port: 0 }
    reactor.connectDatagram({ local, remote: front, owner: device, traffic: udp }, client)
  }
  const count = 20
  let left = 2 * count * (1 + EACH)
  const finished = (): void => void (--left === 0 && reactor.stop())
  const application = new Application(() => {
    for (let i = 0; i < count; i++)
      join(i, () => {
        finished()
        join(i, finished)
      })
  }, finished)
  reactor.connectStream({ remote: broker, owner: application, traffic: udp }, application.session)
  reactor.run()
  assert.equal(devices.length, 2 * count)
  for (const device of devices) {
    const expected = Array.from({ length: EACH }, (_, i) => `acknowledged ${i}`)
    const lines = device.lines.filter((line) => line.startsWith('ack') || line.startsWith('ended'))
    assert.deepEqual(lines, expected)
  }
  assert.deepEqual([tickets.offered, tickets.accepted], [count, count])
  for (const device of devices.slice(count))
    assert.ok(device.session.openedAt < device.client.establishedAt, 'CONNECT went with the first flight') // prettier-ignore
  assert.deepEqual(
    [...application.heard.values()],
    Array.from({ length: count }, () => 2 * EACH),
  )
})

/** The stream of a connection as a Duplex of Node, and the owner of its deadlines. */
class Stream implements Upper {
  timerSlot = -1
  openedAt = Number.NaN
  readonly below: QuicClient
  readonly duplex: Duplex
  #waiting: { readonly bytes: Buffer; readonly done: () => void } | null = null
  constructor(client: QuicClient, loop: NodeLoop) {
    client.above = this
    this.below = client
    this.duplex = new Duplex({
      read() {},
      write: (bytes: Buffer, _encoding, done: () => void) => {
        this.#waiting = { bytes, done }
        this.ready()
        loop.arm(this)
      },
      destroy: (error, done) => {
        client.close(monotonic())
        loop.arm(this)
        done(error)
      },
    })
  }
  open(): void {
    this.ready()
  }
  fromBelow(bytes: Uint8Array): void {
    this.duplex.push(Buffer.from(bytes))
  }
  ready(): void {
    const waiting = this.#waiting
    if (waiting === null || !this.below.fromAbove(waiting.bytes, monotonic())) return
    this.#waiting = null
    waiting.done()
  }
  closed(cause: Cause): void {
    this.duplex.destroy(cause.code === 'closed' ? undefined : new Error(cause.detail))
  }
  deadline(): number {
    return this.below.deadline()
  }
  expire(now: number): void {
    this.below.expire(now)
  }
}

test('the mqtt package works over the stream of our QUIC client', { timeout: 10_000 }, async () => {
  const loop = new NodeLoop()
  const client = new QuicClient(clientContext(), new Traffic(), NAME)
  const stream = new Stream(client, loop)
  const local = { host: host(3), port: 0 }
  const port = { local, remote: front, owner: stream, traffic: new Traffic() }
  loop.connectDatagram(port, client)
  const options = { clientId: 'library', protocolVersion: 4, reconnectPeriod: 0 } as const
  const library = new MqttClient(() => stream.duplex, options)
  const heard: string[] = []
  library.on('message', (_topic, payload) => void heard.push(payload.toString()))
  const events = library as unknown as EventEmitter
  await once(events, 'connect')
  await library.subscribeAsync('t', { qos: 2 })
  for (const qos of [0, 1, 2] as const) await library.publishAsync('t', `QoS ${qos}`, { qos })
  await library.publishAsync('t', 'x'.repeat(100_000), { qos: 1 })
  while (heard.length < 4) await once(events, 'message')
  assert.deepEqual(heard.slice(0, 3), ['QoS 0', 'QoS 1', 'QoS 2'])
  assert.equal(heard[3]?.length, 100_000)
  await library.endAsync()
  stream.duplex.destroy()
})

test(
  'the mqtt package reaches the broker through the same front end over TLS',
  { timeout: 10_000 },
  async () => {
    const { host: address, port } = tlsFront
    const socket = connectTls({ host: address, port, servername: NAME, ca: PKI.authority })
    const library = new MqttClient(() => socket, { clientId: 'secure', reconnectPeriod: 0 })
    const events = library as unknown as EventEmitter
    await once(events, 'connect')
    await library.subscribeAsync('s', { qos: 1 })
    const heard = once(events, 'message')
    await library.publishAsync('s', 'x'.repeat(100_000), { qos: 1 })
    assert.equal(String((await heard)[1]).length, 100_000)
    await library.endAsync()
  },
)
