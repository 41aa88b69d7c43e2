/** Mosquitto on loopback, and devices and consumers that connect to it over our own reactor. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Broker, BrokerProduct } from '../../simulator/brokers/broker.ts'
import { mosquitto } from '../../simulator/brokers/mosquitto.ts'
import { startProcess, waitListening } from '../../simulator/brokers/runtimes/process.ts'
import type { Nanoseconds } from '../../simulator/core/clock.ts'
import { NEVER } from '../../simulator/core/clock.ts'
import type { Cause, Upper } from '../../simulator/core/layer.ts'
import { Traffic } from '../../simulator/core/layer.ts'
import { Random } from '../../simulator/core/random.ts'
import type { ProtocolOptions, Reliability, TlsOptions } from '../../simulator/core/types.ts'
import type { EpollReactor } from '../../simulator/io/epoll.ts'
import type { Timer } from '../../simulator/io/reactor.ts'
import { mqtt } from '../../simulator/protocols/mqtt/adapter.ts'
import type {
  ConsumerEvents,
  ConsumerSession,
  DeviceEvents,
  DeviceSession,
} from '../../simulator/protocols/session.ts'
import { makePki } from '../../simulator/security/pki.ts'
import { TlsClient, type TlsContext } from '../../simulator/transports/tls.ts'

export const skip =
  (await mosquitto.version()) === null ? 'mosquitto is missing: apt-get install mosquitto' : false

/** An address of this process's own, so that the ports are free. */
const HOST = `127.${(process.pid >> 8) & 127}.${process.pid & 255}.7`
export const DEVICES = 5
export const MESSAGES = 200

export const pki = makePki({
  dnsName: 'server.test',
  notBefore: new Date(Date.now() - 3600_000),
  notAfter: new Date(Date.now() + 3600_000),
})

export const start = async (
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
    framing: 'none' as const,
    security: tls === null ? ('none' as const) : ('tls' as const),
    serverName: 'server.test',
    password: '',
    certificate: tls === null ? null : { chain: pki.certificate, key: pki.key },
    tls,
    quic: null,
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

export const alarm = (reactor: EpollReactor, after: Nanoseconds, then: () => void): Alarm =>
  new Alarm(reactor, after, then)

/** A pile of session and, with a context, TLS; the reactor's owner of both. */
export class Pile implements Timer {
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

export const connected = (...all: ConstructorParameters<typeof Pile>): Pile => new Pile(...all)

export const common = (options: ProtocolOptions, reliability: Reliability) => ({
  options,
  reliability,
  serverName: 'server.test',
  password: '',
  random: new Random(1),
})

export const deviceSession = (
  device: number,
  events: DeviceEvents,
  options: ProtocolOptions,
  reliability: Reliability = 'acknowledged',
): DeviceSession =>
  mqtt.device(
    { ...common(options, reliability), device, registration: 'resource-directory' },
    events,
  )

export const consumerSession = (
  events: ConsumerEvents,
  options: ProtocolOptions,
  reliability: Reliability,
): ConsumerSession => {
  assert.ok(mqtt.consumer.kind === 'subscribe')
  return mqtt.consumer.create({ ...common(options, reliability), devices: DEVICES }, events)
}

/** A device that sends numbered messages: each when the one before is acknowledged, or, in a burst, all that the session takes. */
export class Sender implements DeviceEvents {
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

/** What every message says. */
export const numbers = Array.from({ length: MESSAGES }, (_, i) => String(i).padStart(8, '0'))
