/** Which servers of a run are started in containers. */
import type { BrokerProduct } from '../brokers/broker.ts'
import { Containers } from '../brokers/runtimes/container/containers.ts'
import { probeEngine } from '../brokers/runtimes/container/engine.ts'

/**
 * How servers are started: as programs of this machine; in containers as far as docker-compose.yml has them; or, where an engine answers, in containers
 * as far as this machine has no such program, or the scenario limits it.
 */
export type Runtime = 'process' | 'container' | 'auto'

/** What a stack of the scenario needs. */
export interface Server {
  readonly product: BrokerProduct
  /** It must not use all that there is. */
  readonly limited: boolean
}

/**
 * Images are built or fetched before the first cell, because that takes processors.
 * @param say tells the user a line
 * @returns null where no server is started in a container
 * @throws ThingbenchError TB_ENGINE_SILENT, TB_ENGINE_ELSEWHERE, TB_IMAGE_BUILD, TB_IMAGE_PULL
 */
export const containersFor = async (
  runtime: Runtime,
  servers: readonly Server[],
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Containers | null> => {
  if (runtime === 'process') return null
  const wanted =
    runtime === 'container' ? servers.map(({ product }) => product) : await needed(servers)
  if (wanted.length === 0 || (runtime === 'auto' && !(await isThere()))) return null
  const containers = await Containers.open()
  await containers.prepare(wanted, say, signal)
  return containers
}

/** Whether an engine of this machine answers. */
const isThere = async (): Promise<boolean> => {
  const probe = await probeEngine()
  return probe.ok && probe.about.elsewhere === null
}

const needed = async (servers: readonly Server[]): Promise<BrokerProduct[]> => {
  const versions = await Promise.all(servers.map(({ product }) => product.version()))
  return servers.filter(({ limited }, i) => limited || versions[i] === null).map((s) => s.product)
}
