/** `timeline`: what happens to links while a cell runs; each item has one of four forms. */
import type { ChangeableValues, TimelineEvent } from '../core/link-profile.ts'
import { list, optional, record, required, type Values } from './containers.ts'
import { formOf } from './forms.ts'
import { delayRule, SYNONYMS } from './link-keys.ts'
import { changedLoss } from './loss.ts'
import { queueLimit } from './queue.ts'
import { plainRate } from './rate.ts'
import { located, refined, type Located, type Rule } from './rule.ts'
import { choice, integer, quantity } from './scalars.ts'

const DAY = 24 * 3600e9
const MOST_EVENTS = 1000

/** The fraction of devices: `all`, or a share. */
const devices: Rule<number> = (() => {
  const part = quantity('ratio', 0.0001, 1)
  const all = choice(['all'], { or: 'or a share, such as 50 %' })
  const isShare = /^[-+.\d]/u
  return {
    schema: { anyOf: [part.schema, all.schema] },
    read(node, path, problems) {
      const written = node.kind === 'scalar' ? String(node.value ?? '') : ''
      if (isShare.test(written)) return part.read(node, path, problems)
      return all.read(node, path, problems) === undefined ? undefined : 1
    },
  }
})()

const changeFields = {
  delay: optional('One-way delay.', delayRule),
  jitter: optional('Standard deviation of the extra delay.', delayRule),
  rate: optional('Bits of IP packets per second, or unlimited.', plainRate),
  queue: optional(
    'Packets or bytes that wait for the rate limiter at most, or unlimited.',
    queueLimit,
  ),
  loss: optional('Fraction of packets lost, or a mapping of mean and burst.', changedLoss),
}
const oneWay = record(changeFields, SYNONYMS)

/** Without the keys that are absent. */
const named = (...values: readonly Values<typeof changeFields>[]): ChangeableValues =>
  Object.fromEntries(
    values.flatMap((some) =>
      Object.keys(changeFields)
        .map((key) => [key, some[key as keyof typeof changeFields]] as const)
        .filter(([, value]) => value !== undefined),
    ),
  )

type Change = Readonly<Record<'up' | 'down', ChangeableValues>>

const change: Rule<Change> = refined(
  record(
    {
      ...changeFields,
      up: optional('From device to server, where it differs.', oneWay),
      down: optional('From server to device, where it differs.', oneWay),
    },
    SYNONYMS,
  ),
  (values, node, path, problems) => {
    const up = named(values, ...(values.up ? [values.up] : []))
    const down = named(values, ...(values.down ? [values.down] : []))
    if (node.kind === 'mapping' && node.entries.size === 0)
      problems.add(node, path, {
        found: 'nothing that changes',
        allowed: Object.keys(changeFields).join(', '),
      })
    return { up, down }
  },
)

const eventRule = record(
  {
    at: required(
      'It says when, from the start of measure on, such as 5 s.',
      quantity('duration', 0, DAY),
    ),
    for: optional('How long it lasts; default: until the end.', quantity('duration', 1e6, DAY)),
    devices: optional('Which fraction of the devices it meets; default: all.', devices),
    blackout: optional(
      'Every packet is lost, of this direction or of all.',
      choice(['all', 'up', 'down'] as const),
    ),
    change: optional('These values of the links change, and no other.', change),
    rebind: optional(
      'The NAT before these devices forgets its mappings: all, or a share.',
      devices,
    ),
    replay: optional(
      'The first flight of the latest connection of these devices is sent once more, by somebody else: all, or a share.',
      devices,
    ),
    drop: optional(
      'The next packets that carry something are lost, of this direction or of each.',
      choice(['all', 'up', 'down'] as const),
    ),
    packets: optional('How many of them; default: 1.', integer(1, 1000)),
    least: optional(
      'Only IP packets of so many bytes or more; default: of any size.',
      quantity('size', 1, 65_535),
    ),
    policy: optional(
      'What the NAT does with segments of a connection that it no longer knows; default: reset.',
      choice(['reset', 'drop'] as const),
    ),
    to: optional(
      'What is new in the mappings; default: port.',
      choice(['port', 'address'] as const),
    ),
  },
  { start: 'at', time: 'at', duration: 'for', outage: 'blackout', nat: 'rebind', share: 'devices' },
)

const FORMS = {
  blackout: { needs: ['at', 'blackout'], may: ['for', 'devices'] },
  change: { needs: ['at', 'change'], may: ['for', 'devices'] },
  rebind: { needs: ['at', 'rebind'], may: ['policy', 'to'] },
  replay: { needs: ['at', 'replay'], may: [] },
  drop: { needs: ['at', 'drop'], may: ['packets', 'least', 'devices'] },
} as const

const wayOf = (way: 'all' | 'up' | 'down') => (way === 'all' ? 'both' : way)

const event: Rule<TimelineEvent> = refined(eventRule, (values, node, path, problems) => {
  const form = formOf(node, path, problems, FORMS)
  const span = { at: values.at, for: values.for ?? null, devices: values.devices ?? 1 }
  if (form === 'rebind' && values.rebind !== undefined) {
    const { at, rebind, policy = 'reset', to = 'port' } = values
    return { kind: form, at, policy, to, devices: rebind }
  }
  if (form === 'drop' && values.drop !== undefined) {
    const { at, devices: share = 1, packets = 1, least = 0 } = values
    return { kind: form, at, packets, least, devices: share, direction: wayOf(values.drop) }
  }
  if (form === 'replay' && values.replay !== undefined)
    return { kind: form, at: values.at, devices: values.replay }
  if (form === 'change' && values.change !== undefined)
    return { kind: form, ...span, ...values.change }
  if (form === 'blackout' && values.blackout !== undefined)
    return { kind: form, ...span, direction: wayOf(values.blackout) }
  return undefined
})

/** In the order of the file. */
export const timelineRule: Rule<readonly Located<TimelineEvent>[]> = refined(
  list(located(event), 'a list of events, such as { at: 5 s, for: 2 s, blackout: all }', 0),
  (events, node, path, problems) => {
    if (events.length > MOST_EVENTS)
      problems.add(node, path, {
        found: `${events.length} events`,
        allowed: `at most ${MOST_EVENTS}`,
      })
    return events
  },
)
