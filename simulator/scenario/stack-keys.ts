/** The keys of a stack's mapping, as one table: what each means, what it may be, what it is when it is absent. */
import type {
  Catalogue,
  Client,
  OptionRule,
  ProtocolOptions,
  Reliability,
  ScalarOptionRule,
  Via,
} from '../core/types.ts'
import { formatQuantity } from '../core/units.ts'
import { bulkCarriage } from './bulk-keys.ts'
import {
  defaulted,
  optional,
  record,
  required,
  section,
  type Field,
  type Fields,
} from './containers.ts'
import { located, planned, scalarOr, type Rule } from './rule.ts'
import { choice, flag, integer, name, pattern, quantity } from './scalars.ts'
import { quic } from './quic-keys.ts'
import { server } from './server-keys.ts'
import { dtls, tcp, tls } from './transport-keys.ts'

export const RELIABILITY: Rule<Reliability> = choice<Reliability>([
  'best-effort',
  'acknowledged',
  'exactly-once',
])

const scalarField = (
  rule: ScalarOptionRule,
  later: Readonly<Record<string, string>>,
): Field<unknown> => {
  const { help } = rule
  switch (rule.type) {
    case 'choice':
      return defaulted(help, choice(rule.allowed, { later }), rule.default)
    case 'duration':
      return defaulted(help, quantity('duration', 0), formatQuantity(rule.default, 'duration'))
    case 'size':
      return defaulted(
        help,
        quantity('size', rule.least, rule.most),
        formatQuantity(rule.default, 'size'),
      )
    case 'integer':
      return defaulted(help, integer(rule.least, rule.most), rule.default)
    case 'boolean': {
      const [value, instead] = Object.entries(later)[0] ?? []
      const planned = instead === undefined ? undefined : { value: value === 'true', instead }
      return defaulted(help, flag(planned), rule.default)
    }
    case 'text': {
      const word = pattern(rule.pattern, rule.allowed)
      return rule.default === null ? optional(help, word) : defaulted(help, word, rule.default)
    }
    default:
      return rule satisfies never
  }
}

const optionField = (rule: OptionRule, later: Readonly<Record<string, string>>): Field<unknown> =>
  rule.type === 'mapping'
    ? optional(
        rule.help,
        record(
          Object.fromEntries(
            Object.entries(rule.fields).map(([key, field]) => [key, scalarField(field, {})]),
          ),
        ),
      )
    : scalarField(rule, later)

/** A level of MQTT that has a name for all protocols. */
const QOS = { qos: 'reliability, in the workload or in the stack' }

/** The keys of one protocol's mapping; a planned `key: value` is one value of a key that is there. */
export const protocolField = (protocol: string, catalogue: Catalogue): Field<ProtocolOptions> => {
  const later = (catalogue.plannedOptions[protocol] ?? []).map((one) => one.split(': '))
  const keys = Object.entries(catalogue.options[protocol] ?? {}).map(([key, rule]) => {
    const values = later.filter(([k, value]) => k === key && value !== undefined)
    const instead = rule.type === 'mapping' ? 'Leave it out.' : `Use ${String(rule.default)}.`
    return [
      key,
      optionField(rule, Object.fromEntries(values.map(([, v]) => [v, instead]))),
    ] as const
  })
  const absent = later
    .filter(([, value]) => value === undefined)
    .map(([key = '']) => [key, optional('', planned('Leave it out.'))] as const)
  const fields: Fields = Object.fromEntries([...keys, ...absent])
  return section(`Options of ${protocol}.`, record(fields, QOS) as Rule<ProtocolOptions>)
}

export const stackFields = (catalogue: Catalogue) => ({
  stack: required('Which stack: a name of "thingbench list stacks".', stackName(catalogue)),
  name: optional('Its name in every result; default: the name of the stack.', located(name)),
  broker: optional(
    'Which server; default: the first that serves the stack.',
    located(choice(catalogue.brokers.map((broker) => broker.name))),
  ),
  reliability: optional("Overrides the workload's reliability.", RELIABILITY),
  client: defaulted(
    "Whose client sessions: thingbench's own lean ones, or those of the client library that users know.",
    located(choice<Client>(['lean', 'reference'])),
    'lean',
  ),
  auth: defaulted(
    'Who shows what in TLS: the server a certificate; both ends a certificate (x509); or both know a key (psk).',
    located(choice(['server', 'x509', 'psk'] as const)),
    'server',
  ),
  via: optional(
    'Whether a front end stands before the server; default: only where this server itself cannot do it.',
    located(choice<Via>(['direct', 'front-end'])),
  ),
  tls: section('TLS options.', tls),
  dtls: section('DTLS options.', dtls),
  tcp: section('TCP options.', tcp),
  bulk: optional("How it sends the workload's large messages (bulk).", bulkCarriage),
  server: optional('Limits of the server, which runs in a container then.', server),
  quic: section('QUIC options.', quic),
  payload_protection: defaulted(
    'End-to-end protection of payloads.',
    scalarOr(
      choice(['none'], {
        later: Object.fromEntries(
          ['abe-cp', 'abe-kp', 'omemo', 'openpgp'].map((scheme) => [scheme, 'Use none.']),
        ),
      }),
      planned('Use none.') as Rule<'none'>,
    ),
    'none',
  ),
  object_security: defaulted(
    'Protection of CoAP messages themselves.',
    choice(['none'], { later: { oscore: 'Use none, or the stack coap-dtls-psk.' } }),
    'none',
  ),
})

/** What the mapping of one stack says; `protocolOptions` are the keys of its own protocol. */
export type StackKeys =
  ReturnType<typeof stackFields> extends infer F
    ? { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never } & {
        readonly protocolOptions: ProtocolOptions
      }
    : never

export const stackName = (catalogue: Catalogue): Rule<string> => {
  const names = catalogue.stacks.map((stack) => stack.name)
  const later = catalogue.plannedStacks.map((planned) => {
    const family = planned.split('-')[0] ?? ''
    const near = names.filter((one) => one.startsWith(`${family}-`))
    return [planned, `Use ${(near.length > 0 ? near : names).join(' or ')}.`]
  })
  return choice(names, { later: Object.fromEntries(later) as Record<string, string> })
}
