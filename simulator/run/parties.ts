/**
 * The parties of a cell: link, server, front end where there is one, consumer, fleet; started in this order, each ready before the next, all gone
 * when their stack is disposed. A server's container alone is there before the link. Every cell has fresh ones, so that no cell inherits another's sessions, caches or queues.
 */
import { brokerNamed } from '../brokers/catalogue.ts'
import type { Broker, BrokerProduct } from '../brokers/broker.ts'
import type { Containers } from '../brokers/runtimes/container/containers.ts'
import { devicePort } from '../brokers/serves.ts'
import { monotonic, SECOND } from '../core/clock.ts'
import type { TimelineEvent } from '../core/link-profile.ts'
import type { Cell, Client, Security } from '../core/types.ts'
import type { ConsumerConfig, ConsumerEvent, ConsumerOrder, FleetConfig, FleetEvent, FleetOrder, RoleConfig } from '../fleet/fleet-protocol.ts' // prettier-ignore
import type { LinkConfig, LinkEvent, LinkOrder } from '../network/link-protocol.ts'
import { SERVER_ADDRESS } from '../network/link-protocol.ts'
import type { DeviceAuthority } from '../security/device-certificates.ts'
import type { Identities } from '../security/identities.ts'
import type { RunLock } from './lock.ts'
import type { Processors } from './processors.ts'
import { RoleProcess } from './role-process.ts'
import { prepareBroker } from './start-broker.ts'
import { startFrontEnd } from './start-front-end.ts'
import type { Watch } from './watch.ts'

/** What stays the same for all cells of a run. */
export interface RunContext {
  readonly identities: Identities
  /** What happens to links on the way. */
  readonly timeline: readonly TimelineEvent[]
  readonly secret: string
  readonly canary: string
  readonly serverName: string
  readonly authority: string
  /** What signs the devices' certificates. */
  readonly deviceAuthority: DeviceAuthority
  /** PEM of the server's chain and key, and the chain's DER bytes. */
  readonly certificate: { readonly chain: string; readonly key: string; readonly bytes: number }
  readonly processors: Processors
  /** Is told of every process that is started; has the temporary folders. */
  readonly lock: RunLock
  /** Where servers are started in containers; null: none is. */
  readonly containers: Containers | null
}

export interface Parties {
  readonly link: RoleProcess<LinkOrder, LinkEvent>
  /** Null where the consumer is the server. */
  readonly broker: Broker | null
  /** Null where devices connect to the server itself. */
  readonly frontEnd: Broker | null
  readonly product: BrokerProduct
  readonly consumer: RoleProcess<ConsumerOrder, ConsumerEvent>
  readonly fleet: RoleProcess<FleetOrder, FleetEvent>
  /** TCP settings of both namespaces, for the audit. */
  readonly sysctls: Readonly<Record<string, string>>
}

const FLEET_PROCESSES: Readonly<Record<Client, string>> = {
  lean: './roles/fleet-process.ts',
  reference: './roles/reference-process.ts',
}
/** Devices that connect at the same time, at most. */
export const CONNECTS_IN_FLIGHT = 50
/** Securities in which the server shows a certificate. */
const CERTIFIED: ReadonlySet<Security> = new Set(['tls', 'quic'])
const CONSUMER_PATIENCE = 10_000
const ROLE_PATIENCE = 20_000

/** One probe device for each hundred devices, at least one. */
export const probesFor = (devices: number): number => Math.max(1, Math.ceil(devices / 100))

/** What is started goes into `started`, also when a later one fails; `watch` looks after it from then on. */
export const startParties = async (
  cell: Cell,
  context: RunContext,
  folder: string,
  watch: Watch,
  started: AsyncDisposableStack,
): Promise<Parties> => {
  const { signal } = watch
  const product = brokerNamed(cell.stack.broker)
  const begin = <Role extends RoleProcess<never, { readonly event: string }>>(role: Role): Role => {
    started.use(role)
    context.lock.started(role.pid)
    return watch.role(role)
  }
  const place = { results: folder, started, signal }
  const prepared = await prepareBroker(cell, product, context, place)
  const link = begin(startLink(cell, context, prepared.namespace))
  const { devicesNamespace, serverNamespace, sysctls } = await link.expect(
    'ready',
    ROLE_PATIENCE,
    signal,
  )
  const broker = await prepared.start(serverNamespace)
  if (broker !== null) watch.server(broker)
  const frontEnd = await startFrontEnd(cell, product, context, place, serverNamespace)
  if (frontEnd !== null) watch.server(frontEnd)
  const consumer = begin(startConsumer(cell, product, context, serverNamespace))
  await consumer.expect('ready', CONSUMER_PATIENCE, signal)
  const fleet = begin(startFleet(cell, product, context, devicesNamespace))
  await fleet.expect('ready', ROLE_PATIENCE, signal)
  return { link, broker, frontEnd, product, consumer, fleet, sysctls }
}

const startLink = (
  cell: Cell,
  context: RunContext,
  serverNamespace: string | null,
): RoleProcess<LinkOrder, LinkEvent> => {
  const config: LinkConfig = {
    devices: cell.devices,
    probes: probesFor(cell.devices),
    profile: cell.link,
    timeline: context.timeline,
    tcp: cell.stack.tcp,
    seed: cell.seed,
    canary: context.canary,
    cpu: context.processors.link,
    ...(serverNamespace !== null && { serverNamespace }),
  }
  return new RoleProcess('link', '../network/link-process.ts', config)
}

const roleConfig = (
  cell: Cell,
  product: BrokerProduct,
  context: RunContext,
  namespace: string,
): Omit<RoleConfig, 'cpu'> => {
  return {
    namespace,
    stack: cell.stack,
    workload: cell.workload,
    devices: cell.devices,
    probes: probesFor(cell.devices),
    seed: cell.seed,
    server: {
      address: SERVER_ADDRESS,
      plain: product.ports[cell.stack.protocol]?.plain ?? 0,
      device: devicePort(product, cell.stack) ?? 0,
      name: context.serverName,
    },
    secret: context.secret,
    canary: context.canary,
  }
}

const startConsumer = (
  cell: Cell,
  product: BrokerProduct,
  context: RunContext,
  namespace: string,
): RoleProcess<ConsumerOrder, ConsumerEvent> => {
  const kinds = { subscribes: 'subscribe', 'is-server': 'serve', none: 'none' } as const
  const { server, consumer } = context.processors
  const config: ConsumerConfig = {
    ...roleConfig(cell, product, context, namespace),
    // Where the consumer is the server it takes the server's processor, so that every stack's server has one of its own.
    cpu: product.consumer === 'is-server' ? server : consumer,
    kind: kinds[product.consumer],
    deadline: monotonic() + 10 * SECOND,
  }
  return new RoleProcess('consumer', './roles/consumer-process.ts', config)
}

const startFleet = (
  cell: Cell,
  product: BrokerProduct,
  context: RunContext,
  namespace: string,
): RoleProcess<FleetOrder, FleetEvent> => {
  const config: FleetConfig = {
    ...roleConfig(cell, product, context, namespace),
    cpu: context.processors.fleet,
    registration: product.registration,
    authority: CERTIFIED.has(cell.stack.security) ? context.authority : null,
    deviceAuthority: cell.stack.tls?.auth === 'x509' ? context.deviceAuthority : null,
    connectLimit: CONNECTS_IN_FLIGHT,
    watchesAck: product.consumer === 'none',
    probeRoundTrip: cell.link.up.delay + cell.link.down.delay,
  }
  return new RoleProcess('fleet', FLEET_PROCESSES[cell.stack.client], config)
}
