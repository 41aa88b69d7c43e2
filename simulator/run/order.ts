/** In which order the cells run, and how long that will take. */
import { SECOND, type Nanoseconds } from '../core/clock.ts'
import { key, keyOf, Random } from '../core/random.ts'
import type { Cell, Phases, Scenario } from '../core/types.ts'
import { absencesOf, connectInterval, messageInterval } from '../core/workload.ts'
import { expand } from '../scenario/expand.ts'

/**
 * Repetitions are blocks; inside a block the cells run in seeded random order, so that a slow drift of the machine falls
 * on all stacks alike.
 */
export const blocksOf = (scenario: Scenario): Cell[][] => {
  const blocks = Map.groupBy(expand(scenario), (cell) => cell.repetition)
  return [...blocks].map(([repetition, block]) =>
    new Random(key(keyOf('order'), scenario.seed, repetition)).shuffle(block),
  )
}

/** Starting and ending servers, namespaces and workers around a cell. */
const OVERHEAD = 1.5 * SECOND
/** Between TCP's connect (2 round trips to MQTT's CONNACK) and XMPP with TLS (9). */
const CONNECT_ROUND_TRIPS = 5

/** About how long a cell takes: a plan, not a promise. Drain ends when nothing is outstanding, usually after two round trips. */
export const expectedTime = (cell: Cell, phases: Phases): Nanoseconds => {
  const roundTrip = cell.link.up.delay + cell.link.down.delay
  const connected = Math.min(phases.ramp + CONNECT_ROUND_TRIPS * roundTrip, phases.connectDeadline)
  const absences = absencesOf(cell.workload)
  // What became due in the last sleep is sent when it is over.
  const asleep = absences?.kind === 'sleep' ? absences.asleep : 0
  const drain = Math.min(phases.drain, asleep + 2 * roundTrip + SECOND / 2)
  return connected + phases.warmup + phases.measure + drain + OVERHEAD
}

/** How many messages a cell intends in its measured window. */
export const expectedMessages = (cell: Cell, phases: Phases): number =>
  Math.floor((cell.devices * phases.measure) / messageInterval(cell.workload))

/** How many connections, beside the first of each device. */
export const expectedConnects = (cell: Cell, phases: Phases): number =>
  Math.floor((cell.devices * phases.measure) / connectInterval(cell.workload))
