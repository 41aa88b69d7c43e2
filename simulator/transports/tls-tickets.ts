/**
 * What devices keep of their TLS sessions, so that they can resume them: the newest ticket of each (RFC 8446 section 4.6.1,
 * RFC 5077). It outlives the connection that it came from, as a device's flash memory does.
 */
import { SSL_SHUTDOWN_BOTH } from '../native/openssl-constants.ts'
import type { Pointer } from '../native/openssl.ts'
import { openssl } from '../native/openssl.ts'

export class TlsTickets {
  /** Handshakes that were done with a ticket offered, and those of them that the server resumed. */
  offered = 0
  accepted = 0
  /** Connections whose first flight carried early data, and those of them whose early data the server took. */
  readonly early = { sent: 0, accepted: 0 }
  readonly #sessions = new Map<number, Pointer>()

  /** Makes the handshake of `ssl` offer the device's ticket: whether there is one. */
  offer(ssl: Pointer, device: number): boolean {
    const session = this.#sessions.get(device)
    return session !== undefined && openssl().SSL_set_session(ssl, session) === 1
  }

  /** Bytes of early data that the device's ticket allows (RFC 8446 section 4.6.1); 0 without one. */
  earlyData(device: number): number {
    const session = this.#sessions.get(device)
    return session === undefined ? 0 : openssl().SSL_SESSION_get_max_early_data(session)
  }

  /** The handshake in which a ticket was offered is done. */
  settled(resumed: boolean): void {
    this.offered++
    if (resumed) this.accepted++
  }

  /** The handshake after early data is done. */
  settledEarly(accepted: boolean): void {
    this.early.sent++
    if (accepted) this.early.accepted++
  }

  /**
   * Before an open session is freed: its newest ticket is the device's. TLS 1.3 brings tickets after the handshake, so
   * that a connection which ended too early leaves the older one.
   */
  keep(ssl: Pointer, device: number): void {
    const o = openssl()
    // Otherwise SSL_free spoils the ticket of a connection that ended without close_notify.
    o.SSL_set_shutdown(ssl, SSL_SHUTDOWN_BOTH)
    const session = o.SSL_get1_session(ssl)
    if (o.SSL_SESSION_is_resumable(session) === 1) {
      this.forget(device)
      this.#sessions.set(device, session)
    } else o.SSL_SESSION_free(session)
  }

  /** The device's next handshake is a full one: the server did not like its ticket. */
  forget(device: number): void {
    const session = this.#sessions.get(device)
    if (session === undefined) return
    this.#sessions.delete(device)
    openssl().SSL_SESSION_free(session)
  }
}
