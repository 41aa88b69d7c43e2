/** The `coap:` keys of a scenario's stack, and the transmission parameters that follow from them (RFC 7252 section 4.8). */
import type { Nanoseconds } from '../../core/clock.ts'
import { SECOND } from '../../core/clock.ts'
import type { OptionRule, ProtocolOptions } from '../../core/types.ts'

export const coapOptions = {
  path: {
    type: 'choice',
    allowed: ['push'],
    default: 'push',
    help: 'push: devices send requests to the server that is the consumer',
  },
  nstart: {
    type: 'integer',
    least: 0,
    most: 65535,
    default: 1,
    help: 'NSTART (RFC 7252 section 4.7): interactions outstanding at a time per device; 0: unlimited',
  },
  ack_timeout: {
    type: 'duration',
    default: 2 * SECOND,
    help: 'ACK_TIMEOUT (RFC 7252 section 4.8): the first retransmission follows after 1 to 1.5 times this',
  },
  max_retransmit: {
    type: 'integer',
    least: 0,
    most: 10,
    default: 4,
    help: 'MAX_RETRANSMIT (RFC 7252 section 4.8): copies of a confirmable message after the first',
  },
} as const satisfies Record<string, OptionRule>

/** What the scenario format knows and no engine carries yet. */
export const coapPlannedOptions: readonly string[] = ['block', 'path: observe']

/** ACK_RANDOM_FACTOR. */
export const RANDOM_FACTOR = 1.5
/** MAX_LATENCY (section 4.8.2). */
const MAX_LATENCY = 100 * SECOND

/** Transmission parameters, and the times derived from them (section 4.8.2). */
export interface Transmission {
  /** Infinity: unlimited. */
  readonly nstart: number
  readonly ackTimeout: Nanoseconds
  readonly maxRetransmit: number
  /** EXCHANGE_LIFETIME: how long the message ID of a CON stays taken; 247 s by default. */
  readonly exchangeLifetime: Nanoseconds
  /** NON_LIFETIME: the same for a NON; 145 s by default. */
  readonly nonLifetime: Nanoseconds
}

/** The parameters that a stack's options ask for. */
export const transmissionOf = (options: ProtocolOptions): Transmission => {
  const nstart = Number(options['nstart'] ?? coapOptions.nstart.default)
  const ackTimeout = Number(options['ack_timeout'] ?? coapOptions.ack_timeout.default)
  const maxRetransmit = Number(options['max_retransmit'] ?? coapOptions.max_retransmit.default)
  const maxTransmitSpan = ackTimeout * (2 ** maxRetransmit - 1) * RANDOM_FACTOR
  return {
    nstart: nstart === 0 ? Infinity : nstart,
    ackTimeout,
    maxRetransmit,
    // PROCESSING_DELAY is set to ACK_TIMEOUT (section 4.8.2).
    exchangeLifetime: maxTransmitSpan + 2 * MAX_LATENCY + ackTimeout,
    nonLifetime: maxTransmitSpan + MAX_LATENCY,
  }
}
