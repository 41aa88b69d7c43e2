/** A broker with a WebSocket listener, and devices as a fleet makes them, for system tests. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Broker, BrokerProduct } from '../../simulator/brokers/broker.ts'
import { brokerPlan } from '../../simulator/brokers/broker-plan.cases.ts'
import { mosquitto } from '../../simulator/brokers/mosquitto.ts'
import { startProcess, waitListening } from '../../simulator/brokers/runtimes/process.ts'
import { devicePort } from '../../simulator/brokers/serves.ts'
import { NEVER, type Nanoseconds } from '../../simulator/core/clock.ts'
import type { Cause } from '../../simulator/core/layer.ts'
import type { Security } from '../../simulator/core/types.ts'
import type { Device } from '../../simulator/fleet/device.ts'
import type { Pile } from '../../simulator/fleet/pile.ts'
import { PileFactory } from '../../simulator/fleet/pile.ts'
import { configOf } from '../../simulator/fleet/world.cases.ts'
import type { EpollReactor } from '../../simulator/io/epoll.ts'
import type { Timer } from '../../simulator/io/reactor.ts'
import type { DeviceEvents } from '../../simulator/protocols/session.ts'
import { makePki } from '../../simulator/security/pki.ts'

const TLS = {
  version: '1.3',
  group: 'X25519',
  cipher: 'TLS_AES_128_GCM_SHA256',
  auth: 'server',
  resumption: false,
  earlyData: false,
} as const
const PKI = makePki({
  dnsName: 'server.test',
  notBefore: new Date(Date.now() - 3600_000),
  notAfter: new Date(Date.now() + 3600_000),
})

/** Brokers have the same ports for it. */
export const portOf = (security: Security): number =>
  devicePort(mosquitto, { protocol: 'mqtt', framing: 'websocket', security }) ?? 0

/** Listens when it returns; ends, and its folder goes, when `stack` is disposed. */
export const startBroker = async (
  product: BrokerProduct,
  stack: AsyncDisposableStack,
  address: string,
  security: Security,
  namespace: string | null,
): Promise<Broker> => {
  const folder = await mkdtemp(join(tmpdir(), 'thingbench-websocket-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const secured =
    security === 'tls'
      ? { security, tls: TLS, certificate: { chain: PKI.certificate, key: PKI.key } }
      : {}
  const plan = brokerPlan({ folder, address, framing: 'websocket', ...secured })
  const { signal } = new AbortController()
  const broker = stack.use(await startProcess(product, plan, { namespace, cpu: null, signal }))
  await waitListening(broker, address, [1883, portOf(security)], 10_000, signal)
  return broker
}

/** Where devices of a kind connect: a factory of piles as the fleet has. */
export const factoryOf = (security: Security, address: string, port = portOf(security)) => {
  const plain = configOf({ protocol: 'mqtt', framing: 'websocket' })
  return new PileFactory({
    ...plain,
    stack: { ...plain.stack, security, tls: security === 'tls' ? TLS : null },
    server: { address, plain: 1883, device: port, name: 'server.test' },
    authority: PKI.authority,
  })
}

/** A device that sends one message after another, each when the one before is acknowledged. */
export class Sender implements DeviceEvents, Timer {
  timerSlot = -1
  readonly index: number
  readonly #onEnd: (now: Nanoseconds) => void
  #pile: Pile | null = null
  started: Nanoseconds = NaN
  /** From the first packet until CONNACK. */
  took: Nanoseconds = NaN
  acknowledgements = 0
  ends: string[] = []
  /** Messages to send. */
  most = 0

  constructor(index: number, onEnd: (now: Nanoseconds) => void = () => {}) {
    this.index = index
    this.#onEnd = onEnd
  }
  connect(reactor: EpollReactor, factory: PileFactory, local: string): void {
    this.started = reactor.now()
    // The factory looks at nothing of a device but these.
    this.#pile = factory.open(reactor, this as unknown as Device, local)
    reactor.arm(this)
  }
  sessionReady(now: Nanoseconds): void {
    this.took = now - this.started
    this.#send(now)
  }
  #send(now: Nanoseconds): void {
    const sequence = this.acknowledgements
    if (sequence < this.most)
      this.#pile?.session.send(sequence, Buffer.from(String(sequence).padStart(8, '0')), now)
  }
  transmitted(): void {}
  acknowledged(_sequence: number, now: Nanoseconds): void {
    this.acknowledgements++
    this.#send(now)
  }
  gaveUp(): void {}
  unblocked(): void {}
  ended(cause: Cause, now: Nanoseconds): void {
    this.ends.push(`${cause.code}: ${cause.detail}`)
    this.#onEnd(now)
  }
  close(now: Nanoseconds): void {
    this.#pile?.session.close(now)
  }
  #layers() {
    const { session = null, framing = null, security = null } = this.#pile ?? {}
    return [security, framing, session].filter((layer) => layer !== null)
  }
  deadline(): Nanoseconds {
    return Math.min(NEVER, ...this.#layers().map((layer) => layer.deadline()))
  }
  expire(now: Nanoseconds): void {
    for (const layer of this.#layers()) if (now >= layer.deadline()) layer.expire(now)
  }
}

class Alarm implements Timer {
  timerSlot = -1
  #at: Nanoseconds
  readonly #then: (now: Nanoseconds) => Nanoseconds
  constructor(reactor: EpollReactor, at: Nanoseconds, then: (now: Nanoseconds) => Nanoseconds) {
    this.#at = at
    this.#then = then
    reactor.arm(this)
  }
  deadline(): Nanoseconds {
    return this.#at
  }
  expire(now: Nanoseconds): void {
    this.#at = this.#then(now)
  }
}

/** Calls `then` at a time, and again at the time that it returns. */
export const alarm = (...all: ConstructorParameters<typeof Alarm>): Alarm => new Alarm(...all)
