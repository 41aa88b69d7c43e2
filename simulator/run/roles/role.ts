/**
 * The frame of every child process of a cell: one thread, one reactor, orders in and events out through pipes. It never
 * returns to Node's event loop while it runs, so nothing here may be asynchronous.
 */
import { ThingbenchError } from '../../core/errors.ts'
import { EpollReactor } from '../../io/epoll.ts'
import { ControlChannel, becomeChild, enterNamespace } from '../../native/control.ts'

export interface RoleFrame {
  readonly reactor: EpollReactor
  readonly tell: (event: unknown) => void
  /** Ends the process's loop. */
  readonly stop: () => void
}

/** What a role does with its configuration: returns the handler of all later orders. */
export type Role<Config, Order> = (config: Config, frame: RoleFrame) => (order: Order) => void

/** Runs the role until it stops, or until the runner is gone. */
export const runRole = <Config extends { namespace: string; cpu: number | null }, Order>(
  role: Role<Config, Order>,
): void => {
  const channel = new ControlChannel()
  const tell = (event: unknown): void => channel.send(event)
  try {
    const [config, ...early] = channel.awaitOrders() as [Config, ...Order[]]
    if (config === undefined) return
    becomeChild({ cpu: config.cpu, timerSlack: 1 })
    enterNamespace(config.namespace)
    const reactor = new EpollReactor()
    const handle = role(config, { reactor, tell, stop: () => reactor.stop() })
    for (const order of early) handle(order)
    reactor.watch(channel.input, () => {
      for (const order of channel.orders()) handle(order as Order)
      if (channel.closed) reactor.stop()
    })
    reactor.run()
  } catch (error) {
    const code = error instanceof ThingbenchError ? error.code : 'TB_INTERNAL'
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    tell({
      event: 'failed',
      code,
      message: error instanceof ThingbenchError ? error.message : message,
    })
    process.exitCode = 1
  }
}
