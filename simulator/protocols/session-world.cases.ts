/**
 * A device session, what stands between it and the consumer, and the consumer, on a network in virtual time. Everything
 * that the contract of session.ts forbids in general (an event after the end, a deadline that stays) is checked on the way.
 */
import assert from 'node:assert/strict'
import { MILLISECOND, type Nanoseconds } from '../core/clock.ts'
import type { Address, DatagramEndpoint, DatagramSocket } from '../core/endpoint.ts'
import { Traffic, type Cause, type Lower, type Timed, type Upper } from '../core/layer.ts'
import { Random } from '../core/random.ts'
import type { ProtocolOptions, Reliability } from '../core/types.ts'
import type {
  ConsumerEvents,
  DeviceSession,
  Hears,
  ProtocolAdapter,
  Speech,
  SpeechEvents,
} from './session.ts'
import { DEVICE, DeviceLog, payloadOf } from './session-bench.cases.ts'

export interface Owner extends Timed {
  timerSlot: number
}

interface Connecting {
  readonly remote: Address
  readonly owner: Owner
  readonly traffic: Traffic
}

export interface Accepting {
  readonly above: Upper
  readonly owner: Owner
}

/** What is asked of a network. `MemoryReactor` of io/ is one; this folder may not import it. */
export interface VirtualNetwork {
  now(): Nanoseconds
  runUntil(end: Nanoseconds): void
  connectStream(options: Connecting, above: Upper): Lower
  connectDatagram(options: Connecting, above: Upper): Lower
  listenStream(local: Address, traffic: Traffic, accept: () => Accepting): unknown
  bindDatagram(
    local: Address,
    traffic: Traffic,
    endpoint: DatagramEndpoint,
    owner: Owner,
  ): DatagramSocket
  arm(owner: Owner): void
}

/** A protocol under test. */
export interface SessionSubject {
  readonly adapter: ProtocolAdapter
  readonly options?: ProtocolOptions
  /** A network of a constant delay (10 ms or so) that loses nothing; made anew for each case. */
  readonly network: () => VirtualNetwork
  /** For protocols whose consumer subscribes: a server that forwards messages. Called once per case; what it returns, once per connection. */
  readonly broker?: () => () => Accepting
}

const SERVER: Address = { host: '10.63.0.1', port: 1000 }
const SERVER_NAME = 'x.test'
/** Long enough for every round trip of connecting, and shorter than every timer. */
export const MOMENT = 500 * MILLISECOND

/** What a session told of what the application said, one line per event. */
class SpeechLog implements SpeechEvents {
  lines: string[] = []
  transmitted(device: number, sequence: number): void {
    this.lines.push(`transmitted ${device} ${sequence}`)
  }
  acknowledged(device: number, sequence: number): void {
    this.lines.push(`acknowledged ${device} ${sequence}`)
  }
  gaveUp(device: number, sequence: number): void {
    this.lines.push(`gave up ${device} ${sequence}`)
  }
  unblocked(device: number): void {
    this.lines.push(`unblocked ${device}`)
  }
}

class ConsumerLog implements ConsumerEvents {
  readonly speech: SpeechLog | null
  ready = 0
  readonly messages: { readonly device: number; readonly text: string }[] = []
  constructor(speaks: boolean) {
    this.speech = speaks ? new SpeechLog() : null
  }
  consumerReady(): void {
    this.ready++
  }
  received(device: number, payload: Uint8Array): void {
    this.messages.push({ device, text: Buffer.from(payload).toString('latin1') })
  }
  ended(): void {}
}

/** A layer between session and network that looks at what passes, and can refuse or swallow it. */
export class Tap implements Upper, Lower {
  declare below: Lower
  openedAt: Nanoseconds = NaN
  readonly traffic = new Traffic()
  readonly above: Upper
  /** What the peer said, call by call. */
  readonly heard: Uint8Array[] = []
  /** The layer below takes nothing. */
  full = false
  /** Nothing gets through, and nobody notices. */
  silent = false
  closes = 0
  refusals = 0

  constructor(above: Upper) {
    this.above = above
    above.below = this
  }

  open(now: Nanoseconds): void {
    this.openedAt = now
    this.above.open(now)
  }
  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    if (this.silent) return
    this.heard.push(new Uint8Array(bytes))
    this.above.fromBelow(bytes, now)
  }
  ready(now: Nanoseconds): void {
    this.above.ready(now)
  }
  closed(cause: Cause, now: Nanoseconds): void {
    this.above.closed(cause, now)
  }
  fromAbove(bytes: Uint8Array, now: Nanoseconds): boolean {
    if (this.full) this.refusals++
    return !this.full && (this.silent || this.below.fromAbove(bytes, now))
  }
  close(now: Nanoseconds): void {
    this.closes++
    this.below.close(now)
  }
}

/** Who is asked for deadlines in the name of `timed`, as a reactor does, and sees that each expiry moves the deadline. */
class Watched implements Owner {
  timerSlot = -1
  expiries = 0
  readonly #timed: Timed
  constructor(timed: Timed) {
    this.#timed = timed
  }
  deadline(): Nanoseconds {
    const at = this.#timed.deadline()
    assert.ok(!Number.isNaN(at), 'a deadline is an instant or NEVER')
    return at
  }
  expire(now: Nanoseconds): void {
    this.expiries++
    this.#timed.expire(now)
    assert.ok(this.#timed.deadline() > now, 'expire must move the deadline')
  }
}

export class SessionWorld {
  readonly log = new DeviceLog()
  readonly consumer: ConsumerLog
  /** How the application speaks; null where it does not. */
  speech: Speech | null = null
  #speaker: Owner | null = null
  readonly session: DeviceSession
  readonly tap: Tap
  readonly owner: Watched
  readonly network: VirtualNetwork
  /** Gives the consumer bytes that nobody sent. */
  consumerHears: (bytes: Uint8Array) => void = () => {}
  readonly #carrier: 'stream' | 'datagram'

  /** The consumer is up; the device has not connected. */
  constructor(subject: SessionSubject, reliability: Reliability, hears: Hears = null) {
    this.consumer = new ConsumerLog(hears !== null)
    const { adapter, options = {} } = subject
    this.network = subject.network()
    this.#carrier = adapter.carrier
    const common = { reliability, options, serverName: SERVER_NAME, password: 'secret' }
    this.#serve(subject, { ...common, devices: 100, random: new Random(2), says: hears })
    const config = {
      ...common,
      device: DEVICE,
      random: new Random(1),
      registration: 'resource-directory',
      hears,
    } as const
    this.session = adapter.device(config, this.log)
    this.tap = new Tap(this.session)
    this.owner = new Watched(this.session)
  }

  connect(): this {
    const options = { remote: SERVER, owner: this.owner, traffic: new Traffic() }
    if (this.#carrier === 'stream') this.network.connectStream(options, this.tap)
    else this.network.connectDatagram(options, this.tap)
    this.run()
    return this
  }

  run(duration: Nanoseconds = MOMENT): void {
    this.network.runUntil(this.network.now() + duration)
  }

  send(sequence: number): boolean {
    const payload = payloadOf(sequence)
    const taken = this.session.send(sequence, payload, this.network.now())
    // Bytes are the session's only during the call.
    payload.fill(0)
    this.network.arm(this.owner)
    return taken
  }

  /** What the application says, as if now was its time. */
  say(speak: (speech: Speech, now: Nanoseconds) => boolean): boolean {
    assert.ok(this.speech && this.#speaker, 'the adapter says that its application can speak')
    const taken = speak(this.speech, this.network.now())
    this.network.arm(this.#speaker)
    return taken
  }

  close(): void {
    this.log.over = true
    this.session.close(this.network.now())
    this.network.arm(this.owner)
  }

  /** The layer below is gone. */
  lose(cause: Cause): void {
    this.session.closed(cause, this.network.now())
    this.network.arm(this.owner)
  }

  /** Gives the session bytes as if they came from the peer. */
  hear(bytes: Uint8Array): void {
    this.session.fromBelow(new Uint8Array(bytes), this.network.now())
    this.network.arm(this.owner)
  }

  #serve(
    { adapter, broker }: SessionSubject,
    config: Parameters<ProtocolAdapter['consumer']['create']>[0],
  ): void {
    const path = adapter.consumer
    const { network } = this
    if (path.kind === 'serve') {
      const endpoint = path.create(config, this.consumer)
      const owner = new Watched(endpoint)
      network.bindDatagram(SERVER, new Traffic(), endpoint, owner)
      this.#hasSpeech(endpoint, owner)
      this.consumerHears = (bytes) => endpoint.fromPeer(77, new Uint8Array(bytes), network.now())
      return
    }
    assert.ok(broker, 'a protocol whose consumer subscribes needs a broker')
    network.listenStream(SERVER, new Traffic(), broker())
    const session = path.create(config, this.consumer)
    const owner = new Watched(session)
    network.connectStream({ remote: SERVER, owner, traffic: new Traffic() }, session)
    this.#hasSpeech(session, owner)
    this.run()
    assert.equal(this.consumer.ready, 1, 'the consumer says once that it is ready')
    this.consumerHears = (bytes) => session.fromBelow(new Uint8Array(bytes), network.now())
  }

  #hasSpeech(session: Partial<Speech>, owner: Owner): void {
    this.#speaker = owner
    if (session.command !== undefined) this.speech = session as Speech
  }
}
