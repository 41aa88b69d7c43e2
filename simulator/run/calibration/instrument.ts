/** A link with traffic on both its ends, as calibrate drives it: two processes of their own, gone when it is disposed. */
import { monotonic, type Nanoseconds } from '../../core/clock.ts'
import { decodeDoubles, encodeDoubles } from '../../core/doubles.ts'
import type { LinkProfile } from '../../core/link-profile.ts'
import { PLAIN_TCP } from '../../core/tcp.ts'
import { sampleUsage, type Usage } from '../../measure/usage.ts'
import type { LinkAccount, LinkConfig, LinkEvent, LinkOrder } from '../../network/link-protocol.ts'
import type { RunLock } from '../lock.ts'
import type { Processors } from '../processors.ts'
import { RoleProcess } from '../role-process.ts'
import type { Load, TrafficConfig, TrafficEvent, TrafficOrder } from './traffic-protocol.ts'

/** What came of a load: instants in the order of sending; NaN: not sent, or not received. */
export interface Passage {
  readonly load: Load
  readonly sent: Float64Array
  readonly received: Float64Array
  readonly duplicates: number
}

export interface Place {
  readonly processors: Processors
  readonly lock: RunLock
  readonly signal: AbortSignal
}

/** Any number does: what a channel does must be right for each seed. */
const SEED = 20_261_122
const CANARY = 'calibrat'
const READY_PATIENCE = 20_000
const EXTRA_PATIENCE = 20_000
const MILLISECONDS = 1e6

export class Instrument implements AsyncDisposable {
  readonly #link: RoleProcess<LinkOrder, LinkEvent>
  readonly #traffic: RoleProcess<TrafficOrder, TrafficEvent>
  readonly #devices: number
  readonly #signal: AbortSignal
  readonly #parts: AsyncDisposableStack

  private constructor(
    link: RoleProcess<LinkOrder, LinkEvent>,
    traffic: RoleProcess<TrafficOrder, TrafficEvent>,
    devices: number,
    signal: AbortSignal,
    parts: AsyncDisposableStack,
  ) {
    this.#link = link
    this.#traffic = traffic
    this.#devices = devices
    this.#signal = signal
    this.#parts = parts
  }

  /** Starts both; the link has the processor that it has in a run, and the traffic another one where there is one. */
  static async start(profile: LinkProfile, devices: number, place: Place): Promise<Instrument> {
    await using parts = new AsyncDisposableStack()
    const { processors, lock, signal } = place
    const config: LinkConfig = {
      devices,
      probes: 1,
      profile,
      timeline: [],
      tcp: PLAIN_TCP,
      seed: SEED,
      canary: CANARY,
      cpu: processors.link,
    }
    const link = parts.use(
      new RoleProcess<LinkOrder, LinkEvent>('link', '../network/link-process.ts', config),
    )
    lock.started(link.pid)
    const { devicesNamespace, serverNamespace } = await link.expect('ready', READY_PATIENCE, signal)
    link.order({ order: 'connect', at: monotonic() })
    const ends: TrafficConfig = {
      devicesNamespace,
      serverNamespace,
      devices,
      cpu: processors.server,
      spins: processors.server !== null,
    }
    const traffic = parts.use(
      new RoleProcess<TrafficOrder, TrafficEvent>('traffic', './roles/traffic-process.ts', ends),
    )
    lock.started(traffic.pid)
    await traffic.expect('ready', READY_PATIENCE, signal)
    return new Instrument(link, traffic, devices, signal, parts.move())
  }

  /** @throws ThingbenchError TB_WAITED, TB_ROLE_FAILED; the reason of the signal when that comes first */
  async carry(load: Load): Promise<Passage> {
    const planned = load.rate === null ? 0 : load.count / load.rate
    const patience = planned * 2000 + load.settle / MILLISECONDS + EXTRA_PATIENCE
    this.#traffic.order({ order: 'load', load })
    const { sent, received, duplicates } = await this.#traffic.expect('loaded', patience, this.#signal) // prettier-ignore
    return { load, sent: decodeDoubles(sent), received: decodeDoubles(received), duplicates }
  }

  /** Everything since the start. */
  async account(): Promise<LinkAccount> {
    const ready = encodeDoubles(new Float64Array(this.#devices))
    this.#link.order({ order: 'account', ready })
    return (await this.#link.expect('account', EXTRA_PATIENCE, this.#signal)).account
  }

  /** Processor time of the link so far; for `usageBetween`. */
  usage(before?: Usage): Usage {
    return sampleUsage([this.#link.pid], before)
  }

  /** The link's process, in a `usage`. */
  get linkPid(): number {
    return this.#link.pid
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync()
  }
}

/** When packets arrived, in the order of sending, without those that did not. */
export const arrivalsOf = ({ received }: Passage): Float64Array =>
  received.filter((time) => !Number.isNaN(time))

/** One-way times of the packets that arrived, ascending. */
export const delaysOf = ({ sent, received }: Passage): Float64Array =>
  received
    .map((at, i) => at - (sent[i] as Nanoseconds))
    .filter((delay) => !Number.isNaN(delay))
    .sort()
