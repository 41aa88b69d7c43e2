/** DTLS as a layer of a datagram pile: the client of one device. */
import type { Nanoseconds } from '../core/clock.ts'
import type { Cause, Layer, Lower, Traffic, Upper } from '../core/layer.ts'
import type { PskCredential } from '../native/openssl-callbacks.ts'
import { answerAsClient } from '../native/openssl-callbacks.ts'
import { openssl } from '../native/openssl.ts'
import type { DtlsContext } from './dtls-context.ts'
import { DtlsSession, newDtls } from './dtls-session.ts'

export { DtlsContext } from './dtls-context.ts'

export class DtlsClient extends DtlsSession implements Layer, PskCredential {
  below!: Lower
  above!: Upper
  /** When the layer below opened; NaN before. */
  openedAt: Nanoseconds = Number.NaN
  readonly traffic: Traffic
  readonly identity: string
  readonly key: Uint8Array
  readonly #context: DtlsContext
  /** Whether the layer above waits for `ready`. */
  #blocked = false

  /** `traffic` counts what crosses the upper boundary. `identity` and `key` are what the server knows of this device. */
  constructor(context: DtlsContext, traffic: Traffic, identity: string, key: Uint8Array) {
    super(context)
    this.#context = context
    this.traffic = traffic
    this.identity = identity
    this.key = key
  }

  open(now: Nanoseconds): void {
    this.openedAt = now
    const ssl = newDtls(this.#context)
    openssl().SSL_set_connect_state(ssl)
    answerAsClient(ssl, this)
    this.begin(ssl, now)
  }

  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    this.feed(bytes, now)
  }

  /** A datagram that the layer below refuses is not kept: false, and its sequence number stays unused. Throws TB_DTLS_DATAGRAM_SIZE. */
  fromAbove(bytes: Uint8Array, now: Nanoseconds): boolean {
    if (!this.send(bytes, now)) {
      this.#blocked = true
      return false
    }
    this.traffic.sentBytes += bytes.length
    this.traffic.sentCalls++
    return true
  }

  ready(now: Nanoseconds): void {
    if (!this.#blocked || !this.isOpen) return
    this.#blocked = false
    this.above.ready(now)
  }

  close(now: Nanoseconds): void {
    if (this.isOver) return
    this.shut(now)
    this.below.close(now)
  }

  closed(cause: Cause, now: Nanoseconds): void {
    if (this.isOver) return
    this.free()
    this.above.closed(cause, now)
  }

  protected output(datagram: Uint8Array, now: Nanoseconds): boolean {
    return this.below.fromAbove(datagram, now)
  }

  protected opened(now: Nanoseconds): void {
    this.above.open(now)
  }

  protected received(datagram: Uint8Array, now: Nanoseconds): void {
    this.traffic.receivedBytes += datagram.length
    this.traffic.receivedCalls++
    this.above.fromBelow(datagram, now)
  }

  protected ended(cause: Cause, now: Nanoseconds): void {
    this.below.close(now)
    this.above.closed(cause, now)
  }
}
