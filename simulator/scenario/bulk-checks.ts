/** What must fit together where devices send large messages. */
import { formatQuantity } from '../core/units.ts'
import type { ScenarioValues } from './format.ts'
import type { Problems } from './problem.ts'

export const checkBulk = (
  { stacks, workload, phases }: ScenarioValues,
  problems: Problems,
): void => {
  const { bulk, sleep, churn } = workload
  for (const { keys, place } of bulk ? [] : stacks)
    if (keys.bulk)
      problems.add(place, `${place.path}.bulk`, {
        found: 'bulk in a stack without bulk in the workload',
        allowed: 'bulk where the workload has large messages',
        advice: 'Leave it out, or write workload: { bulk: { payload: 4 MB, after: 5 s } }.',
      })
  if (!bulk) return
  if (bulk.value.after >= phases.measure)
    problems.add(bulk, `${bulk.path}.after`, {
      found: formatQuantity(bulk.value.after, 'duration'),
      allowed: `less than the ${formatQuantity(phases.measure, 'duration')} of phases.measure`,
    })
  const other = sleep ?? churn
  if (other)
    problems.add(other, other.path, {
      found: 'devices that come and go beside bulk',
      allowed: 'one of the two',
      advice:
        'What a connection had of a large message is sent again on the next. Ask each in a scenario of its own.',
    })
}
