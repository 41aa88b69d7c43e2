/** A device and a consumer of ours at one broker, both over the same layers, in slices of time between which children are heard. */
import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { MILLISECOND, NEVER, SECOND, type Nanoseconds } from '../../simulator/core/clock.ts'
import type { Address } from '../../simulator/core/endpoint.ts'
import { Traffic, type Layer } from '../../simulator/core/layer.ts'
import { Random } from '../../simulator/core/random.ts'
import type { Framing } from '../../simulator/core/types.ts'
import { EpollReactor } from '../../simulator/io/epoll.ts'
import type { Timer } from '../../simulator/io/reactor.ts'
import { mqtt } from '../../simulator/protocols/mqtt/adapter.ts'
import type { ConsumerSession, DeviceSession, Speech } from '../../simulator/protocols/session.ts'
import { TlsClient, type TlsContext } from '../../simulator/transports/tls.ts'
import { WebSocketClient } from '../../simulator/transports/websocket.ts'

export const DEVICE = 42
/** The consumer commands another device, whom only others stand for. */
export const OTHER_DEVICE = 44
export const MESSAGES = 5
const PATIENCE = 10 * SECOND
const SLICE = 5 * MILLISECOND

export interface Way {
  readonly remote: Address
  readonly framing: Framing
  /** Null: no TLS. */
  readonly tls: TlsContext | null
  readonly serverName: string
}

/** The layers of a session; the reactor's owner of all. */
class Pile implements Timer {
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

export class Ours implements Disposable {
  /** Subscribed, both of them. */
  ready = 0
  /** Of the device's and the consumer's own messages. */
  acknowledged = 0
  /** What the device heard, and what the consumer received: device and payload. */
  readonly commands: string[] = []
  readonly received: (readonly [device: number, payload: string])[] = []
  readonly #reactor = new EpollReactor()
  readonly #slice = new Slice(this.#reactor)
  readonly #device: DeviceSession
  readonly #consumer: ConsumerSession & Partial<Speech>

  constructor(way: Way, version: string) {
    const common = {
      options: { version },
      reliability: 'acknowledged',
      serverName: way.serverName,
      password: '',
      random: new Random(1),
    } as const
    const failed = ({ code, detail }: { code: string; detail: string }): never =>
      assert.fail(`${code}: ${detail}`)
    const gaveUp = (): never => assert.fail('gave up')
    const settled = (): void => void this.acknowledged++
    this.#device = mqtt.device(
      { ...common, device: DEVICE, registration: 'resource-directory', hears: 'commands' },
      {
        sessionReady: () => void this.ready++,
        transmitted: () => {},
        acknowledged: settled,
        gaveUp,
        unblocked: () => {},
        heard: (payload) => void this.commands.push(Buffer.from(payload).toString()),
        ended: failed,
      },
    )
    assert.ok(mqtt.consumer.kind === 'subscribe')
    this.#consumer = mqtt.consumer.create(
      { ...common, devices: 100, says: 'commands' },
      {
        speech: { transmitted: () => {}, acknowledged: settled, gaveUp, unblocked: () => {} },
        consumerReady: () => void this.ready++,
        received: (device, payload) =>
          void this.received.push([device, Buffer.from(payload).toString()]),
        ended: failed,
      },
    )
    for (const session of [this.#device, this.#consumer])
      new Pile(way, session).connect(this.#reactor, way.remote)
  }

  /** Each of ours says its messages. */
  speak(): void {
    const now = this.#reactor.now()
    for (let k = 0; k < MESSAGES; k++) {
      assert.equal(this.#device.send(k, Buffer.from(`device ${k}`), now), true)
      const payload = Buffer.from(`application ${k}`)
      assert.equal(this.#consumer.command?.(OTHER_DEVICE, k, payload, now), true)
    }
  }

  /** Until `done`, or as long as a test may take. */
  async until(done: () => boolean): Promise<void> {
    const deadline = this.#reactor.now() + PATIENCE
    while (!done() && this.#reactor.now() < deadline) {
      this.#slice.run()
      await turn()
    }
  }

  [Symbol.dispose](): void {
    const now = this.#reactor.now()
    this.#device.close(now)
    this.#consumer.close(now)
    this.#slice.run()
    this.#reactor[Symbol.dispose]()
  }
}
