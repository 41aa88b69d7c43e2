/**
 * Timers and UDP sockets on Node's own event loop, for a process in which a client library is at home. Timers are absolute
 * deadlines, but Node wakes at whole milliseconds: a deadline is met up to about 2 ms late, and never early.
 */
import { createSocket, type Socket } from 'node:dgram'
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND, monotonic, NEVER } from '../core/clock.ts'
import type { Address, DatagramEndpoint, DatagramSocket } from '../core/endpoint.ts'
import type { Cause, Lower, Traffic, Upper } from '../core/layer.ts'
import { bound } from './bound-sockets.ts'
import { causeOfNodeError } from './causes.ts'
import { Deadlines } from './deadlines.ts'
import { NodeEndpointSocket } from './node-endpoint.ts'
import type { ConnectOptions, Reactor, Timer } from './reactor.ts'
import { Sockets } from './sockets.ts'

/** Few enough that sockets do not wait long for deadlines. */
const DEADLINES_PER_TURN = 64
/** Node's timers hold no more. */
const LONGEST_WAIT = 2 ** 31 - 1

/** Who uses sockets of Node makes TCP connections itself. */
export class NodeLoop implements Pick<Reactor, 'now' | 'arm' | 'disarm' | 'bindDatagram'> {
  readonly #deadlines = new Deadlines()
  #timer: NodeJS.Timeout | null = null
  /** When the timer is to fire. */
  #at: Nanoseconds = NEVER
  #expiring = false
  readonly #expire = (): void => this.#turn()

  now(): Nanoseconds {
    return monotonic()
  }

  arm(owner: Timer): void {
    this.#deadlines.arm(owner)
    this.#schedule()
  }

  disarm(owner: Timer): void {
    this.#deadlines.disarm(owner)
    this.#schedule()
  }

  /** `above.open` follows from the loop, never from inside this call. */
  connectDatagram(options: ConnectOptions, above: Upper): Lower {
    return new NodeDatagram(this, options, above)
  }

  /** Throws TB_SYSTEM_CALL when the address cannot be bound. */
  bindDatagram(
    local: Address,
    traffic: Traffic,
    endpoint: DatagramEndpoint,
    owner: Timer,
  ): DatagramSocket {
    // Node could not make room for bursts beyond what every user may have.
    const fd = bound(new Sockets().openServer(local), 'UDP', local)
    return new NodeEndpointSocket(this, fd, traffic, endpoint, owner)
  }

  #turn(): void {
    this.#timer = null
    this.#at = NEVER
    this.#expiring = true
    for (let i = 0; i < DEADLINES_PER_TURN; i++) {
      // Each is given its own instant: those before it took time.
      const now = monotonic()
      if (this.#deadlines.next() > now) break
      this.#deadlines.expireNext(now)
    }
    this.#expiring = false
    this.#schedule()
  }

  #schedule(): void {
    const next = this.#deadlines.next()
    if (this.#expiring || next === this.#at) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#at = next
    if (next === NEVER) return
    const wait = Math.ceil((next - monotonic()) / MILLISECOND)
    this.#timer = setTimeout(this.#expire, Math.min(Math.max(wait, 0), LONGEST_WAIT))
  }
}

/** A connected UDP socket of Node. */
class NodeDatagram implements Lower {
  readonly traffic: Traffic
  readonly #socket: Socket = createSocket('udp4')
  #connected = false
  #over = false

  constructor(loop: NodeLoop, { local, remote, owner, traffic }: ConnectOptions, above: Upper) {
    this.traffic = traffic
    above.below = this
    const end = (cause: Cause): void => {
      if (this.#over) return
      this.close()
      above.closed(cause, monotonic())
      loop.arm(owner)
    }
    const socket = this.#socket
    socket.on('error', (error) => end(causeOfNodeError(error, 'datagram socket')))
    socket.on('message', (bytes) => {
      traffic.receivedBytes += bytes.length
      traffic.receivedCalls++
      above.fromBelow(bytes, monotonic())
      loop.arm(owner)
    })
    socket.bind(
      { address: local?.host ?? '0.0.0.0', port: local?.port ?? 0, exclusive: true },
      () =>
        socket.connect(remote.port, remote.host, () => {
          if (this.#over) return
          this.#connected = true
          above.open(monotonic())
          loop.arm(owner)
        }),
    )
  }

  fromAbove(bytes: Uint8Array): boolean {
    if (this.#over || !this.#connected) return false
    // A copy: Node may send it later. An error of one datagram is a loss.
    this.#socket.send(Buffer.from(bytes), () => {})
    this.traffic.sentBytes += bytes.length
    this.traffic.sentCalls++
    return true
  }

  close(): void {
    if (this.#over) return
    this.#over = true
    this.#socket.close()
  }
}
