/** What must fit together across the sections of a scenario. */
import { formatQuantity } from '../core/units.ts'
import type { ScenarioValues } from './format.ts'
import type { Problems, Spot } from './problem.ts'
import { checkAbsences } from './absence-checks.ts'
import { checkBulk } from './bulk-checks.ts'
import { checkTimeline } from './timeline-checks.ts'

/** Without block-wise transfer a CoAP message carries at most this much payload (RFC 7252 section 4.6). */
const MOST_IN_DATAGRAM = 1024

export const checkWhole = (values: ScenarioValues, problems: Problems): void => {
  checkNames(values, problems)
  if (sound(problems, 'stacks') && sound(problems, 'links')) checkThresholds(values, problems)
  checkTimes(values, problems)
  checkAbsences(values, problems)
  if (sound(problems, 'workload')) checkBulk(values, problems)
  if (sound(problems, 'timeline') && sound(problems, 'links') && sound(problems, 'phases'))
    checkTimeline(
      values.timeline ?? [],
      values.links.map((link) => link.value),
      values.phases.measure,
      problems,
    )
  checkPayload(values, problems)
  checkRehandshake(values, problems)
}

/** Whether all of a list could be read: otherwise a name that is not found may only be one that was misread. */
export const sound = (problems: Problems, key: string): boolean =>
  !problems.list.some((problem) => problem.path.startsWith(key))

interface Named extends Spot {
  readonly name: string
  readonly path: string
}

const stackNames = (values: ScenarioValues): Named[] =>
  values.stacks.map(({ keys, entry, place }) => ({
    ...(keys.name ?? place),
    name: keys.name?.value ?? entry.name,
  }))

const linkNames = (values: ScenarioValues): Named[] =>
  values.links.map((link) => ({ ...link, name: link.value.name }))

const checkNames = (values: ScenarioValues, problems: Problems): void => {
  for (const [what, named] of [
    ['stack', stackNames(values)],
    ['link', linkNames(values)],
  ] as const) {
    const seen = new Set<string>()
    for (const { name, path, ...spot } of named) {
      if (seen.has(name))
        problems.add(spot, path, {
          found: `a second ${what} with the name "${name}"`,
          allowed: 'each name once, because results bear it',
          advice:
            what === 'stack'
              ? `Give a variant a name of its own: { stack: ${name}, name: ${name}-2 }.`
              : 'List it once, or give the other one a name of its own.',
        })
      seen.add(name)
    }
  }
}

const checkThresholds = (values: ScenarioValues, problems: Problems): void => {
  for (const { stack, link } of values.thresholds ?? [])
    for (const [what, wanted, named] of [
      ['stack', stack, stackNames(values)],
      ['link', link, linkNames(values)],
    ] as const) {
      const among = named.map((one) => one.name)
      if (!wanted || among.includes(wanted.value)) continue
      problems.add(wanted, wanted.path, {
        found: `"${wanted.value}", which is not a ${what} of this scenario`,
        allowed: among.join(', '),
        near: { word: wanted.value, among },
      })
    }
}

const checkTimes = ({ workload, phases }: ScenarioValues, problems: Problems): void => {
  const measure = formatQuantity(phases.measure, 'duration')
  const { intervals } = workload
  for (const interval of intervals?.value ?? [])
    if (intervals && interval > phases.measure)
      problems.add(intervals, intervals.path, {
        found: formatQuantity(interval, 'duration'),
        allowed: `at most the ${measure} of phases.measure, so that every device sends in it`,
        advice: 'Make the interval shorter or the phase longer.',
      })
  const deadline = phases.connect_deadline
  if (phases.ramp.value > deadline)
    problems.add(phases.ramp, phases.ramp.path, {
      found: formatQuantity(phases.ramp.value, 'duration'),
      allowed: `at most the ${formatQuantity(deadline, 'duration')} of phases.connect_deadline`,
    })
}

const checkPayload = ({ stacks, workload }: ScenarioValues, problems: Problems): void => {
  // QUIC makes a stream of datagrams.
  const datagram = stacks.find(
    ({ entry }) => entry.carrier === 'datagram' && entry.security !== 'quic',
  )
  const { payloads } = workload
  if (!datagram || !payloads) return
  const largest = Math.max(...payloads.value)
  if (largest <= MOST_IN_DATAGRAM) return
  problems.add(payloads, payloads.path, {
    found: formatQuantity(largest, 'size'),
    allowed: `at most ${MOST_IN_DATAGRAM} B with ${datagram.entry.name}, which sends one message in one datagram`,
    advice: 'Block-wise transfer is not available yet.',
  })
}

/** Only what is acknowledged is retransmitted, and missed. */
const checkRehandshake = ({ stacks, workload }: ScenarioValues, problems: Problems): void => {
  for (const { keys, place } of stacks) {
    const reliability = keys.reliability ?? workload.reliability
    if (keys.dtls.rehandshakeAfter === null || reliability !== 'best-effort') continue
    problems.add(place, `${place.path}.dtls.rehandshake_after`, {
      found: 'rehandshake_after with best-effort messages, of which none is retransmitted',
      allowed: 'rehandshake_after with acknowledged messages',
      advice: 'Leave it out, or write reliability: acknowledged.',
    })
  }
}
