/**
 * The fairness audit: what differs between the stacks besides what the scenario asks for, and what is the same for all.
 * It is collected from the cells as they ran, not from what was configured.
 */
import type { BrokerProduct } from '../brokers/broker.ts'
import { brokerNamed } from '../brokers/catalogue.ts'
import type { Cell, ServerLimits, Stack } from '../core/types.ts'
import { formatQuantity } from '../core/units.ts'
import { messagesOf } from '../core/workload.ts'
import { hearsOf } from '../fleet/hears.ts'
import { holdsCanary } from '../fleet/payload.ts'
import { clientWords } from '../fleet/reference/packages.ts'
import { PROTOCOLS, adapterOf } from '../protocols/index.ts'
import type { CellResult } from './cell.ts'
import { frontEndProperties, frontEndWords, quicProperties } from './quic-audit.ts'
import { silenceWords } from './silence-audit.ts'
import { tcpProperties } from './tcp-audit.ts'
import { tlsProperties } from './tls-audit.ts'

export interface AuditJson {
  /** Property -> stack -> what it was; several values in one run are joined by " | ". */
  readonly stacks: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** TCP settings of both namespaces, as they were read back. What differs between cells, such as what a stack asks of TCP, is joined too. */
  readonly tcp: Readonly<Record<string, string>>
  /** `<link> <devices> r<repetition>` -> channel digest, and whether all stacks met the same channel. */
  readonly channels: Readonly<Record<string, string>>
  readonly channels_agree: boolean
  /** How the neutral verbs map to each protocol. */
  readonly mapping: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** Between several values of one property in one run. */
const SEPARATOR = ' | '

type Sets = Map<string, Set<string>>

const parted = (joined: Readonly<Record<string, string>>): Sets =>
  new Map(Object.entries(joined).map(([key, text]) => [key, new Set(text.split(SEPARATOR))]))

const joined = (sets: Sets): Record<string, string> =>
  Object.fromEntries([...sets].map(([key, values]) => [key, [...values].join(SEPARATOR)]))

/** The keys of the stack's own protocol, as a scenario would write them. */
const optionProperties = ({ protocol, options }: Stack): Record<string, string> => {
  const rules = PROTOCOLS.find(({ adapter }) => adapter.name === protocol)?.options
  const text = (key: string, value: string | number | boolean): string =>
    rules?.[key]?.type === 'duration' ? formatQuantity(Number(value), 'duration') : String(value)
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [`${protocol}.${key}`, text(key, value)]),
  )
}

const limitProperties = (limits: ServerLimits | undefined): Record<string, string> => {
  if (limits === undefined) return {}
  const { memory, cpu } = limits
  const parts = [
    ...(memory === null ? [] : [`${formatQuantity(memory, 'size')} of memory`]),
    ...(cpu === null ? [] : [`${formatQuantity(cpu, 'ratio')} of its processor`]),
  ]
  return { 'server limits': parts.join(', ') || 'none' }
}

/** Of a first connection, which has no ticket yet: what came of tickets later, `tlsProperties` and `quicProperties` say. */
const handshake = (negotiated: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(negotiated).filter(([key]) => !OF_TICKETS.has(key)))
const OF_TICKETS: ReadonlySet<string> = new Set(['resumed', 'early'])

const productProperties = (
  { name, audit }: BrokerProduct,
  { via, security }: Stack,
): Record<string, string> => {
  // Behind a front end neither is in use, and QUIC has a TLS of its own.
  const own = security === 'quic' ? 'QUIC' : 'TLS'
  const used = Object.entries(audit).filter(
    ([key]) => !/^(TLS|QUIC)/.test(key) || (via === 'direct' && key.startsWith(own)),
  )
  return Object.fromEntries(used.map(([key, value]) => [`${name}: ${key}`, value]))
}

const plainText = ({ workload, devices }: Cell, { link }: CellResult): Record<string, string> => {
  const messages = messagesOf(workload)
  if (messages === null) return {}
  return {
    'payload seen in plain text': holdsCanary(messages.payload)
      ? `${link.plaintextDevices} of ${devices} devices`
      : 'not looked for: the payload is too short',
  }
}

export class Audit {
  readonly #stacks = new Map<string, Sets>()
  readonly #channels: Sets = new Map()
  readonly #mapping = new Map<string, Readonly<Record<string, string>>>()
  readonly #tcp: Sets = new Map()

  /** @param earlier what was collected before the run was interrupted */
  constructor(earlier: AuditJson | null = null) {
    if (earlier === null) return
    for (const [property, row] of Object.entries(earlier.stacks))
      this.#stacks.set(property, parted(row))
    this.#channels = parted(earlier.channels)
    this.#mapping = new Map(Object.entries(earlier.mapping))
    this.#tcp = parted(earlier.tcp)
  }

  /** @param certificateBytes DER bytes of the server's certificate chain */
  add(cell: Cell, result: CellResult, certificateBytes: number): void {
    const { stack } = cell
    const broker = brokerNamed(stack.broker)
    for (const [name, value] of Object.entries(result.sysctls))
      this.#tcp.set(name, (this.#tcp.get(name) ?? new Set()).add(value))
    const { mapping, speech } = adapterOf(stack.protocol)
    this.#mapping.set(stack.protocol, { ...mapping, ...(hearsOf(cell.workload) ? speech : {}) })
    const channel = `${cell.link.name} ${cell.devices} r${cell.repetition}`
    this.#channels.set(
      channel,
      (this.#channels.get(channel) ?? new Set()).add(result.link.channelDigest),
    )
    const properties: Record<string, string> = {
      server: `${broker.title} ${result.brokerVersion}`,
      'server runs as': result.brokerRuntime,
      ...limitProperties(stack.server),
      'front end': frontEndWords(stack),
      hops: String(broker.hops + (stack.via === 'front-end' ? 1 : 0)),
      client: clientWords(stack),
      reliability: stack.reliability,
      acknowledgement: mapping.acknowledgement,
      ...(stack.carrier === 'stream'
        ? tcpProperties(stack.tcp, result.fleet.tcp, result.sysctls)
        : {}),
      'what ends a connection without answers': silenceWords(stack, result.sysctls),
      ...handshake(result.fleet.negotiated),
      ...optionProperties(stack),
      ...tlsProperties(stack, result.fleet, certificateBytes),
      ...quicProperties(stack, result.fleet, certificateBytes),
      ...productProperties(broker, stack),
      ...frontEndProperties(stack),
      ...plainText(cell, result),
    }
    for (const [property, value] of Object.entries(properties)) {
      const row = this.#stacks.get(property) ?? new Map<string, Set<string>>()
      this.#stacks.set(property, row)
      row.set(stack.name, (row.get(stack.name) ?? new Set()).add(value))
    }
  }

  toJSON(): AuditJson {
    return {
      stacks: Object.fromEntries(
        [...this.#stacks].map(([property, row]) => [property, joined(row)]),
      ),
      tcp: joined(this.#tcp),
      channels: joined(this.#channels),
      channels_agree: [...this.#channels.values()].every((digests) => digests.size === 1),
      mapping: Object.fromEntries(this.#mapping),
    }
  }
}
