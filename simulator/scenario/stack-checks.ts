/** What must fit together within one stack's mapping. */
import type { Catalogue, StackEntry, TlsAbilities, Via } from '../core/types.ts'
import { HYBRID, TLS_CIPHERS, TLS_PSK_CIPHERS } from './ciphers.ts'
import type { Problems } from './problem.ts'
import type { RawMapping } from './read.ts'
import type { StackKeys } from './stack-keys.ts'

/** Which stacks a key of the mapping can be for; a key that is not here is for all. */
const suits = (key: string, stack: StackEntry, catalogue: Catalogue): boolean => {
  if (key === 'tls' || key === 'auth') return stack.security === 'tls'
  if (key === 'dtls') return stack.security === 'dtls-psk'
  if (key === 'quic') return stack.security === 'quic'
  if (key === 'tcp') return stack.carrier === 'stream'
  return !Object.hasOwn(catalogue.options, key) || stack.protocol === key
}

export const misplacedKeys = (
  node: RawMapping,
  path: string,
  entry: StackEntry,
  catalogue: Catalogue,
  problems: Problems,
): void => {
  for (const [key, { key: spot }] of node.entries) {
    if (suits(key, entry, catalogue)) continue
    const where = catalogue.stacks.filter((stack) => suits(key, stack, catalogue))
    problems.add(spot, `${path}.${key}`, {
      found: `"${key}" on ${entry.name}, which has no use for it`,
      allowed: `"${key}" on ${where.map((stack) => stack.name).join(', ')}`,
    })
  }
}

export const checkBroker = (
  keys: StackKeys,
  entry: StackEntry,
  catalogue: Catalogue,
  problems: Problems,
): void => {
  if (keys.broker === undefined || entry.brokers.includes(keys.broker.value)) return
  const wanted = keys.broker.value
  const served = catalogue.stacks.filter((stack) => stack.brokers.includes(wanted))
  problems.add(keys.broker, keys.broker.path, {
    found: `"${wanted}", which does not serve ${entry.name}`,
    allowed: entry.brokers.join(', '),
    advice: `${wanted} serves ${served.map((stack) => stack.name).join(', ')}.`,
  })
}

/** A key that means nothing beside the value of another one would be ignored without a word. */
export const checkOptions = (
  node: RawMapping,
  path: string,
  { protocol }: StackEntry,
  keys: StackKeys,
  catalogue: Catalogue,
  problems: Problems,
): void => {
  const options = node.entries.get(protocol)?.value
  if (options?.kind !== 'mapping') return
  for (const [key, { key: spot }] of options.entries) {
    const rule = catalogue.options[protocol]?.[key]
    if (rule === undefined || rule.type === 'mapping') continue
    for (const [other, value] of Object.entries(rule.needs ?? {})) {
      const found = keys.protocolOptions[other]
      if (found === value) continue
      problems.add(spot, `${path}.${protocol}.${key}`, {
        found: `${key} with ${other}: ${found}`,
        allowed: `${key} with ${other}: ${value}`,
        advice: `Write ${other}: ${value}, or leave ${key} out.`,
      })
    }
  }
}

export const checkClient = (
  keys: StackKeys,
  entry: StackEntry,
  catalogue: Catalogue,
  problems: Problems,
): void => {
  const { client } = keys
  if (entry.clients.includes(client.value)) return
  const able = catalogue.stacks.filter((stack) => stack.clients.includes(client.value))
  problems.add(client, client.path, {
    found: `"${client.value}", which ${entry.name} does not have`,
    allowed: entry.clients.join(', '),
    advice: `${able.map((stack) => stack.name).join(', ')} ${able.length === 1 ? 'has' : 'have'} it.`,
  })
}

export const checkCipher = (keys: StackKeys, problems: Problems): void => {
  const { cipher, version } = keys.tls
  if (cipher === undefined) return
  const withKey = keys.auth.value === 'psk'
  const suites: readonly string[] = (withKey ? TLS_PSK_CIPHERS : TLS_CIPHERS)[version]
  if (suites.includes(cipher.value)) return
  problems.add(cipher, cipher.path, {
    found: `"${cipher.value}", which TLS ${version} does not have${withKey ? ' with a pre-shared key' : ''}`,
    allowed: suites.join(', '),
  })
}

export const brokerOf = ({ broker }: StackKeys, entry: StackEntry): string =>
  broker?.value ?? entry.brokers[0] ?? ''

export const viaOf = (keys: StackKeys, entry: StackEntry): Via =>
  keys.via?.value ?? entry.via[brokerOf(keys, entry)]?.[0] ?? 'direct'

export const checkVia = (
  keys: StackKeys,
  entry: StackEntry,
  catalogue: Catalogue,
  problems: Problems,
): void => {
  const { via } = keys
  const broker = brokerOf(keys, entry)
  const ways = entry.via[broker]
  if (via === undefined || ways === undefined || ways.includes(via.value)) return
  const takes = ({ via: of }: StackEntry, name: string) => of[name]?.includes(via.value) === true
  if (via.value === 'direct') {
    const able = entry.brokers.filter((name) => takes(entry, name))
    problems.add(via, via.path, {
      found: `"direct" for ${entry.name} with ${broker}, which does not speak it, so that a front end stands before it`,
      allowed: ways.join(', '),
      ...(able.length > 0 && { advice: `These speak it themselves: broker: ${able.join(', ')}.` }),
    })
    return
  }
  const able = catalogue.stacks.filter((stack) => stack.brokers.some((name) => takes(stack, name)))
  problems.add(via, via.path, {
    found: `"front-end" for ${entry.name}: the front end does not take it`,
    allowed: ways.join(', '),
    advice: `It takes ${able.map((stack) => stack.name).join(', ')}.`,
  })
}

/** What the front end can do in TLS. */
const FRONT_END: TlsAbilities = {
  auth: ['server'],
  resumption: true,
  earlyData: true,
  hybrid: true,
}

/** What the stack's server can do in TLS, and what goes together. */
export const checkAuth = (
  keys: StackKeys,
  entry: StackEntry,
  catalogue: Catalogue,
  problems: Problems,
): void => {
  if (entry.security !== 'tls') return
  const { auth, tls } = keys
  const inFront = viaOf(keys, entry) === 'front-end'
  const name = brokerOf(keys, entry)
  const server = inFront ? 'the front end' : name
  const abilities = inFront ? FRONT_END : catalogue.brokers.find((one) => one.name === name)?.tls
  if (!abilities?.auth.includes(auth.value))
    problems.add(auth, auth.path, {
      found: `"${auth.value}", which ${server} does not have`,
      allowed: abilities?.auth.join(', ') ?? 'nothing',
    })
  checkGroup(tls, abilities?.hybrid === true, server, problems)
  const elsewhere = entry.via[name]?.includes('front-end') ? 'The front end takes it: via: front-end.' : 'Leave it out.' // prettier-ignore
  if (tls.resumption.value)
    checkResumption(keys, abilities?.resumption === true, server, elsewhere, problems)
  if (tls.early_data.value)
    checkEarlyData(tls, abilities?.earlyData === true, server, elsewhere, problems)
}

const checkResumption = (
  { auth, tls: { resumption } }: StackKeys,
  able: boolean,
  server: string,
  elsewhere: string,
  problems: Problems,
): void => {
  if (!able)
    problems.add(resumption, resumption.path, {
      found: `resumption with ${server}, which takes no session tickets`,
      allowed: 'false',
      advice: elsewhere,
    })
  else if (auth.value === 'psk')
    problems.add(resumption, resumption.path, {
      found: 'resumption of sessions with a pre-shared key',
      allowed: 'false with auth: psk',
      advice: 'A handshake with a key has no certificates that a ticket could spare.',
    })
}

const checkEarlyData = (
  { early_data: early, resumption, version }: StackKeys['tls'],
  able: boolean,
  server: string,
  elsewhere: string,
  problems: Problems,
): void => {
  if (!able)
    problems.add(early, early.path, {
      found: `early_data with ${server}, which takes none`,
      allowed: 'false',
      advice: elsewhere,
    })
  else if (version !== '1.3')
    problems.add(early, early.path, {
      found: `early_data with TLS ${version}, which does not have it`,
      allowed: 'early_data: true with version: 1.3',
    })
  else if (!resumption.value)
    problems.add(early, early.path, {
      found: 'early_data without resumption: only a connection that is resumed can have it',
      allowed: 'early_data: true with resumption: true',
      advice: 'Write resumption: true, or leave early_data out.',
    })
}

const checkGroup = (
  { group, version }: StackKeys['tls'],
  able: boolean,
  server: string,
  problems: Problems,
): void => {
  if (group.value !== HYBRID || (able && version === '1.3')) return
  problems.add(group, group.path, {
    found: able
      ? `"${HYBRID}" with TLS ${version}, which does not have it`
      : `"${HYBRID}" with ${server}, whose OpenSSL is older than 3.5`,
    allowed: 'X25519, P-256, P-384',
    advice: able ? 'TLS 1.3 has it.' : 'The front end has it: via: front-end.',
  })
}

/** A stack that bears another stack's name would make every result lie. */
export const checkName = (
  keys: StackKeys,
  entry: StackEntry,
  catalogue: Catalogue,
  problems: Problems,
): void => {
  const wanted = keys.name
  const other = wanted !== undefined && wanted.value !== entry.name
  const names = [...catalogue.stacks.map((stack) => stack.name), ...catalogue.plannedStacks]
  if (!other || !names.includes(wanted.value)) return
  problems.add(wanted, wanted.path, {
    found: `"${wanted.value}" as the name of a variant of ${entry.name}`,
    allowed: 'any name that is not the name of another stack',
    advice: `Write "${entry.name}-variant", or what makes it different.`,
  })
}
