/** What must fit together where devices come and go. */
import { formatQuantity } from '../core/units.ts'
import type { ScenarioValues } from './format.ts'
import type { Problems } from './problem.ts'

const words = (duration: number): string => formatQuantity(duration, 'duration')

export const checkAbsences = ({ workload, phases }: ScenarioValues, problems: Problems): void => {
  const { sleep, churn } = workload
  if (sleep && churn)
    problems.add(churn, churn.path, {
      found: 'churn beside sleep',
      allowed: 'one of the two',
      advice: 'Ask each in a scenario of its own.',
    })
  if (churn && churn.value.every > phases.measure)
    problems.add(churn, `${churn.path}.every`, {
      found: words(churn.value.every),
      allowed: `at most the ${words(phases.measure)} of phases.measure`,
    })
  if (!sleep) return
  const { awake, asleep } = sleep.value
  if (awake + asleep > phases.measure)
    problems.add(sleep, sleep.path, {
      found: `${words(awake + asleep)} from one wake-up to the next`,
      allowed: `at most the ${words(phases.measure)} of phases.measure, so that every device wakes up in it`,
      advice: 'Make the cycle shorter or the phase longer.',
    })
  if (asleep > phases.drain)
    problems.add(sleep, `${sleep.path}.asleep`, {
      found: words(asleep),
      allowed: `at most the ${words(phases.drain)} of phases.drain, because what is due while a device sleeps can be sent no earlier`,
      advice: `Write drain: ${words(asleep + 5e9)}.`,
    })
}
