/**
 * Entry point of the consumer process: the backend application, in the server's namespace. It subscribes at the broker
 * without TLS, whatever the stack, or it is the server itself (CoAP, with DTLS in front where the stack has it).
 */
import type { Nanoseconds } from '../../core/clock.ts'
import { NEVER } from '../../core/clock.ts'
import type { Cause } from '../../core/layer.ts'
import { Traffic } from '../../core/layer.ts'
import { Random } from '../../core/random.ts'
import { Application } from '../../fleet/application.ts'
import { Consumer } from '../../fleet/consumer.ts'
import { hearsOf } from '../../fleet/hears.ts'
import type { ConsumerConfig, ConsumerEvent, ConsumerOrder } from '../../fleet/fleet-protocol.ts'
import { ECHO_PORT } from '../../fleet/fleet-protocol.ts'
import { bulkPlanOf } from '../../fleet/schedule-bulk.ts'
import { Echo } from '../../fleet/probe.ts'
import { Pulse } from '../../fleet/pulse.ts'
import type { EpollReactor } from '../../io/epoll.ts'
import type { Timer } from '../../io/reactor.ts'
import { adapterOf } from '../../protocols/index.ts'
import type {
  ConsumerEvents,
  ConsumerSession,
  Speech,
  SpeechEvents,
} from '../../protocols/session.ts'
import { Identities } from '../../security/identities.ts'
import { DtlsServer } from '../../transports/dtls-server.ts'
import { DtlsContext } from '../../transports/dtls.ts'
import { runRole } from './role.ts'

const RETRY = 20e6

/** Keeps a subscription at the broker: tries until the broker answers or the deadline passes. */
class Subscriber implements Timer, ConsumerEvents {
  timerSlot = -1
  readonly #config: ConsumerConfig
  readonly #reactor: EpollReactor
  readonly #consumer: Consumer | Application
  #session: ConsumerSession | null = null
  #retryAt: Nanoseconds
  #ready = false

  constructor(config: ConsumerConfig, reactor: EpollReactor, consumer: Consumer | Application) {
    this.#config = config
    this.#reactor = reactor
    this.#consumer = consumer
    this.#retryAt = reactor.now()
  }

  start(): void {
    this.#reactor.arm(this)
  }

  deadline(): Nanoseconds {
    return Math.min(this.#retryAt, this.#session?.deadline() ?? NEVER)
  }

  expire(now: Nanoseconds): void {
    if (this.#session !== null && now >= this.#session.deadline()) this.#session.expire(now)
    if (now >= this.#retryAt) this.#connect()
  }

  #connect(): void {
    const { stack, server, devices, seed, secret } = this.#config
    const path = adapterOf(stack.protocol).consumer
    if (path.kind !== 'subscribe') throw new Error(`${stack.protocol} has no subscribing consumer`)
    this.#retryAt = NEVER
    this.#session = path.create(
      {
        devices,
        reliability: stack.reliability,
        options: stack.options,
        serverName: server.name,
        password: new Identities(Buffer.from(secret, 'hex')).password,
        random: new Random(seed, 0x636f6e73),
        says: hearsOf(this.#config.workload),
        large: bulkPlanOf(this.#config.workload, stack) !== null,
      },
      this,
    )
    const remote = { host: server.address, port: server.plain }
    this.#reactor.connectStream({ remote, owner: this, traffic: new Traffic() }, this.#session)
  }

  get speech(): SpeechEvents | null {
    return this.#consumer instanceof Application ? this.#consumer.speech : null
  }

  consumerReady(): void {
    this.#ready = true
    if (this.#session !== null) speakThrough(this.#consumer, this.#session, this)
    this.#consumer.consumerReady()
  }

  received(device: number, payload: Uint8Array, now: Nanoseconds): void {
    this.#consumer.received(device, payload, now)
  }

  receivedLarge(device: number, payload: Uint8Array, now: Nanoseconds): void {
    if (this.#consumer instanceof Consumer) this.#consumer.receivedLarge(device, payload, now)
  }

  ended(cause: Cause, now: Nanoseconds): void {
    this.#session = null
    const again = !this.#ready && now < this.#config.deadline && cause.code !== 'authentication'
    if (again) this.#retryAt = now + RETRY
    else this.#consumer.ended(cause)
  }
}

/** The application speaks through what can speak. */
const speakThrough = (
  consumer: Consumer | Application,
  session: Partial<Speech>,
  owner: Timer,
): void => {
  if (consumer instanceof Application && session.command !== undefined)
    consumer.speakThrough(session as Speech, owner)
}

/** Stands up the server whose endpoint is the consumer. */
const serve = (
  config: ConsumerConfig,
  reactor: EpollReactor,
  consumer: Consumer | Application,
): void => {
  const { stack, server, devices, seed, secret } = config
  const path = adapterOf(stack.protocol).consumer
  if (path.kind !== 'serve') throw new Error(`${stack.protocol} has no serving consumer`)
  const identities = new Identities(Buffer.from(secret, 'hex'))
  const endpoint = path.create(
    {
      devices,
      reliability: stack.reliability,
      options: stack.options,
      serverName: server.name,
      password: identities.password,
      random: new Random(seed, 0x73657276),
      says: hearsOf(config.workload),
    },
    consumer,
  )
  if (stack.security === 'none' || stack.dtls === null) {
    const owner = new Owner(endpoint)
    reactor.bindDatagram(
      { host: server.address, port: server.plain },
      new Traffic(),
      endpoint,
      owner,
    )
    reactor.arm(owner)
    speakThrough(consumer, endpoint, owner)
  } else {
    const lookup = (identity: string) => identities.pskByIdentity(identity)
    const dtls = new DtlsServer(DtlsContext.server(stack.dtls), endpoint, new Traffic(), lookup)
    const owner = new Owner(dtls, endpoint)
    reactor.bindDatagram({ host: server.address, port: server.device }, new Traffic(), dtls, owner)
    reactor.arm(owner)
    speakThrough(consumer, endpoint, owner)
  }
  consumer.consumerReady()
}

/** The deadlines of a pile of endpoints, as one owner. */
class Owner implements Timer {
  timerSlot = -1
  readonly #parts: readonly { deadline(): Nanoseconds; expire(now: Nanoseconds): void }[]
  constructor(...parts: readonly { deadline(): Nanoseconds; expire(now: Nanoseconds): void }[]) {
    this.#parts = parts
  }
  deadline(): Nanoseconds {
    let at = NEVER
    for (const part of this.#parts) at = Math.min(at, part.deadline())
    return at
  }
  expire(now: Nanoseconds): void {
    for (const part of this.#parts) if (now >= part.deadline()) part.expire(now)
  }
}

runRole<ConsumerConfig, ConsumerOrder>((config, { reactor, tell, stop }) => {
  const say = (event: ConsumerEvent): void => tell(event)
  const { devices, workload, seed } = config
  const consumer =
    hearsOf(workload) === null
      ? new Consumer(devices, workload, seed, say, bulkPlanOf(workload, config.stack))
      : new Application(config, reactor, say)
  const pulse = new Pulse(0, (now) => say({ event: 'progress', ...consumer.progress(now) }))
  const echo = new Echo()
  reactor.bindDatagram({ host: config.server.address, port: ECHO_PORT }, new Traffic(), echo, echo)
  if (config.kind === 'subscribe') new Subscriber(config, reactor, consumer).start()
  else if (config.kind === 'serve') serve(config, reactor, consumer)
  else consumer.consumerReady()
  return (order) => {
    if (order.order === 'phases') {
      reactor.arm(pulse)
      return consumer.begin(order.plan)
    }
    say({ event: 'report', report: consumer.report() })
    return stop()
  }
})
