/** A run that was interrupted and continued: what changed between its starts, because its numbers come from all of them. */
import { list, plural } from './format.ts'
import { flattened, words } from './html.ts'
import type { RunDocument } from './run.ts'

/** Versions and the machine; what else an environment has is different at every start. */
const LASTING = new Set([
  'thingbench',
  'node',
  'openssl',
  'kernel',
  'system',
  'processor',
  'processors',
  'memory_mib',
])

/** Name -> every value that it had, in the order of the starts. */
const valuesOf = ({ environment, resumptions, processors }: RunDocument): Map<string, string[]> => {
  const found = new Map<string, string[]>()
  for (const start of [{ environment, processors }, ...(resumptions ?? [])]) {
    const lasting = Object.entries(start.environment ?? {}).filter(([name]) => LASTING.has(name))
    const all = { ...Object.fromEntries(lasting), 'kept on processor': start.processors ?? {} }
    for (const [name, value] of flattened(all)) {
      const values = found.get(name) ?? []
      if (!values.includes(value)) values.push(value)
      found.set(name, values)
    }
  }
  return found
}

/** What was not the same at every start, and servers that were not the same in every cell. Empty for a run of one start. */
export const changesBetweenStarts = (document: RunDocument): string[] => {
  if ((document.resumptions ?? []).length === 0) return []
  const changed = [...valuesOf(document)]
    .filter(([, values]) => values.length > 1)
    .map(([name, values]) => `${name}: ${values.join(', then ')}`)
  const servers = Object.entries(document.audit?.stacks?.server ?? {})
    .filter(([, versions]) => String(versions).includes(' | '))
    .map(
      ([stack, versions]) => `server of ${stack}: ${String(versions).split(' | ').join(', then ')}`,
    )
  return [...changed, ...servers]
}

/** In sentences; empty for a run of one start. */
export const describeResumptions = (document: RunDocument): string[] => {
  const resumptions = document.resumptions ?? []
  if (resumptions.length === 0) return []
  const times = resumptions.map(({ environment }) => words(environment?.utc ?? 'unknown'))
  const changes = changesBetweenStarts(document)
  return [
    `This run was interrupted and continued ${plural(resumptions.length, 'time')} (${list(times)}).`,
    ...(changes.length === 0
      ? ['Versions and machine were the same at every start.']
      : [
          `Warning: between its starts something changed that can change numbers, so repetitions before and after are not alike: ${changes.join('; ')}.`,
        ]),
  ]
}
