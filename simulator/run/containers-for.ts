/** Which servers of a run are started in containers. */
import type { BrokerProduct } from '../brokers/broker.ts'
import { Containers } from '../brokers/runtimes/container/containers.ts'
import { probeEngine } from '../brokers/runtimes/container/engine.ts'

/**
 * How servers are started: as programs of this machine; in containers as far as docker-compose.yml has them; or in containers as far as this machine
 * has no such program and an engine answers.
 */
export type Runtime = 'process' | 'container' | 'auto'

/**
 * Images are built before the first cell, because that takes processors.
 * @param say tells the user a line
 * @returns null where no server is started in a container
 * @throws ThingbenchError TB_ENGINE_SILENT, TB_IMAGE_BUILD
 */
export const containersFor = async (
  runtime: Runtime,
  products: readonly BrokerProduct[],
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Containers | null> => {
  if (runtime === 'process') return null
  const wanted = runtime === 'container' ? products : await missing(products)
  if (wanted.length === 0 || (runtime === 'auto' && !(await probeEngine()).ok)) return null
  const containers = await Containers.open()
  await containers.prepare(wanted, say, signal)
  return containers
}

const missing = async (products: readonly BrokerProduct[]): Promise<BrokerProduct[]> => {
  const versions = await Promise.all(products.map((product) => product.version()))
  return products.filter((_, i) => versions[i] === null)
}
