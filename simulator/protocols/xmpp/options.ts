/** The keys of a stack's `xmpp:` mapping, and what a session reads from them. */
import type { Random } from '../../core/random.ts'
import type { OptionRule, ProtocolOptions } from '../../core/types.ts'
import { Plain, type Mechanism } from './sasl.ts'
import { nonceFrom, ScramSha256 } from './scram.ts'

export const xmppOptions: Readonly<Record<string, OptionRule>> = {
  sasl: {
    type: 'choice',
    allowed: ['SCRAM-SHA-256', 'PLAIN'],
    default: 'SCRAM-SHA-256',
    help: 'SASL mechanism of devices and consumer: SCRAM-SHA-256 takes one round trip more than PLAIN and never shows the password',
  },
  stream_management: {
    type: 'boolean',
    default: true,
    help: 'with reliability acknowledged: XEP-0198, an acknowledgement asked for after each message, without resumption; best-effort never uses it',
  },
  pipelining: {
    type: 'boolean',
    default: false,
    help: 'send the steps of the log-in without waiting for answers (XEP-0305)',
  },
  path: {
    type: 'choice',
    allowed: ['message'],
    default: 'message',
    help: 'how reports travel: message stanzas to the bare JID of the consumer',
  },
}

/** Values of keys that have no engine yet. */
export const xmppPlannedOptions: readonly string[] = [
  'path: pubsub',
  'pipelining: true',
  'stream_management: false',
]

export interface Account {
  /** The localpart of the JID. */
  readonly username: string
  /** The domainpart. */
  readonly domain: string
  readonly password: string
  readonly options: ProtocolOptions
  readonly random: Random
}

/** @throws Error for what is only planned: the scenario reader lets none through. */
export const mechanismOf = ({ username, password, options, random }: Account): Mechanism => {
  if (options.pipelining === true) throw new Error('xmpp pipelining: true has no engine yet')
  if (options.stream_management === false)
    throw new Error('xmpp stream_management: false has no engine yet')
  return options.sasl === 'PLAIN'
    ? new Plain(username, password)
    : new ScramSha256(username, password, nonceFrom(random))
}
