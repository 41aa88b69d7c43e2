/**
 * The link: a process between the devices' namespace and the server's, through which every packet of a cell goes. Its
 * life: the LinkConfig on standard input, `ready`, orders, `account`, `stop` (link-protocol.ts). It ends with its parent.
 */
import { monotonic, type Nanoseconds } from '../core/clock.ts'
import { decodeDoubles } from '../core/doubles.ts'
import { ThingbenchError } from '../core/errors.ts'
import { ControlChannel, becomeChild } from '../native/control.ts'
import { NativeMemory } from '../native/libc.ts'
import { Emulator } from './emulator/emulator.ts'
import { PacketPool } from './emulator/pool.ts'
import { Engine } from './engine.ts'
import type { LinkConfig, LinkEvent, LinkOrder } from './link-protocol.ts'
import { makeEnds } from './namespaces.ts'
import { Pace, shortestDelay } from './pace.ts'
import { preempt } from './priority.ts'
import { readTrace } from './recorded-trace.ts'

/** Packets in flight at most. Memory that is not used is not touched. */
const SLOTS = 65_536
const CACHE_LINE = 64

class Link {
  readonly #control: ControlChannel
  readonly #emulator: Emulator
  readonly #pace: Pace
  readonly #engine: Engine
  readonly #ends: ReturnType<typeof makeEnds>
  /** From t0 to t1. */
  #window: [Nanoseconds, Nanoseconds] = [0, 0]
  #stopped = false

  constructor(control: ControlChannel, config: LinkConfig, scheduling: string) {
    this.#control = control
    const { mtu, up, down } = config.profile
    const size = Math.ceil(mtu / CACHE_LINE) * CACHE_LINE
    const pool = new PacketPool(new NativeMemory(SLOTS * size), SLOTS, size)
    const traces = {
      up: up.trace === null ? null : readTrace(up.trace),
      down: down.trace === null ? null : readTrace(down.trace),
    }
    this.#emulator = new Emulator(config, pool, traces)
    this.#ends = makeEnds(mtu, config.tcp, config.serverNamespace ?? null)
    const { devices, server } = this.#ends
    this.#pace = new Pace(shortestDelay(config), monotonic())
    this.#engine = new Engine(this.#emulator, this.#pace, devices.tun, server.tun, control.input)
    this.#send({
      event: 'ready',
      devicesNamespace: `/proc/${process.pid}/fd/${devices.namespace}`,
      serverNamespace: `/proc/${process.pid}/fd/${server.namespace}`,
      sysctls: { ...server.sysctls, 'link.scheduling': scheduling },
    })
  }

  run(orders: readonly LinkOrder[]): void {
    for (const order of orders) this.#obey(order)
    while (!this.#stopped && !this.#control.closed) {
      if (!this.#engine.turn()) continue
      for (const order of this.#control.orders()) this.#obey(order as LinkOrder)
    }
  }

  #obey(order: LinkOrder): void {
    switch (order.order) {
      case 'connect':
        this.#emulator.epochs.connect(order.at)
        break
      case 'phases':
        this.#emulator.plan(order.warmup, order.t0, order.t1)
        this.#window = [order.t0, order.t1]
        break
      case 'close':
        this.#emulator.close(order.at)
        break
      case 'account': {
        const { devices, server } = this.#ends
        const outside = this.#engine.exhausted + devices.drops() + server.drops()
        const account = this.#emulator.account(decodeDoubles(order.ready), outside, order.spans)
        const clocked = this.#pace.clockedShare(...this.#window)
        this.#send({ event: 'account', account: { ...account, clocked } })
        break
      }
      case 'stop':
        this.#stopped = true
        break
    }
  }

  #send(event: LinkEvent): void {
    this.#control.send(event)
  }
}

const main = (): number => {
  const control = new ControlChannel()
  try {
    const [config, ...orders] = control.awaitOrders() as [LinkConfig, ...LinkOrder[]]
    if (config === undefined) return 1
    becomeChild({ cpu: config.cpu, timerSlack: 1 })
    const scheduling = preempt()
    new Link(control, config, scheduling).run(orders)
    return 0
  } catch (error) {
    const cause =
      error instanceof ThingbenchError
        ? error
        : new ThingbenchError('TB_ROLE_FAILED', { role: 'link', reason: String(error) })
    const failed: LinkEvent = { event: 'failed', code: cause.code, message: cause.message }
    control.send(failed)
    return 1
  }
}

process.exit(main())
