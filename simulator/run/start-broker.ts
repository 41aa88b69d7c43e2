/**
 * The server of a cell, with a temporary folder. A container comes before the link, which is laid into its network namespace; a process of this machine
 * comes after it, into the namespace that the link has made.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Broker, BrokerPlan, BrokerProduct } from '../brokers/broker.ts'
import { startProcess, waitListening } from '../brokers/runtimes/process.ts'
import { brokerPort, devicePort } from '../brokers/serves.ts'
import { deviceName } from '../core/device-name.ts'
import type { Cell } from '../core/types.ts'
import { SERVER_ADDRESS } from '../network/link-protocol.ts'
import type { RunContext } from './parties.ts'

/** Milliseconds until a server listens that says nothing else. */
export const PATIENCE = 10_000
/** What stands for the password where it is not needed. */
const NO_PASSWORD = 'made anew for each run'

export interface BrokerPlace {
  /** The folder of the cell in the results: for a copy of the configuration, without keys and passwords. */
  readonly results: string
  /** Ends the server and deletes its folder when it is disposed. */
  readonly started: AsyncDisposableStack
  readonly signal: AbortSignal
}

export interface PreparedBroker {
  /** File of the network namespace that the link is to be laid into; null: a new one. */
  readonly namespace: string | null
  /** Returns when it listens; null where the consumer is the server. `namespace` is the file of the server's network namespace. */
  start(namespace: string): Promise<Broker | null>
}

const NOTHING_TO_START: PreparedBroker = { namespace: null, start: () => Promise.resolve(null) }

/** Everything that can be done before there is a link. */
export const prepareBroker = async (
  cell: Cell,
  product: BrokerProduct,
  context: RunContext,
  { results, started, signal }: BrokerPlace,
): Promise<PreparedBroker> => {
  if (product.consumer === 'is-server') return NOTHING_TO_START
  const { lock, containers, processors } = context
  // Keys must not stay in the results.
  const { path } = started.use(await lock.temporaryFolder())
  const plan = planFor(cell, context, path)
  const kept = product.configuration?.({ ...plan, password: NO_PASSWORD })
  if (kept) await writeFile(join(results, kept.file), kept.text)
  const listening = async (broker: Broker): Promise<Broker> => {
    for (const pid of broker.pids()) lock.started(pid)
    const { patience = PATIENCE } = product
    await waitListening(broker, SERVER_ADDRESS, portsOf(cell, product), patience, signal)
    return broker
  }
  const cpu = processors.server
  if (!containers?.has(product))
    return {
      namespace: null,
      start: async (namespace) =>
        listening(started.use(await startProcess(product, plan, { namespace, cpu, signal }))),
    }
  const placement = { name: lock.containerName(), cpu, limits: cell.stack.server, signal }
  const held = started.use(await containers.hold(product, plan, placement))
  return {
    namespace: held.namespace,
    async start() {
      await containers.release(held)
      return listening(held)
    },
  }
}

/** For the audit. */
export const runtimeWords = (broker: Broker | null): string => {
  if (broker === null) return 'a process of thingbench'
  if (broker.runtime === 'container') return `a container of the image ${broker.image}`
  return broker.runtime === 'process' ? 'a process of this machine' : 'an npm package in a process of its own' // prettier-ignore
}

const portsOf = ({ stack }: Cell, product: BrokerProduct): number[] => {
  // Of a plain stack, and behind a front end, devices and consumer use the same one.
  const devices = stack.via === 'direct' ? devicePort(product, stack) : brokerPort(product, stack.protocol) // prettier-ignore
  const ports = new Set([product.ports[stack.protocol]?.plain, devices])
  return [...ports].filter((port) => typeof port === 'number')
}

/** What the server itself is to do: behind a front end it has no security. */
export const planFor = (
  { stack, devices }: Cell,
  context: RunContext,
  folder: string,
): BrokerPlan => {
  const security = stack.via === 'direct' ? stack.security : 'none'
  const tls = security === 'tls' ? stack.tls : null
  const quic = security === 'quic' ? stack.quic : null
  const auth = tls?.auth
  const keys = security === 'dtls-psk' || auth === 'psk'
  const psk = Array.from({ length: keys ? devices : 0 }, (_, d) => d)
  return {
    folder,
    address: SERVER_ADDRESS,
    protocol: stack.protocol,
    framing: stack.framing,
    security,
    serverName: context.serverName,
    password: context.identities.password,
    certificate: quic !== null || (tls !== null && auth !== 'psk') ? context.certificate : null,
    ...(auth === 'x509' && { clientAuthority: context.deviceAuthority.certificate }),
    tls,
    quic,
    psk: new Map(psk.map((d) => [deviceName(d), context.identities.pskKey(d)])),
    devices,
    options: stack.options,
  }
}
