/** Stacks of a scenario: a name, or a mapping that overrides parts of one; and the resolved `Stack`. */
import type { Catalogue, ProtocolOptions, Reliability, Stack, StackEntry } from '../core/types.ts'
import { TLS_CIPHERS, TLS_PSK_CIPHERS } from './ciphers.ts'
import { record } from './containers.ts'
import type { Spot } from './problem.ts'
import type { RawMapping, RawNode } from './read.ts'
import { scalarOr, type Rule } from './rule.ts'
import {
  brokerOf,
  checkAuth,
  checkBroker,
  checkCipher,
  checkClient,
  checkName,
  checkOptions,
  checkVia,
  misplacedKeys,
  viaOf,
} from './stack-checks.ts'
import { protocolField, stackFields, stackName, type StackKeys } from './stack-keys.ts'

/** A stack as the file asks for it, before the workload's reliability is known. */
export interface WantedStack {
  readonly entry: StackEntry
  readonly keys: StackKeys
  readonly place: Spot & { readonly path: string }
}

/** One item of `stacks`: a name, or a mapping that overrides parts of one. */
export const stackRule = (catalogue: Catalogue): Rule<WantedStack> => {
  const protocols = new Set([
    ...Object.keys(catalogue.options),
    ...Object.keys(catalogue.plannedOptions),
  ])
  const perProtocol = [...protocols].map((one) => [one, protocolField(one, catalogue)] as const)
  const fields = { ...stackFields(catalogue), ...Object.fromEntries(perProtocol) }
  const keysRule = record(fields, { qos: 'reliability', cipher: 'tls.cipher', kind: 'stack' })
  const mapping: Rule<WantedStack> = {
    schema: keysRule.schema,
    read(node, path, problems) {
      const values = keysRule.read(node, path, problems)
      const entry = catalogue.stacks.find((stack) => stack.name === values?.stack)
      if (!values || !entry || node.kind !== 'mapping') return undefined
      const protocolOptions = (values as Record<string, unknown>)[entry.protocol] ?? {}
      const keys = { ...values, protocolOptions } as StackKeys
      misplacedKeys(node, path, entry, catalogue, problems)
      checkBroker(keys, entry, catalogue, problems)
      checkOptions(node, path, entry, keys, catalogue, problems)
      checkClient(keys, entry, catalogue, problems)
      checkCipher(keys, problems)
      checkVia(keys, entry, catalogue, problems)
      checkAuth(keys, entry, catalogue, problems)
      checkName(keys, entry, catalogue, problems)
      return { entry, keys, place: { path, line: node.line, column: node.column } }
    },
  }
  const byName: Rule<WantedStack> = {
    schema: stackName(catalogue).schema,
    read(node, path, problems) {
      const found = stackName(catalogue).read(node, path, problems)
      return found === undefined ? undefined : mapping.read(onlyStack(node), path, problems)
    },
  }
  return scalarOr(byName, mapping)
}

const onlyStack = (node: RawNode): RawMapping => ({
  kind: 'mapping',
  entries: new Map([['stack', { key: node, value: node }]]),
  line: node.line,
  column: node.column,
})

/** Without the keys that are not there, and flat: a mapping's values are `key.field`. */
const given = (options: Readonly<Record<string, unknown>>): ProtocolOptions =>
  Object.fromEntries(
    Object.entries(options)
      .filter(([, value]) => value !== undefined)
      .flatMap(([key, value]) =>
        typeof value === 'object' && value !== null
          ? Object.entries(value).map(([field, inner]) => [`${key}.${field}`, inner] as const)
          : [[key, value] as const],
      ),
  ) as ProtocolOptions

const defaultCipher = ({ auth, tls }: StackKeys): string =>
  (auth.value === 'psk' ? TLS_PSK_CIPHERS : TLS_CIPHERS)[tls.version][0]

export const resolveStack = ({ entry, keys }: WantedStack, reliability: Reliability): Stack => ({
  name: keys.name?.value ?? entry.name,
  kind: entry.name,
  protocol: entry.protocol,
  carrier: entry.carrier,
  framing: entry.framing,
  security: entry.security,
  broker: brokerOf(keys, entry),
  via: viaOf(keys, entry),
  client: keys.client.value,
  reliability: keys.reliability ?? reliability,
  tls:
    entry.security === 'tls'
      ? {
          version: keys.tls.version,
          group: keys.tls.group.value,
          cipher: keys.tls.cipher?.value ?? defaultCipher(keys),
          auth: keys.auth.value,
          resumption: keys.tls.resumption.value,
          earlyData: keys.tls.early_data.value,
        }
      : null,
  dtls: entry.security === 'dtls-psk' ? keys.dtls : null,
  quic: entry.security === 'quic' ? keys.quic : null,
  tcp: keys.tcp,
  options: given(keys.protocolOptions),
  ...(keys.bulk !== undefined && { bulk: keys.bulk }),
  ...(keys.server !== undefined && { server: keys.server }),
})
