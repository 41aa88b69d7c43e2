/** What a stack cannot do is a result, not a failure: `unsupported`, with the reason. */
import { brokerNamed } from '../brokers/catalogue.ts'
import type { Containers } from '../brokers/runtimes/container/containers.ts'
import { devicePort } from '../brokers/serves.ts'
import type { ThingbenchError } from '../core/errors.ts'
import type { Cell } from '../core/types.ts'
import { hearsOf } from '../fleet/hears.ts'
import { bulkPlanOf } from '../fleet/schedule-bulk.ts'
import { beyondReference } from '../fleet/reference/packages.ts'
import { PROTOCOLS, adapterOf } from '../protocols/index.ts'

const rulesOf = (protocol: string) =>
  PROTOCOLS.find(({ adapter }) => adapter.name === protocol)?.options ?? {}

/** Why the cell's stack cannot be run as asked; null when it can. */
export const unsupportedReason = ({ stack, workload }: Cell): string | null => {
  const broker = brokerNamed(stack.broker)
  if (devicePort(broker, stack) === null) return `${broker.title} does not serve ${stack.kind}`
  const unable = broker.unable?.(stack) ?? null
  if (unable !== null) return `${broker.title} cannot do ${unable}`
  const beyond = beyondReference(stack, rulesOf(stack.protocol), workload)
  if (beyond !== null) return `the reference client cannot do ${beyond}`
  const { reliabilities, name, speech, large } = adapterOf(stack.protocol)
  if (large === undefined && bulkPlanOf(workload, stack) !== null)
    return `${name} has no way for large messages (bulk) here`
  if (!reliabilities.includes(stack.reliability))
    return `${name} has no ${stack.reliability} delivery (it has: ${reliabilities.join(', ')})`
  if (hearsOf(workload) === null) return null
  if (speech === undefined) return `${name} has no way for an application to speak to devices`
  if (broker.consumer === 'none')
    return `nobody stands behind ${broker.title} who could speak to devices`
  return null
}

/** Why the server cannot have the limits that the scenario gives it; null when it can, or has none. */
export const unlimitable = ({ stack }: Cell, containers: Containers | null): string | null => {
  const broker = brokerNamed(stack.broker)
  if (stack.server === undefined || containers?.has(broker)) return null
  return `${broker.title} has limits (server), and without a container there are none: its service in docker-compose.yml, a container engine and root are needed (thingbench doctor)`
}

/** What shows only when it is tried, and is told like the rest: null for a failure of another kind. */
export const unsupportedCause = ({ cause }: ThingbenchError): string | null => {
  const { code, message } = (cause ?? {}) as { code?: string; message?: string }
  return code === 'TB_TCP_CONGESTION' ? (message ?? null) : null
}
