/** Links of a scenario: the name of a profile, or a mapping with the values; and the resolved `LinkProfile`. */
import {
  CLEAR_DIRECTION,
  CLEAR_LINK,
  type DirectionProfile,
  type LinkProfile,
  type Loss,
  type QueueLimit,
} from '../core/link-profile.ts'
import { defaulted, optional, record, required, section, type Values } from './containers.ts'
import type { RawNode } from './read.ts'
import { located, scalarOr, type Located, type Rule } from './rule.ts'
import { choice, limit, name, quantity, text } from './scalars.ts'

/** The profiles that a scenario can name. */
export interface Profiles {
  readonly names: readonly string[]
  /** Reads one; throws TB_SCENARIO_INVALID where its file is wrong. */
  read(profile: string): LinkProfile
}

const LONGEST_DELAY = 60e9
const MOST_LOSS = 0.95

const ratio = quantity('ratio', 0, MOST_LOSS)
const burst = quantity('duration', 1e6, LONGEST_DELAY)

/** A burst in packets would make the channel depend on the traffic, and so on the stack. */
const badPeriod: Rule<number> = {
  schema: burst.schema,
  read(node, path, problems) {
    const inPackets = node.kind === 'scalar' && /packets?$/u.test(String(node.value))
    if (!inPackets) return burst.read(node, path, problems)
    problems.planned(
      node,
      path,
      `burst: ${String(node.value)}`,
      'Use the mean length of a bad period, such as 200 ms: then the channel is the same for every stack.',
    )
    return undefined
  },
}

const loss: Rule<Loss> = (() => {
  const bursty = record({
    mean: required('Mean fraction of packets lost.', ratio),
    burst: required('Mean length of a bad period, in which every packet is lost.', badPeriod),
  })
  const rule = scalarOr(ratio, bursty)
  return {
    schema: rule.schema,
    read(node, path, problems) {
      const value = rule.read(node, path, problems)
      if (typeof value !== 'object')
        return value === undefined ? value : { kind: 'time', ratio: value, burst: 0 }
      return { kind: 'time', ratio: value.mean, burst: value.burst }
    },
  }
})()

const directionFields = {
  delay: optional('One-way delay.', quantity('duration', 0, LONGEST_DELAY)),
  jitter: optional(
    'Standard deviation of the extra delay; packets keep their order.',
    quantity('duration', 0, LONGEST_DELAY),
  ),
  rate: optional('Bits of IP packets per second, or unlimited.', limit('rate', 50)),
  loss: optional('Fraction of packets lost, or a mapping of mean and burst.', loss),
  queue: optional(
    'Packets that wait for the rate limiter at most, or unlimited.',
    limit('packets', 1),
  ),
}
const direction = record(directionFields)

const SYNONYMS = {
  bandwidth: 'rate',
  latency: 'delay',
  upload: 'up',
  uplink: 'up',
  download: 'down',
  downlink: 'down',
  limit: 'queue',
}

const sharedFields = {
  ...directionFields,
  mtu: defaulted('Largest IP packet.', quantity('size', 576, 65_535), '1500 B'),
  up: section('From device to server, where it differs.', direction),
  down: section('From server to device, where it differs.', direction),
}

const inlineFields = {
  name: required(
    'A mapping in the list of links needs a name, which results will bear.',
    located(name),
  ),
  title: optional('One line for tables and charts; default: the name.', text('one line of text')),
  source: optional('Where the values come from, for the report.', text('some text')),
  ...sharedFields,
}

const profileFields = {
  title: required('A profile says in one line what it stands for.', text('one line of text')),
  source: required('A profile says where its values come from.', text('some text')),
  ...sharedFields,
}

type DirectionValues = Values<typeof directionFields>

const packets = (limit: number | null | undefined): QueueLimit | null =>
  limit === null || limit === undefined ? null : { limit, unit: 'packets' }

const resolveDirection = (both: DirectionValues, one: DirectionValues): DirectionProfile => {
  const pick = <K extends keyof DirectionValues>(key: K): DirectionValues[K] =>
    one[key] === undefined ? both[key] : one[key]
  return {
    ...CLEAR_DIRECTION,
    delay: pick('delay') ?? 0,
    jitter: pick('jitter') ?? 0,
    rate: pick('rate') ?? null,
    loss: pick('loss') ?? CLEAR_DIRECTION.loss,
    queue: packets(pick('queue')),
  }
}

const resolveLink = (
  values: Values<typeof sharedFields>,
  words: { readonly name: string; readonly title: string; readonly source: string },
): LinkProfile => ({
  ...CLEAR_LINK,
  ...words,
  mtu: values.mtu,
  up: resolveDirection(values, values.up),
  down: resolveDirection(values, values.down),
})

/** The whole of a file in scenarios/profiles/. */
export const profileRule = (profile: string): Rule<LinkProfile> => {
  const rule = record(profileFields, SYNONYMS)
  return {
    schema: rule.schema,
    read(node, path, problems) {
      const values = rule.read(node, path, problems)
      if (!values) return undefined
      return resolveLink(values, { name: profile, title: values.title, source: values.source })
    },
  }
}

/** One item of `links`. */
export const linkRule = (profiles: Profiles): Rule<Located<LinkProfile>> => {
  const names = choice(profiles.names, { or: 'or a mapping with a name and values' })
  const inline = record(inlineFields, SYNONYMS)
  const byName: Rule<Located<LinkProfile>> = {
    schema: names.schema,
    read(node, path, problems) {
      const profile = names.read(node, path, problems)
      return profile === undefined ? undefined : placed(profiles.read(profile), node, path)
    },
  }
  const byValues: Rule<Located<LinkProfile>> = {
    schema: inline.schema,
    read(node, path, problems) {
      const values = inline.read(node, path, problems)
      if (!values) return undefined
      const link = values.name.value
      const { title = link, source = 'the scenario file' } = values
      return placed(resolveLink(values, { name: link, title, source }), values.name, path)
    },
  }
  return scalarOr(byName, byValues)
}

const placed = (
  value: LinkProfile,
  { line, column }: Pick<RawNode, 'line' | 'column'>,
  path: string,
): Located<LinkProfile> => ({ value, line, column, path })
