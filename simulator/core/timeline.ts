/** The timeline of a scenario as instants at which something begins or ends. */
import { SECOND, type Nanoseconds } from './clock.ts'
import type { TimelineEvent } from './link-profile.ts'

export interface Edge {
  /** From t0 on. */
  readonly at: Nanoseconds
  readonly event: TimelineEvent
  readonly begins: boolean
}

/** Whether it has no duration. */
export const isInstant = (
  event: TimelineEvent,
): event is Extract<TimelineEvent, { kind: 'rebind' | 'replay' | 'drop' }> =>
  event.kind !== 'blackout' && event.kind !== 'change'

/** When the event ends; null: not before the run does, or it has no duration. */
export const endOf = (event: TimelineEvent): Nanoseconds | null =>
  isInstant(event) || event.for === null ? null : event.at + event.for

/** In order of time; at one instant, first what ends, then what begins, as the scenario lists it. */
export const edgesOf = (timeline: readonly TimelineEvent[]): Edge[] =>
  timeline
    .flatMap((event): Edge[] => {
      const end = endOf(event)
      const begin = { at: event.at, event, begins: true }
      return end === null ? [begin] : [begin, { at: end, event, begins: false }]
    })
    .toSorted((a, b) => a.at - b.at || Number(a.begins) - Number(b.begins))

/** How many devices the event meets, at least one: the first so many. */
export const devicesOf = (event: TimelineEvent, devices: number): number =>
  Math.max(1, Math.round(event.devices * devices))

/** Such as `blackout up (50 % of devices)`. No comma, so that it can stand in a column. */
export const eventName = (event: TimelineEvent): string => {
  const share =
    event.devices === 1 ? '' : ` (${Number((event.devices * 100).toFixed(2))} % of devices)`
  if (event.kind === 'rebind') return `rebind ${event.to} ${event.policy}${share}`
  const count = event.kind === 'drop' ? ` ${event.packets}` : ''
  const size = event.kind === 'drop' && event.least > 0 ? ` of ${event.least} B or more` : ''
  const aimed = event.kind === 'blackout' || event.kind === 'drop'
  const direction = aimed && event.direction !== 'both' ? ` ${event.direction}` : ''
  return `${event.kind}${count}${size}${direction}${share}`
}

/** Second -> what began or ended in it, in words; seconds count from the begin of a warm-up of `warmup`. */
export const edgesBySecond = (
  timeline: readonly TimelineEvent[],
  warmup: Nanoseconds,
): Map<number, string[]> => {
  const seconds = new Map<number, string[]>()
  for (const { at, event, begins } of edgesOf(timeline)) {
    const second = Math.floor((warmup + at) / SECOND)
    const name = eventName(event)
    const words = isInstant(event) ? name : `${name} ${begins ? 'begins' : 'ends'}`
    seconds.set(second, [...(seconds.get(second) ?? []), words])
  }
  return seconds
}
