/** Entry point of the fleet process: the devices, in the namespace behind the link. */
import { Fleet } from '../../fleet/fleet.ts'
import type { FleetConfig, FleetOrder } from '../../fleet/fleet-protocol.ts'
import { PileFactory } from '../../fleet/pile.ts'
import { deviceAddress } from '../../network/link-protocol.ts'
import { fleetOrders } from './fleet-orders.ts'
import { runRole } from './role.ts'

runRole<FleetConfig, FleetOrder>((config, { reactor, tell, stop }) => {
  const fleet = new Fleet(config, reactor, deviceAddress, tell, new PileFactory(config))
  return fleetOrders(fleet, reactor, tell, stop)
})
