/** Sessions of ours on their layers, at real servers, in slices of time between which children and other tests have their turn. */
import { setImmediate as turn } from 'node:timers/promises'
import { MILLISECOND, NEVER, type Nanoseconds } from '../../simulator/core/clock.ts'
import type { Address } from '../../simulator/core/endpoint.ts'
import { Traffic, type Layer } from '../../simulator/core/layer.ts'
import { Random } from '../../simulator/core/random.ts'
import type { Framing } from '../../simulator/core/types.ts'
import { EpollReactor } from '../../simulator/io/epoll.ts'
import type { Timer } from '../../simulator/io/reactor.ts'
import type { ConsumerSession, DeviceSession } from '../../simulator/protocols/session.ts'
import { TlsClient, type TlsContext } from '../../simulator/transports/tls.ts'
import { WebSocketClient } from '../../simulator/transports/websocket.ts'

const SLICE = 5 * MILLISECOND

export interface Way {
  readonly remote: Address
  readonly framing: Framing
  /** Null: no TLS. */
  readonly tls: TlsContext | null
  readonly serverName: string
}

/** The layers of a session; the reactor's owner of all. */
export class LayeredPile implements Timer {
  timerSlot = -1
  readonly #layers: readonly (Layer | DeviceSession | ConsumerSession)[]
  readonly #lowest: Layer | DeviceSession | ConsumerSession
  constructor({ remote, framing, tls, serverName }: Way, session: DeviceSession | ConsumerSession) {
    const target = { host: `${serverName}:${remote.port}`, path: '/mqtt', subprotocol: 'mqtt' }
    const layers: Layer[] = []
    if (framing === 'websocket')
      layers.push(new WebSocketClient(target, new Traffic(), new Random(3)))
    if (tls !== null) layers.push(new TlsClient(tls, new Traffic(), serverName))
    let lowest: Layer | DeviceSession | ConsumerSession = session
    for (const layer of layers) {
      layer.above = lowest
      lowest.below = layer
      lowest = layer
    }
    this.#layers = [session, ...layers]
    this.#lowest = lowest
  }
  connect(reactor: EpollReactor, remote: Address): void {
    reactor.connectStream({ remote, owner: this, traffic: new Traffic() }, this.#lowest)
  }
  deadline(): Nanoseconds {
    return Math.min(...this.#layers.map((layer) => layer.deadline()))
  }
  expire(now: Nanoseconds): void {
    for (const layer of this.#layers) if (now >= layer.deadline()) layer.expire(now)
  }
}

/** Gives the event loop of Node its turn. */
class Slice implements Timer {
  timerSlot = -1
  #at: Nanoseconds = NEVER
  readonly #reactor: EpollReactor
  constructor(reactor: EpollReactor) {
    this.#reactor = reactor
  }
  deadline(): Nanoseconds {
    return this.#at
  }
  expire(): void {
    this.#at = NEVER
    this.#reactor.stop()
  }
  run(): void {
    this.#at = this.#reactor.now() + SLICE
    this.#reactor.arm(this)
    this.#reactor.run()
  }
}

/** A reactor that does not keep the event loop of Node to itself. */
export class SlicedReactor extends EpollReactor {
  readonly #slice = new Slice(this)

  slice(): void {
    this.#slice.run()
  }

  /** Until `done`, or until `patience` is over. */
  async until(done: () => boolean, patience: Nanoseconds): Promise<void> {
    const deadline = this.now() + patience
    while (!done() && this.now() < deadline) {
      this.slice()
      await turn()
    }
  }
}
