/**
 * Servers on datagrams. Only an endpoint (CoAP, DTLS or QUIC server) creates connections, keyed by peer, or by connection id.
 * A DTLS server is an endpoint to the socket below it and a socket to the endpoint above it.
 */
import type { Nanoseconds } from './clock.ts'
import type { Timed, Traffic } from './layer.ts'

/** An IPv4 address and port. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** An IPv4 address and port in one exact integer: address * 65536 + port. The key of a peer at an endpoint. */
export type PeerKey = number

/** What a server shows to the socket below it. */
export interface DatagramEndpoint extends Timed {
  /** Set by whoever stacks the endpoint, before the first datagram. */
  below: DatagramSocket
  fromPeer(peer: PeerKey, bytes: Uint8Array, now: Nanoseconds): void
  /** The layer below ended this peer's association (DTLS close, alert, replacement). What is kept for the peer can go. */
  peerGone(peer: PeerKey, now: Nanoseconds): void
}

/** What an endpoint sends through: a bound UDP socket, or a DTLS server that stands on one. */
export interface DatagramSocket {
  /** Sends one datagram; one that the system cannot take now is dropped, as a network would. */
  toPeer(peer: PeerKey, bytes: Uint8Array, now: Nanoseconds): void
  close(now: Nanoseconds): void
  readonly traffic: Traffic
}

/** 10.0.0.1:5683 as one integer. */
export const peerKey = (address: Address): PeerKey => {
  const [a = 0, b = 0, c = 0, d = 0] = address.host.split('.').map(Number)
  return (((a * 256 + b) * 256 + c) * 256 + d) * 65536 + address.port
}

/** The inverse of `peerKey`. */
export const peerAddress = (peer: PeerKey): Address => {
  const ip = Math.floor(peer / 65536)
  return {
    host: `${Math.floor(ip / 16777216)}.${(ip >>> 16) & 255}.${(ip >>> 8) & 255}.${ip & 255}`,
    port: peer % 65536,
  }
}
