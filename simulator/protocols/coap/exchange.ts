/** One confirmable request on its way: the datagram to repeat, and when (RFC 7252 section 4.2). */
import type { Nanoseconds } from '../../core/clock.ts'
import type { Transmission } from './options.ts'
import { RANDOM_FACTOR } from './options.ts'

export class Exchange {
  id = 0
  /** The device's number of the message, or REGISTRATION. */
  sequence = 0
  /** Copies handed to the layer below, or lost because it was full. */
  copies = 0
  timeout: Nanoseconds = 0
  deadline: Nanoseconds = 0
  startedAt: Nanoseconds = 0
  /** An empty ACK came: a separate response follows, nothing is sent again (section 5.2.2). */
  awaitsResponse = false
  datagram = new Uint8Array(0)
}

/** The sequence of the registration request. */
export const REGISTRATION = -1

const idle: Exchange[] = []

/** An exchange whose `datagram` has exactly `length` bytes, contents undefined. */
export const takeExchange = (length: number): Exchange => {
  const exchange = idle.pop() ?? new Exchange()
  if (exchange.datagram.length !== length) exchange.datagram = new Uint8Array(length)
  return exchange
}

export const releaseExchange = (exchange: Exchange): void => {
  idle.push(exchange)
}

/** Starts the clock of the first copy; `uniform` in [0, 1) chooses the timeout between ACK_TIMEOUT and 1.5 times that. */
export const startExchange = (
  exchange: Exchange,
  transmission: Transmission,
  uniform: number,
  now: Nanoseconds,
): void => {
  exchange.copies = 1
  exchange.awaitsResponse = false
  exchange.startedAt = now
  exchange.timeout = transmission.ackTimeout * (1 + (RANDOM_FACTOR - 1) * uniform)
  exchange.deadline = now + exchange.timeout
}

/**
 * At the deadline: true when another copy is due (counted, deadline moved), false when the exchange has failed: the wait
 * after the last copy is over (MAX_TRANSMIT_WAIT, section 4.8.2), or no separate response came.
 */
export const retransmits = (
  exchange: Exchange,
  transmission: Transmission,
  now: Nanoseconds,
): boolean => {
  if (exchange.awaitsResponse || exchange.copies > transmission.maxRetransmit) return false
  exchange.copies++
  exchange.timeout *= 2
  exchange.deadline = now + exchange.timeout
  return true
}

/**
 * An empty ACK came. RFC 7252 sets no limit to the wait for the response; ours is EXCHANGE_LIFETIME, because until then the
 * message ID, which is the token, stays unique.
 */
export const awaitResponse = (exchange: Exchange, transmission: Transmission): void => {
  exchange.awaitsResponse = true
  exchange.deadline = exchange.startedAt + transmission.exchangeLifetime
}
