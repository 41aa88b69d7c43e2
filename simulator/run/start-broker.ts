/** The server of a cell, as a process of its own with a temporary folder. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Broker, BrokerPlan, BrokerProduct } from '../brokers/broker.ts'
import { startProcess, waitListening } from '../brokers/runtimes/process.ts'
import { devicePort } from '../brokers/serves.ts'
import { deviceName } from '../core/device-name.ts'
import type { Cell } from '../core/types.ts'
import { SERVER_ADDRESS } from '../network/link-protocol.ts'
import type { RunContext } from './parties.ts'

const PATIENCE = 10_000
/** What stands for the password where it is not needed. */
const NO_PASSWORD = 'made anew for each run'

export interface BrokerPlace {
  /** File of the network namespace. */
  readonly namespace: string
  /** The folder of the cell in the results: for a copy of the configuration, without keys and passwords. */
  readonly results: string
  /** Ends the server and deletes its folder when it is disposed. */
  readonly started: AsyncDisposableStack
  readonly signal: AbortSignal
}

/** Returns when it listens; null where the consumer is the server. */
export const startBroker = async (
  cell: Cell,
  product: BrokerProduct,
  context: RunContext,
  { namespace, results, started, signal }: BrokerPlace,
): Promise<Broker | null> => {
  if (product.consumer === 'is-server') return null
  const { stack } = cell
  // Keys must not stay in the results.
  const { path } = started.use(await context.lock.temporaryFolder())
  const plan = planFor(cell, context, path)
  const kept = product.configuration?.({ ...plan, password: NO_PASSWORD })
  if (kept) await writeFile(join(results, kept.file), kept.text)
  const cpu = context.processors.server
  const broker = started.use(await startProcess(product, plan, { namespace, cpu, signal }))
  for (const pid of broker.pids()) context.lock.started(pid)
  // Of a plain stack devices and consumer use the same one.
  const ports = new Set([product.ports[stack.protocol]?.plain, devicePort(product, stack)])
  const wanted = [...ports].filter((port) => typeof port === 'number')
  await waitListening(broker, SERVER_ADDRESS, wanted, PATIENCE, signal)
  return broker
}

const planFor = ({ stack, devices }: Cell, context: RunContext, folder: string): BrokerPlan => {
  const { auth } = stack.tls ?? {}
  const keys = stack.security === 'dtls-psk' || auth === 'psk'
  const psk = Array.from({ length: keys ? devices : 0 }, (_, d) => d)
  return {
    folder,
    address: SERVER_ADDRESS,
    protocol: stack.protocol,
    framing: stack.framing,
    security: stack.security,
    serverName: context.serverName,
    password: context.identities.password,
    certificate: stack.security === 'tls' && auth !== 'psk' ? context.certificate : null,
    ...(auth === 'x509' && { clientAuthority: context.deviceAuthority.certificate }),
    tls: stack.tls,
    psk: new Map(psk.map((d) => [deviceName(d), context.identities.pskKey(d)])),
    devices,
    options: stack.options,
  }
}
