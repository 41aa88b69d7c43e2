import type { Fleet, FleetReactor } from '../../fleet/fleet.ts'
import type { FleetEvent, FleetOrder } from '../../fleet/fleet-protocol.ts'
import { Pulse } from '../../fleet/pulse.ts'

/** After the consumer, so that the runner tells of the same instant of both. */
const BEHIND_CONSUMER = 10e6

/** What a fleet does when it is told to, whichever loop it runs on. @param end called when all has been said */
export const fleetOrders = <R extends FleetReactor>(
  fleet: Fleet<R>,
  loop: Pick<FleetReactor, 'arm' | 'now'>,
  say: (event: FleetEvent) => void,
  end: () => void,
): ((order: FleetOrder) => void) => {
  const pulse = new Pulse(BEHIND_CONSUMER, (now) =>
    say({ event: 'progress', ...fleet.progress(now) }),
  )
  say({ event: 'ready' })
  return (order) => {
    switch (order.order) {
      case 'connect':
        loop.arm(pulse)
        return fleet.connect(order.at, order.ramp, order.deadline)
      case 'phases':
        return fleet.begin(order.plan)
      case 'close':
        fleet.close(loop.now())
        say({ event: 'report', report: fleet.report() })
        return end()
    }
  }
}
