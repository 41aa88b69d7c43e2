/** Links of a scenario: the name of a profile, or a mapping with the values; and the resolved `LinkProfile`. */
import type { LinkProfile, SharedProfile } from '../core/link-profile.ts'
import { defaulted, optional, record, required, section, type Values } from './containers.ts'
import { checkLink } from './link-checks.ts'
import { directionFields, directionOf, SYNONYMS } from './link-keys.ts'
import { queueLimit } from './queue.ts'
import { plainRate } from './rate.ts'
import type { RawNode } from './read.ts'
import { located, refined, scalarOr, type Located, type Rule } from './rule.ts'
import { choice, flag, name, quantity, text } from './scalars.ts'

/** The profiles that a scenario can name. */
export interface Profiles {
  readonly names: readonly string[]
  /** Reads one; throws TB_SCENARIO_INVALID where its file is wrong. */
  read(profile: string): LinkProfile
}

const HOUR = 3600e9

const LINK_SYNONYMS = {
  ...SYNONYMS,
  upload: 'up',
  uplink: 'up',
  download: 'down',
  downlink: 'down',
  bottleneck: 'shared',
  cell: 'shared',
  duplex: 'half_duplex',
}

const PROFILE_SYNONYMS = {
  ethernet: 'lan',
  '4g': 'lte',
  umts: '3g',
  '2g': 'edge',
  '802.15.4': 'ieee-802-15-4-hop',
  '6lowpan': 'ieee-802-15-4-hop',
  satellite: 'geo-satellite',
  starlink: 'leo-satellite',
}

const wake = record(
  {
    delay: required(
      'How long a packet waits that finds the radio asleep.',
      quantity('duration', 1e6, HOUR),
    ),
    after: required(
      'How long there was no packet in either direction.',
      quantity('duration', 1e6, 24 * HOUR),
    ),
  },
  { inactivity: 'after', timeout: 'after', idle: 'after' },
)

const nat = record({
  udp_timeout: defaulted(
    'Without a packet for so long, a UDP mapping is gone. The default is the least that RFC 4787 allows.',
    quantity('duration', 1e9, 24 * HOUR),
    '2 min',
  ),
  tcp_timeout: defaulted(
    'The same for TCP; the default is the least that RFC 5382 allows.',
    quantity('duration', 1e9, 7 * 24 * HOUR),
    '124 min',
  ),
})

const sharedFields = {
  rate: optional('Bits of IP packets per second of all devices together.', plainRate),
  queue: optional('Packets or bytes of all devices that wait for it at most.', queueLimit),
}
const sharedDirection = record(sharedFields, SYNONYMS)

const sharedOf = (
  both: Values<typeof sharedFields>,
  one: Values<typeof sharedFields>,
): SharedProfile | null => {
  const rate = one.rate === undefined ? both.rate : one.rate
  const queue = one.queue === undefined ? both.queue : one.queue
  return rate === undefined || rate === null ? null : { rate, queue: queue ?? null }
}

const shared: Rule<LinkProfile['shared']> = refined(
  record(
    {
      ...sharedFields,
      up: section('From devices to server, where it differs.', sharedDirection),
      down: section('From server to devices, where it differs.', sharedDirection),
    },
    LINK_SYNONYMS,
  ),
  (values) => ({ up: sharedOf(values, values.up), down: sharedOf(values, values.down) }),
)

const linkFields = (folder: string) => {
  const fields = directionFields(folder)
  const direction = record(fields, SYNONYMS)
  return {
    ...fields,
    mtu: defaulted('Largest IP packet.', quantity('size', 576, 65_535), '1500 B'),
    half_duplex: defaulted('The directions take turns.', flag(), false),
    wake: optional('A radio that falls asleep.', wake),
    shared: optional('What all devices share behind their own links.', shared),
    nat: optional('A NAT before each device, with timeouts of its mappings.', nat),
    up: section('From device to server, where it differs.', direction),
    down: section('From server to device, where it differs.', direction),
  }
}

const inlineFields = (folder: string) => ({
  name: required(
    'A mapping in the list of links needs a name, which results will bear.',
    located(name),
  ),
  title: optional('One line for tables and charts; default: the name.', text('one line of text')),
  source: optional('Where the values come from, for the report.', text('some text')),
  ...linkFields(folder),
})

const profileFields = (folder: string) => ({
  title: required('A profile says in one line what it stands for.', text('one line of text')),
  source: required('A profile says where its values come from.', text('some text')),
  ...linkFields(folder),
})

const resolveLink = (
  values: Values<ReturnType<typeof linkFields>>,
  words: { readonly name: string; readonly title: string; readonly source: string },
): LinkProfile => ({
  ...words,
  mtu: values.mtu,
  up: directionOf(values, values.up),
  down: directionOf(values, values.down),
  halfDuplex: values.half_duplex,
  wake: values.wake ? { delay: values.wake.delay, inactivity: values.wake.after } : null,
  shared: values.shared ?? { up: null, down: null },
  nat: values.nat
    ? { udpTimeout: values.nat.udp_timeout, tcpTimeout: values.nat.tcp_timeout }
    : null,
})

/** Reads the mapping of a link, and then looks whether its values go together. */
const checked = <T>(keys: Rule<T>, to: (values: T) => LinkProfile): Rule<LinkProfile> => ({
  schema: keys.schema,
  read(node, path, problems) {
    const before = problems.list.length
    const values = keys.read(node, path, problems)
    if (values === undefined) return undefined
    const link = to(values)
    // A value that was misread only seems to be missing.
    if (problems.list.length === before && node.kind === 'mapping')
      checkLink(link, node, path, problems)
    return link
  },
})

/** The whole of a file in scenarios/profiles/; `folder`: from where paths of traces count. */
export const profileRule = (profile: string, folder: string): Rule<LinkProfile> =>
  checked(record(profileFields(folder), LINK_SYNONYMS), (values) =>
    resolveLink(values, { name: profile, title: values.title, source: values.source }),
  )

/** One item of `links`; its place is that of the name. `folder`: from where paths of traces count. */
export const linkRule = (profiles: Profiles, folder: string): Rule<Located<LinkProfile>> => {
  const names = choice(profiles.names, {
    meant: PROFILE_SYNONYMS,
    or: 'or a mapping with a name and values',
  })
  const inline = checked(record(inlineFields(folder), LINK_SYNONYMS), (values) => {
    const link = values.name.value
    const { title = link, source = 'the scenario file' } = values
    return resolveLink(values, { name: link, title, source })
  })
  return scalarOr(
    refined(names, (profile, node, path) => placed(profiles.read(profile), node, path)),
    refined(inline, (link, node, path) => {
      const named = node.kind === 'mapping' ? node.entries.get('name')?.value : undefined
      return placed(link, named ?? node, path)
    }),
  )
}

const placed = (
  value: LinkProfile,
  { line, column }: Pick<RawNode, 'line' | 'column'>,
  path: string,
): Located<LinkProfile> => ({ value, line, column, path })
