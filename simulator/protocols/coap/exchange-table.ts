/** The confirmable requests of one device that are neither answered nor given up. */
import type { Nanoseconds } from '../../core/clock.ts'
import { NEVER } from '../../core/clock.ts'
import { awaitResponse, type Exchange, releaseExchange } from './exchange.ts'
import type { Transmission } from './options.ts'

export class ExchangeTable {
  /** Exchanges that count for NSTART: neither acknowledgement nor response yet (RFC 7252 section 4.7). */
  interactions = 0
  /** No exchange is due before this. May be early after an answer, which spares a search on every answer: `expire` puts it right. */
  nextDue: Nanoseconds = NEVER
  readonly #byId = new Map<number, Exchange>()

  get size(): number {
    return this.#byId.size
  }

  /** In the order in which they began. An exchange that is added meanwhile is visited too. */
  values(): Iterable<Exchange> {
    return this.#byId.values()
  }

  get(id: number): Exchange | undefined {
    return this.#byId.get(id)
  }

  add(exchange: Exchange): void {
    this.#byId.set(exchange.id, exchange)
    this.interactions++
    this.noteDeadline(exchange)
  }

  /** Takes the deadline of an exchange into `nextDue`, if the exchange is still here. */
  noteDeadline(exchange: Exchange): void {
    if (exchange.deadline < this.nextDue && this.#byId.get(exchange.id) === exchange)
      this.nextDue = exchange.deadline
  }

  /** An empty ACK came: the exchange waits for its separate response. */
  awaitResponse(exchange: Exchange, transmission: Transmission): void {
    awaitResponse(exchange, transmission)
    this.interactions--
    this.noteDeadline(exchange)
  }

  /** The exchange is over; its object must not be used any more. */
  remove(exchange: Exchange): void {
    this.#byId.delete(exchange.id)
    if (!exchange.awaitsResponse) this.interactions--
    if (this.#byId.size === 0) this.nextDue = NEVER
    releaseExchange(exchange)
  }

  clear(): void {
    for (const exchange of this.#byId.values()) releaseExchange(exchange)
    this.#byId.clear()
    this.interactions = 0
    this.nextDue = NEVER
  }
}
