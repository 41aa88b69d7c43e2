/** A device and a consumer of ours at one broker, both over the same layers. */
import assert from 'node:assert/strict'
import { SECOND } from '../../simulator/core/clock.ts'
import { Random } from '../../simulator/core/random.ts'
import { mqtt } from '../../simulator/protocols/mqtt/adapter.ts'
import type { ConsumerSession, DeviceSession, Speech } from '../../simulator/protocols/session.ts'
import { LayeredPile, SlicedReactor, type Way } from './layered.cases.ts'

export const DEVICE = 42
/** The consumer commands another device, whom only others stand for. */
export const OTHER_DEVICE = 44
export const MESSAGES = 5
export const PASSWORD = 'secret'
const PATIENCE = 10 * SECOND

export class Ours implements Disposable {
  /** Subscribed, both of them. */
  ready = 0
  /** Of the device's and the consumer's own messages. */
  acknowledged = 0
  /** What the device heard, and what the consumer received: device and payload. */
  readonly commands: string[] = []
  readonly received: (readonly [device: number, payload: string])[] = []
  readonly #reactor = new SlicedReactor()
  readonly #device: DeviceSession
  readonly #consumer: ConsumerSession & Partial<Speech>

  constructor(way: Way, version: string, username: string) {
    const common = {
      options: { version, username },
      reliability: 'acknowledged',
      serverName: way.serverName,
      password: PASSWORD,
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
      new LayeredPile(way, session).connect(this.#reactor, way.remote)
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
  until(done: () => boolean): Promise<void> {
    return this.#reactor.until(done, PATIENCE)
  }

  [Symbol.dispose](): void {
    const now = this.#reactor.now()
    this.#device.close(now)
    this.#consumer.close(now)
    this.#reactor.slice()
    this.#reactor[Symbol.dispose]()
  }
}
