/** A client's connection to a broker that is a library in the same process: no socket, but a stream of Node between the two. */
import { Duplex } from 'node:stream'
import { monotonic } from '../../core/clock.ts'
import type { Cause, Lower, Traffic } from '../../core/layer.ts'
import type { BrokerSide } from './broker-side.ts'

const CLOSED: Cause = { code: 'closed', detail: 'the broker ended the connection' }

export class BrokerStream extends Duplex implements Lower {
  readonly traffic: Traffic
  readonly #above: BrokerSide
  /** The broker has not read what it was given: the client is told to wait. */
  #full = false
  /** A refused `fromAbove`: `ready` is owed. */
  #refused = false
  /** Either end has closed it. */
  #over = false

  /** The connection is open when this returns. */
  constructor(above: BrokerSide, traffic: Traffic) {
    // As with TCP: when the client has said all, and it has been read, the connection is over.
    super({ allowHalfOpen: false })
    this.traffic = traffic
    this.#above = above
    above.below = this
    above.open(monotonic())
  }

  fromAbove(bytes: Uint8Array): boolean {
    if (this.#over) return false
    if (this.#full) {
      this.#refused = true
      return false
    }
    this.traffic.sentBytes += bytes.length
    this.traffic.sentCalls++
    this.#full = !this.push(new Uint8Array(bytes))
    return true
  }

  close(): void {
    if (this.#over) return
    this.#over = true
    this.push(null)
  }

  override _read(): void {
    this.#full = false
    if (!this.#refused) return
    this.#refused = false
    this.#above.ready(monotonic())
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    // A copy: packet identifiers are changed in place, and brokers write the same bytes to many, and keep them.
    this.#hand(new Uint8Array(bytes))
    done()
  }

  /** The parts in which a packet is written, and packets of one turn, come as one piece. */
  override _writev(parts: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.#hand(Buffer.concat(parts.map(({ chunk }) => chunk)))
    done()
  }

  override _final(done: () => void): void {
    this.#end()
    this.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#end()
    done(error)
  }

  #hand(bytes: Uint8Array): void {
    if (this.#over) return
    this.traffic.receivedBytes += bytes.length
    this.traffic.receivedCalls++
    this.#above.fromBelow(bytes, monotonic())
  }

  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#above.closed(CLOSED, monotonic())
  }
}
