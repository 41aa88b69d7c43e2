/**
 * Entry point of the fleet process where the stack asks for the reference client: the same fleet, with the same orders and events,
 * on Node's event loop and Node's sockets.
 */
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { ThingbenchError } from '../../core/errors.ts'
import { Fleet } from '../../fleet/fleet.ts'
import type { FleetConfig, FleetEvent, FleetOrder } from '../../fleet/fleet-protocol.ts'
import { ReferenceConnector } from '../../fleet/reference/connector.ts'
import { NodeLoop } from '../../io/node-loop.ts'
import { becomeChild, enterNamespace } from '../../native/control.ts'
import { deviceAddress } from '../../network/link-protocol.ts'
import { fleetOrders } from './fleet-orders.ts'

/** Milliseconds for DISCONNECT and the end of streams, before the process ends and the kernel closes what is left. */
const END_PATIENCE = 300
const POLL = 5

const say = (event: FleetEvent): void => void process.stdout.write(`${JSON.stringify(event)}\n`)

const fail = (error: unknown): never => {
  const known = error instanceof ThingbenchError
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  say({
    event: 'failed',
    code: known ? error.code : 'TB_INTERNAL',
    message: known ? error.message : text,
  })
  process.exit(1)
}

const end = async (connector: ReferenceConnector): Promise<never> => {
  const deadline = performance.now() + END_PATIENCE
  while (connector.stillOpen > 0 && performance.now() < deadline) await sleep(POLL)
  process.exit()
}

/** Sockets are made by this thread, and threads that are started later inherit its namespace. */
const begin = (config: FleetConfig): ((order: FleetOrder) => void) => {
  becomeChild({ cpu: config.cpu, timerSlack: 1 })
  enterNamespace(config.namespace)
  const loop = new NodeLoop()
  const connector = new ReferenceConnector(config)
  const fleet = new Fleet(config, loop, deviceAddress, say, connector)
  return fleetOrders(fleet, loop, say, () => void end(connector))
}

process.on('uncaughtException', fail)
let handle: ((order: FleetOrder) => void) | null = null
const orders = createInterface({ input: process.stdin })
orders.on('line', (line) => {
  if (handle === null) handle = begin(JSON.parse(line) as FleetConfig)
  else handle(JSON.parse(line) as FleetOrder)
})
// The runner is gone.
orders.on('close', () => process.exit())
