/** A device session and what stands at the other end, in virtual time, over a network of constant delay that may lose datagrams. */
import { NEVER, type Nanoseconds } from '../../core/clock.ts'
import { type Cause, type Lower, Traffic } from '../../core/layer.ts'
import { Random } from '../../core/random.ts'
import type { ProtocolOptions, Reliability } from '../../core/types.ts'
import type { ConsumerEvents, DeviceEvents, SessionConfig } from '../session.ts'
import { CoapServer } from './server.ts'
import { CoapDevice } from './session.ts'

export const PEER = 42

export const sessionConfig = (
  reliability: Reliability,
  options: ProtocolOptions = {},
  seed = 1,
): SessionConfig => ({
  device: 42,
  reliability,
  options,
  serverName: 'server.test',
  password: '',
  random: new Random(seed),
  registration: 'resource-directory',
})

/** Everything a session said, in order, as `event sequence` with what belongs to it. */
export class DeviceLog implements DeviceEvents {
  readonly lines: string[] = []
  cause: Cause | null = null
  readonly sentAt = new Map<number, Nanoseconds>()
  readonly answeredAt = new Map<number, Nanoseconds>()
  failures = 0
  /** Called on `unblocked`. */
  onUnblocked: (now: Nanoseconds) => void = () => {}

  sessionReady(): void {
    this.lines.push('ready')
  }
  transmitted(sequence: number, now: Nanoseconds): void {
    this.sentAt.set(sequence, now)
    this.lines.push(`transmitted ${sequence}`)
  }
  acknowledged(sequence: number, now: Nanoseconds): void {
    this.answeredAt.set(sequence, now)
    this.lines.push(`acknowledged ${sequence}`)
  }
  gaveUp(sequence: number, reason: string): void {
    this.failures++
    this.lines.push(`gaveUp ${sequence} ${reason}`)
  }
  unblocked(now: Nanoseconds): void {
    this.lines.push('unblocked')
    this.onUnblocked(now)
  }
  ended(cause: Cause): void {
    this.cause = cause
    this.lines.push(`ended ${cause.code}`)
  }
}

/** A layer below that keeps what it is given, as hex. */
export class Wire implements Lower {
  readonly sent: string[] = []
  full = false
  isClosed = false
  readonly traffic = new Traffic()
  fromAbove(bytes: Uint8Array): boolean {
    if (!this.full) this.sent.push(Buffer.from(bytes).toString('hex'))
    return !this.full
  }
  close(): void {
    this.isClosed = true
  }
}

interface Datagram {
  readonly at: Nanoseconds
  readonly up: boolean
  readonly bytes: Uint8Array
}

export interface BackToBackOptions {
  readonly reliability: Reliability
  readonly options?: ProtocolOptions
  readonly delay?: Nanoseconds
  readonly seed?: number
}

export class BackToBack {
  now: Nanoseconds = 1e12
  readonly log = new DeviceLog()
  readonly device: CoapDevice
  readonly server: CoapServer
  /** Payloads that the consumer received, with the instant. */
  readonly received: { readonly text: string; readonly at: Nanoseconds }[] = []
  /** Datagrams handed to the network. */
  readonly carried = { up: 0, down: 0 }
  /** Probability that a datagram is lost, each way. */
  loss = 0
  readonly #fate: Random
  readonly #delay: Nanoseconds
  #flying: Datagram[] = []

  constructor({ reliability, options = {}, delay = 0, seed = 1 }: BackToBackOptions) {
    this.#delay = delay
    this.#fate = new Random(seed, 0x66617465)
    const events: ConsumerEvents = {
      consumerReady: () => {},
      received: (_, payload, now) =>
        this.received.push({ text: Buffer.from(payload).toString(), at: now }),
      ended: () => {},
    }
    this.device = new CoapDevice(sessionConfig(reliability, options, seed), this.log)
    this.server = new CoapServer(
      { devices: 1000, reliability, options, serverName: '', password: '', random: new Random(2) },
      events,
    )
    this.device.below = {
      fromAbove: (bytes) => this.#carry(true, bytes),
      close: () => {},
      traffic: new Traffic(),
    }
    this.server.below = {
      toPeer: (_, bytes) => void this.#carry(false, bytes),
      close: () => {},
      traffic: new Traffic(),
    }
    this.device.open(this.now)
    this.runUntil(this.now + 2 * delay)
  }

  send(sequence: number): boolean {
    return this.device.send(sequence, Buffer.from(String(sequence).padStart(8, '0')), this.now)
  }

  runUntil(end: Nanoseconds): void {
    for (;;) {
      const next = Math.min(
        this.#flying[0]?.at ?? NEVER,
        this.device.deadline(),
        this.server.deadline(),
      )
      if (next > end) break
      this.now = Math.max(this.now, next)
      this.#step()
    }
    this.now = end
  }

  #step(): void {
    const due = this.#flying[0]
    if (due !== undefined && due.at <= this.now) {
      this.#flying.shift()
      if (due.up) this.server.fromPeer(PEER, due.bytes, this.now)
      else this.device.fromBelow(due.bytes, this.now)
    } else if (this.device.deadline() <= this.now) this.device.expire(this.now)
    else this.server.expire(this.now)
  }

  #carry(up: boolean, bytes: Uint8Array): boolean {
    this.carried[up ? 'up' : 'down']++
    if (this.loss === 0 || this.#fate.uniform() >= this.loss)
      this.#flying.push({ at: this.now + this.#delay, up, bytes: bytes.slice() })
    return true
  }
}
