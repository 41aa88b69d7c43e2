/** One bidirectional stream of a QUIC connection: the byte stream of the session above it. */
import type { Nanoseconds } from '../core/clock.ts'
import type { Cause, Lower, Traffic, Upper } from '../core/layer.ts'
import type { QuicheConnection } from '../native/quiche.ts'
import { READING } from '../native/quiche.ts'

/** What a stream knows of its connection. */
export interface QuicCarrier {
  /** Null when the connection is over. */
  readonly connection: QuicheConnection | null
  /** quiche was handed something: it goes out now, or at the end of the call that runs. */
  flush(now: Nanoseconds): void
  /** The peer ended the stream, or it failed. The stream has not told the session above. */
  streamEnded(stream: QuicStream, cause: Cause, now: Nanoseconds): void
  /** Nothing is left to be sent on a stream that was closed from above. */
  streamFinished(stream: QuicStream): void
}

/** Stream bytes as quiche hands them on; valid during one call. */
const input = new Uint8Array(65536)
const NOTHING = new Uint8Array(0)

export class QuicStream implements Lower {
  readonly id: number
  readonly traffic: Traffic
  above!: Upper
  readonly #carrier: QuicCarrier
  /** What was taken and fits neither the congestion window nor the peer's flow control yet. */
  #kept: Uint8Array | null = null
  /** Whether the layer above waits for `ready`. */
  #blocked = false
  /** Closed from above, or by the peer. */
  #over = false
  #paused = false

  constructor(carrier: QuicCarrier, id: number, traffic: Traffic) {
    this.#carrier = carrier
    this.id = id
    this.traffic = traffic
  }

  fromAbove(bytes: Uint8Array, now: Nanoseconds): boolean {
    if (this.#over || this.#carrier.connection === null) return false
    if (this.#kept !== null) {
      this.#blocked = true
      return false
    }
    if (bytes.length === 0) return true
    const taken = this.#give(bytes, now)
    if (taken < 0) return false
    if (taken < bytes.length) this.#kept = new Uint8Array(bytes.subarray(taken))
    this.traffic.sentBytes += bytes.length
    this.traffic.sentCalls++
    this.#carrier.flush(now)
    return true
  }

  /** FIN follows the bytes that were taken; what the peer still sends is not wanted. The connection goes on. */
  close(now: Nanoseconds): void {
    if (this.#over) return
    this.#over = true
    const { connection } = this.#carrier
    if (connection === null) return
    ignoringFailure(() => connection.streamShutdown(this.id, READING, 0))
    if (this.#kept === null) this.#finish(connection)
    this.#carrier.flush(now)
  }

  /** The layer above takes nothing now: what comes stays in quiche, until the peer may not send more (RFC 9000 section 4.1). */
  pause(): void {
    this.#paused = true
  }

  resume(now: Nanoseconds): void {
    if (!this.#paused) return
    this.#paused = false
    this.read(now)
    this.#carrier.flush(now)
  }

  /** The layer above hears why it is over; unless it closed the stream itself. */
  end(cause: Cause, now: Nanoseconds): void {
    const { connection } = this.#carrier
    if (this.#over) return
    this.#over = true
    if (connection !== null) this.#finish(connection)
    this.above.closed(cause, now)
  }

  /** quiche has bytes of it. */
  read(now: Nanoseconds): void {
    for (;;) {
      const { connection } = this.#carrier
      if (connection === null || this.#over || this.#paused) return
      let got: readonly [number, boolean] | null
      try {
        got = connection.streamRecv(this.id, input)
      } catch (error) {
        return this.#carrier.streamEnded(this, failed(error), now)
      }
      if (got === null) return
      const [length, fin] = got
      if (length > 0) this.#deliver(length, now)
      if (fin && !this.#over) return this.#carrier.streamEnded(this, FINISHED, now)
    }
  }

  /** There may be room again. */
  drain(now: Nanoseconds): void {
    const { connection } = this.#carrier
    if (this.#kept === null || connection === null) return
    const taken = this.#give(this.#kept, now)
    if (taken < 0) return
    this.#kept = taken < this.#kept.length ? this.#kept.subarray(taken) : null
    if (this.#kept !== null) return
    if (this.#over) this.#finish(connection)
    else if (this.#blocked) {
      this.#blocked = false
      this.above.ready(now)
    }
  }

  /** How many bytes quiche took; -1: the stream has ended. */
  #give(bytes: Uint8Array, now: Nanoseconds): number {
    try {
      return this.#carrier.connection?.streamSend(this.id, bytes, false) ?? 0
    } catch (error) {
      // The peer has not allowed so many streams yet (RFC 9000 section 4.6).
      if ((error as Error).message === 'StreamLimit') return 0
      this.#kept = null
      if (this.#over) this.#carrier.streamFinished(this)
      else this.#carrier.streamEnded(this, failed(error), now)
      return -1
    }
  }

  #deliver(length: number, now: Nanoseconds): void {
    this.traffic.receivedBytes += length
    this.traffic.receivedCalls++
    this.above.fromBelow(input.subarray(0, length), now)
  }

  #finish(connection: QuicheConnection): void {
    ignoringFailure(() => connection.streamSend(this.id, NOTHING, true))
    this.#carrier.streamFinished(this)
  }
}

const FINISHED: Cause = { code: 'closed', detail: 'the peer ended the stream' }

/** RESET_STREAM or STOP_SENDING, in the words of quiche. */
const failed = (error: unknown): Cause => ({
  code: 'reset',
  detail: `the peer gave up the stream (${(error as Error).message})`,
})

/** The peer may have ended its direction at the same time. */
const ignoringFailure = (call: () => void): void => {
  try {
    call()
  } catch {
    // Nothing follows on this stream either way.
  }
}
