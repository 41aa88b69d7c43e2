/**
 * What devices keep of their QUIC connections, so that they can resume them: the newest ticket of each, with the transport
 * parameters that the server had (RFC 9000 section 7.4.1). It outlives the connection, as a device's flash memory does.
 */
import type { QuicheConnection } from '../native/quiche.ts'

export class QuicTickets {
  /** Handshakes that were done with a ticket offered, and those of them that the server resumed. */
  offered = 0
  accepted = 0
  readonly #sessions = new Map<number, Uint8Array>()

  /** Makes the handshake of `connection` offer the device's ticket: whether there is one. */
  offer(connection: QuicheConnection, device: number): boolean {
    const session = this.#sessions.get(device)
    if (session !== undefined) connection.setSession(session)
    return session !== undefined
  }

  /** The handshake in which a ticket was offered is done. */
  settled(resumed: boolean): void {
    this.offered++
    if (resumed) this.accepted++
  }

  /** At the end of a connection: its newest ticket is the device's. One that ended before a ticket came leaves the older one. */
  keep(connection: QuicheConnection, device: number): void {
    const session = connection.session()
    if (session !== null) this.#sessions.set(device, session)
  }

  /** The device's next handshake is a full one. */
  forget(device: number): void {
    this.#sessions.delete(device)
  }
}
