/** Which stacks the client libraries that users know can run, and which npm package that is. Light: it loads none of them. */
import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import type { OptionRule, Stack, Workload } from '../../core/types.ts'
import { absencesOf } from '../../core/workload.ts'
import { isAbrupt } from '../absence-plan.ts'
import { hearsOf } from '../hears.ts'

/** Stack of the catalogue -> package. */
const PACKAGES: Readonly<Record<string, string>> = {
  'mqtt-tcp': 'mqtt',
  'mqtt-tls': 'mqtt',
  'mqtt-ws': 'mqtt',
  'mqtt-wss': 'mqtt',
}

/** Keys of `mqtt:` that the session over the package knows; of others it takes the default only. */
const OPTIONS = new Set(['version', 'keepalive'])

/** The package that is the reference client of the catalogue's stack `kind`; null: it has none. */
export const referencePackage = (kind: string): string | null =>
  Object.hasOwn(PACKAGES, kind) ? (PACKAGES[kind] as string) : null

/** The client of a stack, in words, with its exact version. */
export const clientWords = ({ client, kind }: Pick<Stack, 'client' | 'kind'>): string => {
  const name = referencePackage(kind)
  if (client === 'lean' || name === null) return 'lean'
  const file = findPackageJSON(name, import.meta.url)
  const { version } = JSON.parse(readFileSync(file ?? '', 'utf8')) as { readonly version: string }
  return `reference (${name} ${version})`
}

/**
 * What of the stack the reference client cannot do, in words; null: it can do all.
 * @param rules of the options of the stack's protocol: one that has its default is not asked for
 */
export const beyondReference = (
  { client, tcp, tls, options }: Pick<Stack, 'client' | 'tcp' | 'tls' | 'options'>,
  rules: Readonly<Record<string, OptionRule>>,
  workload: Workload,
): string | null => {
  if (client === 'lean') return null
  if (hearsOf(workload) !== null) return `${workload.kind}: it only sends`
  const absences = absencesOf(workload)
  if (absences !== null && isAbrupt(absences))
    return 'connections that end without a word: Node closes a socket in order'
  if ('bulk' in workload && workload.bulk !== undefined)
    return 'large messages: it sends whole ones alone'
  if (tcp.notsentLowat !== null) return 'TCP_NOTSENT_LOWAT: Node has no way to ask for it'
  if (tcp.userTimeout !== null) return 'TCP user timeout: Node has no way to ask for it'
  if (tcp.keepalive !== null) return 'TCP keep-alive at an interval of ours: Node takes 1 s'
  if (tls !== null && tls.auth !== 'server') return `auth: ${tls.auth}`
  if (tls?.resumption === true) return 'TLS resumption'
  const isDefault = (key: string): boolean => {
    const rule = rules[key]
    return rule !== undefined && rule.type !== 'mapping' && rule.default === options[key]
  }
  const other = Object.keys(options).find((key) => !OPTIONS.has(key) && !isDefault(key))
  return other === undefined ? null : `option ${other}`
}
