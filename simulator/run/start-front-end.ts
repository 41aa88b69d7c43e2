/**
 * The front end of a cell: a process of this machine in the server's network namespace, on the server's processor, whatever runs the
 * server. It is started when the server listens.
 */
import type { Broker, BrokerProduct } from '../brokers/broker.ts'
import { frontEnd, frontEndPort } from '../brokers/front-end/program.ts'
import { startProcess, waitListening } from '../brokers/runtimes/process.ts'
import { brokerPort } from '../brokers/serves.ts'
import type { Cell } from '../core/types.ts'
import { SERVER_ADDRESS } from '../network/link-protocol.ts'
import type { RunContext } from './parties.ts'
import type { BrokerPlace } from './start-broker.ts'
import { PATIENCE, planFor } from './start-broker.ts'

/** Returns when it listens; null where devices connect to the server itself. */
export const startFrontEnd = async (
  cell: Cell,
  product: BrokerProduct,
  context: RunContext,
  { started, signal }: BrokerPlace,
  namespace: string,
): Promise<Broker | null> => {
  const { stack } = cell
  if (stack.via === 'direct') return null
  const { path } = started.use(await context.lock.temporaryFolder())
  const { certificate } = context
  const plan = { ...planFor(cell, context, path), certificate }
  const port = brokerPort(product, stack.protocol) ?? 0
  const program = frontEnd(stack, { host: SERVER_ADDRESS, port })
  const placement = { namespace, cpu: context.processors.server, signal }
  const running = started.use(await startProcess(program, plan, placement))
  for (const pid of running.pids()) context.lock.started(pid)
  await waitListening(running, SERVER_ADDRESS, [frontEndPort(stack) ?? 0], PATIENCE, signal)
  return running
}
