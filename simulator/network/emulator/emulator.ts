import { NEVER, type Nanoseconds } from '../../core/clock.ts'
import { ThingbenchError } from '../../core/errors.ts'
import {
  FIRST_DEVICE,
  LISTENER,
  type LinkAccount,
  type LinkConfig,
  type Spans,
} from '../link-protocol.ts'
import { CanaryWatch } from './canary.ts'
import { DOWN, UP, type DirectionIndex } from './channel.ts'
import { channelDigest } from './digest.ts'
import { FirstFlights } from './first-flights.ts'
import { Happenings } from './happenings.ts'
import { Lateness } from './lateness.ts'
import { Links, type Traces } from './links.ts'
import { Connections } from './connections.ts'
import { WireLog } from './log.ts'
import { Nat } from './nat.ts'
import { ACK, Headers, SYN, TCP } from './packet.ts'
import { NONE, type PacketPool } from './pool.ts'
import { TcpFlows } from './tcp-flows.ts'
import { Epochs } from './epochs.ts'
import { countSpans } from './spans.ts'
import { wireByPhase } from './wire.ts'

/** What the emulator itself knows of a LinkAccount. */
export type EmulatorAccount = Omit<LinkAccount, 'clocked'>

/**
 * Both directions of all links, without I/O: packets are put in with the time of their arrival and taken out when they
 * are due. Whoever does the reading and writing is `engine.ts`, or a test in virtual time.
 */
const NO_SPANS: Spans = { connects: '', wakes: '' }

export class Emulator {
  readonly pool: PacketPool
  readonly epochs = new Epochs()
  readonly lateness = new Lateness()
  /** Packets that belong to no device and were put back. */
  strays = 0
  readonly #config: LinkConfig
  readonly #links: Links
  readonly #log = new WireLog()
  readonly #flows: TcpFlows
  readonly #connections: Connections
  readonly #canary: CanaryWatch
  readonly #headers = new Headers()
  /** Null where nothing is asked of it, so that a packet meets no more than it must. */
  readonly #nat: Nat | null
  readonly #happenings: Happenings | null
  readonly #flights: FirstFlights | null
  /** Of the packet whose headers were read: false when it came down and the NAT dropped it. */
  #reaches = true
  #t0: Nanoseconds = NEVER
  #t1: Nanoseconds = NEVER
  #closing: Nanoseconds = NEVER
  #arrived = 0
  #delivered = 0
  #happened = 0
  #unreachable = 0
  #replayed = 0
  #failed = 0

  /** `traces`: those that the profile asks for. */
  constructor(config: LinkConfig, pool: PacketPool, traces?: Traces) {
    const { devices, profile, timeline } = config
    this.pool = pool
    this.#config = config
    this.#links = new Links(config, pool, this.epochs, traces)
    this.#flows = new TcpFlows(devices)
    this.#connections = new Connections(devices)
    this.#canary = new CanaryWatch(config.canary, devices)
    const rebinds = timeline.some((event) => event.kind === 'rebind')
    this.#nat = profile.nat === null && !rebinds ? null : new Nat(devices, profile.nat)
    this.#happenings =
      timeline.length === 0
        ? null
        : new Happenings(timeline, devices, {
            nat: this.#nat,
            directions: this.#links.changeable,
            replay: (met, at) => this.#replay(met, at),
          })
    const replays = timeline.some((event) => event.kind === 'replay')
    this.#flights = replays ? new FirstFlights(pool) : null
  }

  /** The plan of the cell: see LinkOrder. */
  plan(warmup: Nanoseconds, t0: Nanoseconds, t1: Nanoseconds): void {
    this.epochs.plan(warmup, t0)
    this.#happenings?.plan(t0)
    this.#t0 = t0
    this.#t1 = t1
  }

  /** The devices close their connections from `at` on. */
  close(at: Nanoseconds): void {
    this.#closing = at
  }

  /** A packet of `length` bytes lies in `slot` and came to the link at `now`. The slot is the emulator's from here on. */
  arrive(direction: DirectionIndex, slot: number, length: number, now: Nanoseconds): void {
    const { pool } = this
    this.#happenings?.advance(now)
    const device = this.#deviceOf(direction, pool.offset(slot), length, now)
    if (this.#flights !== null && direction === DOWN && this.#headers.destination === LISTENER) {
      this.#arrived++
      this.#unreachable++
      pool.give(slot)
      return
    }
    if (device < 0) {
      this.strays++
      pool.give(slot)
      return
    }
    pool.order[slot] = this.#arrived++
    pool.length[slot] = length
    pool.row[slot] = this.#note(device, direction, pool.offset(slot), now)
    if (device < this.#config.devices && !this.#crosses(device, direction, slot, now)) {
      pool.give(slot)
      return
    }
    this.#links.arrive(direction, device, slot, now)
  }

  /** When the next packet is to be handed on, or goes on inside the link, or NEVER. */
  nextDue(): Nanoseconds {
    return this.#links.nextDue()
  }

  /**
   * Takes out the packet that is due at `nextDue()`. Its slot goes back with `handedOn` or `failed`. NONE: a packet went on
   * inside the link, or was dropped there.
   */
  take(): number {
    const move = this.#links.nextMove()
    if (this.#happenings !== null && move !== NEVER) {
      const due = this.#links.nextDue()
      this.#happenings.advance(move)
      if (this.#links.nextDue() > due) return NONE
    }
    return this.#links.take()
  }

  /** Of the packet that `take` returned: the direction in which it goes on. */
  get takenDirection(): DirectionIndex {
    return this.#links.takenDirection
  }

  /** The packet that was taken left the link at `now`. */
  handedOn(slot: number, now: Nanoseconds): void {
    this.#delivered++
    // All connections end at once, which is more than ever has to be in time.
    if (now < this.#closing) this.lateness.add(now - (this.pool.due[slot] as number))
    const row = this.pool.row[slot] as number
    if (row !== NONE) this.#log.markDelivered(row)
    this.pool.give(slot)
  }

  /** The packet that was taken could not be handed on. */
  failed(slot: number): void {
    this.#failed++
    this.pool.give(slot)
  }

  /**
   * Sums everything up. Throws TB_LINK_ACCOUNT when packets are missing.
   * @param ready when each device was application ready (NaN: never) @param outside drops before packets came here @param spans to be counted apart
   */
  account(ready: Float64Array, outside: number, spans: Spans = NO_SPANS): EmulatorAccount {
    const { profile } = this.#config
    const queued = this.#queued()
    const roundTrip = profile.up.delay + profile.down.delay
    const wire = wireByPhase(this.#log, {
      ready,
      closing: this.#closing,
      roundTrip,
      t0: this.#t0,
      t1: this.#t1,
    })
    return {
      wire,
      spans: countSpans(this.#log, this.#connections, spans, roundTrip, this.#closing),
      plaintextDevices: this.#canary.devices(),
      arrived: this.#arrived,
      delivered: this.#delivered,
      duplicated: this.#links.sum('duplicated'),
      corrupted: this.#links.sum('corrupted'),
      lost: this.#happened + this.#links.sum('lost'),
      overflowed: this.#links.sum('overflowed'),
      unreachable: this.#unreachable,
      replayed: this.#replayed,
      queued,
      unplannedDrops: outside + this.strays + this.#failed,
      latePackets: this.lateness.late,
      timedPackets: this.lateness.count,
      lateness: {
        p50: this.lateness.quantile(0.5),
        p99: this.lateness.quantile(0.99),
        max: this.lateness.max,
      },
      channelDigest: channelDigest(this.#config, this.#t1 === NEVER ? 0 : this.#t1 - this.#t0),
    }
  }

  /** Packets inside, counted one by one, after checking that none is missing. */
  #queued(): number {
    const queued = this.#links.packets()
    const lost = this.#happened + this.#links.sum('lost')
    const dropped = lost + this.#links.sum('overflowed') + this.#unreachable + this.#failed
    const known = this.#delivered + dropped + queued
    const arrived = this.#arrived + this.#links.sum('duplicated')
    if (known !== arrived) throw new ThingbenchError('TB_LINK_ACCOUNT', { arrived, known })
    return queued
  }

  /** The device whose link the packet takes, or -1. Leaves the headers read, with the device's own address and port. */
  #deviceOf(direction: DirectionIndex, offset: number, length: number, now: Nanoseconds): number {
    const headers = this.#headers
    const { bytes } = this.pool.slab
    if (!headers.read(bytes, offset, length)) return -1
    if (direction === DOWN) this.#reaches = this.#nat?.down(bytes, offset, headers, now) ?? true
    const device = (direction === UP ? headers.source : headers.destination) - FIRST_DEVICE
    return device < this.#config.devices + this.#config.probes ? device : -1
  }

  /** Whether the packet gets past what the timeline loses, and the NAT behind it. Counts it if not. */
  #crosses(device: number, direction: DirectionIndex, slot: number, now: Nanoseconds): boolean {
    const { slab } = this.pool
    const { payload, length } = this.#headers
    const isLost = this.#happenings?.loses(device, direction, payload > 0, length) === true
    // A packet that goes up, and is lost, never comes to the NAT.
    const reaches =
      direction === DOWN
        ? this.#reaches
        : isLost ||
          this.#nat === null ||
          this.#nat.up(device, slab.bytes, this.pool.offset(slot), this.#headers, now)
    if (!reaches) this.#unreachable++
    else if (isLost) this.#happened++
    return reaches && !isLost
  }

  /** Logs the packet whose headers have been read, unless it is a probe's. Returns its row, or NONE. */
  #note(device: number, direction: DirectionIndex, offset: number, now: Nanoseconds): number {
    if (device >= this.#config.devices) return NONE
    const { ipHeader, transportHeader, payload, length, protocol } = this.#headers
    const start = offset + ipHeader + transportHeader
    if (payload > 0) this.#canary.watch(device, direction, this.pool.slab.bytes, start, payload)
    const again = protocol === TCP && this.#flows.retransmitted(device, direction, this.#headers)
    const connection = this.#connectionOf(device, direction, again, now)
    if (connection >= 0) this.#flights?.note(device, direction, connection, offset, length)
    return this.#log.add(now, device, direction, length, ipHeader, transportHeader, again, connection) // prettier-ignore
  }

  /** The links of the devices take them up, but no device sent them: they have no row in the log, and no NAT. */
  #replay(devices: number, at: Nanoseconds): void {
    const { pool } = this
    const put = (device: number, slot: number): void => {
      pool.order[slot] = this.#arrived++
      this.#links.arrive(UP, device, slot, at)
    }
    this.#replayed += this.#flights?.replay(devices, at, put) ?? 0
  }

  /** -1 for what has no port: fragments, other protocols. */
  #connectionOf(
    device: number,
    direction: DirectionIndex,
    again: boolean,
    now: Nanoseconds,
  ): number {
    const { protocol, tcpFlags, sourcePort, destinationPort } = this.#headers
    if (protocol === 0) return -1
    const first = protocol === TCP && (tcpFlags & (SYN | ACK)) === SYN && !again
    const port = direction === UP ? sourcePort : destinationPort
    return this.#connections.of(device, port, first, now)
  }
}
