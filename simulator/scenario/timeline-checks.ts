/** What must fit together between the timeline, the phases and the links. */
import type {
  ChangeableValues,
  DirectionProfile,
  LinkProfile,
  TimelineEvent,
} from '../core/link-profile.ts'
import { isInstant } from '../core/timeline.ts'
import { formatQuantity } from '../core/units.ts'
import { directionFaults } from './link-checks.ts'
import type { Problems } from './problem.ts'
import type { Located } from './rule.ts'

type Event = Located<TimelineEvent>

const span = (ns: number): string => formatQuantity(ns, 'duration')

const lasting = (event: TimelineEvent): number | null => (isInstant(event) ? 0 : event.for)

/** `measure`: how long that phase takes. */
export const checkTimeline = (
  events: readonly Event[],
  links: readonly LinkProfile[],
  measure: number,
  problems: Problems,
): void => {
  for (const event of events) {
    checkTime(event, measure, problems)
    for (const link of links) if (!fits(event, link, problems)) break
  }
  checkOverlaps(events, problems)
}

const checkTime = ({ value, path, ...spot }: Event, measure: number, problems: Problems): void => {
  const lasts = lasting(value)
  if (value.at >= measure)
    problems.add(spot, `${path}.at`, {
      found: span(value.at),
      allowed: `less than the ${span(measure)} of phases.measure`,
    })
  else if (lasts !== null && value.at + lasts > measure)
    problems.add(spot, `${path}.for`, {
      found: `an end at ${span(value.at + lasts)}`,
      allowed: `at most the ${span(measure)} of phases.measure`,
      advice: 'Without "for" it lasts until the end.',
    })
}

/** Whether a changed link is one that a scenario could ask for. */
const fits = ({ value, path, ...spot }: Event, link: LinkProfile, problems: Problems): boolean => {
  if (value.kind !== 'change') return true
  for (const direction of ['up', 'down'] as const) {
    const fault = changeFault(link[direction], value[direction], link)
    if (fault === undefined) continue
    problems.add(spot, `${path}.change`, {
      ...fault,
      advice: `So it would be on the link ${link.name}, ${direction}. ${fault.advice ?? ''}`.trim(),
    })
    return false
  }
  return true
}

const changeFault = (before: DirectionProfile, changes: ChangeableValues, link: LinkProfile) => {
  if (changes.rate !== undefined && before.trace !== null)
    return {
      key: 'rate',
      found: 'a rate where a recorded trace has been',
      allowed: 'a change of other values',
      advice: undefined,
    }
  if (changes.rate === null && link.halfDuplex)
    return {
      key: 'rate',
      found: 'an unlimited rate where half_duplex needs one',
      allowed: 'a rate',
      advice: undefined,
    }
  // What has no use meanwhile, such as a queue while there is no rate, is no mistake unless the event itself asks for it.
  return directionFaults({ ...before, ...changes }, link.mtu).find(
    ({ key, idle }) => !idle || Object.hasOwn(changes, key),
  )
}

/** Devices are met from the first one on, so that two events always have some in common. */
const checkOverlaps = (events: readonly Event[], problems: Problems): void => {
  const held = events.map((event) => ({ event, values: touched(event.value) }))
  for (const [i, { event, values }] of held.entries())
    for (const earlier of held.slice(0, i)) {
      const both = values.find((one) => earlier.values.includes(one))
      if (both === undefined || !overlap(earlier.event.value, event.value)) continue
      problems.add(event, event.path, {
        found: `${both} at a time when ${earlier.event.path} has it too`,
        allowed: 'each value in one event at a time',
        advice: 'Let one end, with "for", where the other begins.',
      })
      break
    }
}

/** The values that are an event's own while it lasts. */
const touched = (event: TimelineEvent): string[] => {
  if (isInstant(event)) return []
  const ways = (['up', 'down'] as const).map((way) => {
    if (event.kind === 'change') return Object.keys(event[way]).map((key) => `${key} (${way})`)
    return event.direction === 'both' || event.direction === way ? [`a blackout (${way})`] : []
  })
  return ways.flat()
}

const overlap = (a: TimelineEvent, b: TimelineEvent): boolean => {
  const end = (event: TimelineEvent): number => event.at + (lasting(event) ?? Infinity)
  return a.at < end(b) && b.at < end(a)
}
