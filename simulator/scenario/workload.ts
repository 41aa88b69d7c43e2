/** What the devices do: a mapping whose keys depend on `kind`. */
import type { Workload } from '../core/types.ts'
import { defaulted, record, type Field, type Fields } from './containers.ts'
import type { RawNode } from './read.ts'
import type { Rule } from './rule.ts'
import { choice } from './scalars.ts'
import { RELIABILITY } from './stack-keys.ts'
import type { AskedWorkload, WorkloadKind } from './workload-kind.ts'
import { connect, idle } from './workload-connections.ts'
import { command, fanOut, telemetry } from './workload-messages.ts'

/** The visible list: one file per family of kinds. */
const KINDS: Readonly<Record<Workload['kind'], WorkloadKind>> = {
  telemetry,
  command,
  'fan-out': fanOut,
  connect,
  idle,
}

const USUAL = 'telemetry'

const kinds = Object.keys(KINDS) as Workload['kind'][]
/** Kinds of the format that have no engine yet. */
const later = Object.fromEntries(
  ['connect', 'idle']
    .filter((kind) => !Object.hasOwn(KINDS, kind))
    .map((kind) => [kind, 'Use telemetry.']),
)

const common = {
  kind: defaulted(
    'What happens: telemetry = every device reports to one consumer; command = the application commands every device, which answers; fan-out = it says the same to all; connect = devices connect again and again; idle = they say nothing.',
    choice(kinds, { later }),
    USUAL,
  ),
  reliability: defaulted(
    'best-effort = QoS 0, NON; acknowledged = QoS 1, CON, XEP-0198.',
    RELIABILITY,
    'acknowledged',
  ),
}

const SYNONYMS = {
  qos: 'reliability',
  size: 'payload',
  period: 'interval',
  rate: 'interval',
  type: 'kind',
}

/** The kind that the file names; the usual one where it names none, or one that is then reported. */
const kindIn = (node: RawNode): Workload['kind'] => {
  const named = node.kind === 'mapping' ? node.entries.get('kind')?.value : undefined
  return kinds.find((kind) => named?.kind === 'scalar' && named.value === kind) ?? USUAL
}

/** The keys of all kinds; what only some kinds need is not `required` here: the reader says so. */
const anyKind = (): Fields => {
  const together: Record<string, Field<unknown>> = { kind: common.kind }
  const all = Object.values(KINDS)
  for (const { fields } of all)
    for (const [key, field] of Object.entries(fields)) {
      const everywhere = all.every((kind) => kind.fields[key]?.required ?? false)
      together[key] ??= { ...field, required: everywhere }
    }
  return { ...together, reliability: common.reliability }
}

const rules = Object.fromEntries(
  kinds.map((kind) => [kind, KINDS[kind].rule(common, SYNONYMS)]),
) as Readonly<Record<Workload['kind'], Rule<AskedWorkload>>>

export const workloadRule: Rule<AskedWorkload> = {
  schema: record(anyKind()).schema,
  read: (node, path, problems) => rules[kindIn(node)].read(node, path, problems),
}
