/** "TCP or QUIC?" for each link of a run: what speaks for either, with the same weight. */
import type { Stack } from '../core/types.ts'
import { QUANTITIES, type Quantity } from './compare.ts'
import {
  type Compared,
  comparedIn,
  effect,
  isEnough,
  isShown,
  restOf,
  withoutComparison,
} from './findings.ts'
import { list } from './format.ts'
import { words } from './html.ts'
import type { Condition, Group } from './rows.ts'
import type { Run } from './run.ts'

export interface TransportAnswer {
  readonly condition: Condition
  readonly quic: Group
  readonly tcp: Group
  readonly sentences: readonly string[]
}

/** What tells transports apart besides what all stacks are compared in. */
const FURTHER: readonly Quantity[] = [
  {
    name: 'longest gap',
    words: 'longest time without a delivery',
    unit: 'ms',
    metrics: ['delivery.longest_gap.max'],
  },
  {
    name: 'device CPU',
    words: 'CPU time of the devices per message',
    unit: 'us',
    metrics: ['cpu.fleet_us_per_message'],
  },
  {
    name: 'connect CPU',
    words: 'CPU time of the devices per connection',
    unit: 'us',
    metrics: ['cpu.fleet_us_per_connect'],
  },
  {
    name: 'server CPU to connect',
    words: 'CPU time of the server per connection',
    unit: 'us',
    metrics: ['cpu.broker_us_per_connect'],
    further: ['cpu.front_end_us_per_connect'],
  },
  {
    name: 'server memory',
    words: 'memory of the server per session',
    unit: 'KiB',
    metrics: ['memory.broker_kib_per_session'],
    further: ['memory.front_end_kib_per_session'],
  },
  {
    name: 'device memory',
    words: 'memory of the devices per session',
    unit: 'KiB',
    metrics: ['memory.fleet_kib_per_session'],
  },
]

const isQuic = (stack: Stack): boolean => stack.security === 'quic'

/** With the protection that QUIC has too, if there is such a stack; otherwise whatever runs over TCP. */
const partnersOf = (stacks: readonly Stack[], quic: Stack): Stack[] => {
  const tcp = stacks.filter(
    (stack) =>
      stack.protocol === quic.protocol &&
      !isQuic(stack) &&
      stack.carrier === 'stream' &&
      stack.framing === 'none',
  )
  const protectedToo = tcp.filter((stack) => stack.security === 'tls')
  return protectedToo.length > 0 ? protectedToo : tcp
}

const clause = (intro: string, items: readonly Compared[]): string[] =>
  items.length === 0 ? [] : [`${intro}: ${list(items.map(effect))}.`]

/** Of every quantity less is better. */
const lowers = ({ result }: Compared): boolean => (result.difference ?? 0) < 0

const sentencesOf = (quic: Group, tcp: Group): string[] => {
  const all = comparedIn([...QUANTITIES, ...FURTHER], quic, tcp)
  if (!isEnough(all)) return [withoutComparison(quic, tcp)]
  const shown = all.filter(isShown)
  const preliminary = shown.some(({ result }) => result.strength === 'preliminary')
  const none = (side: string, items: readonly unknown[]): string[] =>
    items.length === 0 ? [`Nothing that was compared speaks ${side}.`] : []
  const forQuic = shown.filter(lowers)
  const forTcp = shown.filter((one) => !lowers(one))
  return [
    ...(preliminary ? ['Preliminary (fewer than 6 pairs).'] : []),
    ...clause(`For ${quic.stack}, which lowers`, forQuic),
    ...none(`for ${quic.stack}`, forQuic),
    ...clause(`For ${tcp.stack}, because ${quic.stack} raises`, forTcp),
    ...none(`for ${tcp.stack}`, forTcp),
    ...restOf(all),
  ]
}

/** Every QUIC stack against every stack over TCP that stands beside it, in each condition; empty for a run without both. */
export const transportAnswers = (run: Run): TransportAnswer[] => {
  const { stacks } = run.scenario
  return run.conditions.flatMap((condition) => {
    const groupOf = ({ name }: Stack): Group | undefined =>
      condition.groups.find((group) => group.stack === name)
    return stacks.filter(isQuic).flatMap((stack) =>
      partnersOf(stacks, stack).flatMap((partner) => {
        const [quic, tcp] = [groupOf(stack), groupOf(partner)]
        return quic && tcp ? [{ condition, quic, tcp, sentences: sentencesOf(quic, tcp) }] : []
      }),
    )
  })
}

/** Of the fairness audit: which implementations stood for the transports, and how they were set. */
const IMPLEMENTATION =
  /^(QUIC (library|congestion control|acknowledgements|datagrams)|TCP (congestion control|least retransmission timeout)|hops|front end)$/

/** "mqtt-quic: QUIC library quiche 0.18 ...; mqtt-tls: ..."; a comparison of implementations is never one of protocols alone. */
export const implementationWords = (run: Run): string[] => {
  const audit = run.document.audit?.stacks ?? {}
  const properties = Object.keys(audit).filter((property) => IMPLEMENTATION.test(property))
  return run.scenario.stacks.flatMap(({ name }) => {
    const known = properties.flatMap((property) => {
      const value = audit[property]?.[name]
      return value === undefined ? [] : [`${property} ${words(value)}`]
    })
    return known.length === 0 ? [] : [`${name}: ${known.join('; ')}.`]
  })
}
