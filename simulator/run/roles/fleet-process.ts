/** Entry point of the fleet process: the devices, in the namespace behind the link. */
import { Fleet } from '../../fleet/fleet.ts'
import type { FleetConfig, FleetEvent, FleetOrder } from '../../fleet/fleet-protocol.ts'
import { PileFactory } from '../../fleet/pile.ts'
import { Pulse } from '../../fleet/pulse.ts'
import { deviceAddress } from '../../network/link-protocol.ts'
import { runRole } from './role.ts'

/** After the consumer, so that the runner tells of the same instant of both. */
const BEHIND_CONSUMER = 10e6

runRole<FleetConfig, FleetOrder>((config, { reactor, tell, stop }) => {
  const say = (event: FleetEvent): void => tell(event)
  const fleet = new Fleet(config, reactor, deviceAddress, say, new PileFactory(config))
  const pulse = new Pulse(BEHIND_CONSUMER, (now) =>
    say({ event: 'progress', ...fleet.progress(now) }),
  )
  say({ event: 'ready' })
  return (order) => {
    switch (order.order) {
      case 'connect':
        reactor.arm(pulse)
        return fleet.connect(order.at, order.ramp, order.deadline)
      case 'phases':
        return fleet.begin(order.plan)
      case 'close': {
        fleet.close(reactor.now())
        say({ event: 'report', report: fleet.report() })
        return stop()
      }
    }
  }
})
