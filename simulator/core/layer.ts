/**
 * The contract of a connection: a pile of small state machines without I/O.
 *
 *     session   (MQTT, CoAP, XMPP: an Upper and the application's verbs)
 *        |  fromAbove ↓            ↑ open, fromBelow, ready, closed
 *     framing   (WebSocket: a Layer)
 *        |
 *     security  (TLS, DTLS: a Layer)
 *        |  fromAbove ↓            ↑ open, fromBelow, ready, closed
 *     port      (a socket of io/, or an in-memory one: a Lower)
 *
 * A layer is one object with fixed fields: no socket, no timer, no clock of its own. Time comes in as an argument.
 * Bytes are valid only during the call that passes them: who keeps them copies them.
 * Two kinds: on a stream pile, calls carry any piece of the byte stream; on a datagram pile, one call is one datagram.
 */
import type { Nanoseconds } from './clock.ts'

/** Why a connection ended. `code` is stable and counted; `detail` is for people. */
export interface Cause {
  readonly code: CauseCode
  readonly detail: string
}

export type CauseCode =
  | 'local' // our own close
  | 'closed' // the peer closed in an orderly way
  | 'truncated' // FIN without close_notify, or in the middle of a message
  | 'reset' // RST
  | 'refused' // nobody listens there
  | 'unreachable' // no route, or the kernel reports so
  | 'timeout' // no answer within a deadline
  | 'unanswered' // so many retransmissions in a row that a new association is tried
  | 'certificate' // a certificate was refused, the peer's or ours
  | 'alert' // a TLS or DTLS alert or failure that is not about credentials
  | 'upgrade' // the server does not open a WebSocket, or not as RFC 6455 asks
  | 'authentication' // wrong credentials
  | 'taken-over' // another connection came with the same identity
  | 'quota' // a quota of the server is used up
  | 'protocol' // the peer broke the protocol
  | 'limit' // a limit of this host was hit (descriptors, ports)

/** Bytes and calls that crossed the upper boundary of a Lower. Shared by all connections of a worker, so that a layer's total is one read. */
export class Traffic {
  sentBytes = 0
  sentCalls = 0
  receivedBytes = 0
  receivedCalls = 0
}

/** What has deadlines. The reactor alone keeps timers: it asks for the deadline after every call that it makes into the owner. */
export interface Timed {
  /** The next instant at which `expire` must be called, or NEVER. Cheap: it is asked after every call. */
  deadline(): Nanoseconds
  /** Called at or after the deadline, never before. It must move the deadline. */
  expire(now: Nanoseconds): void
}

/** What a layer shows to the layer below it. */
export interface Upper {
  /** Set by whoever stacks the pile, before `open`. */
  below: Lower
  /** When `open` was called; NaN before. The connect times are read from here. */
  readonly openedAt: Nanoseconds
  /** The layer below can carry bytes now (TCP connected, TLS handshake finished; at once for UDP). */
  open(now: Nanoseconds): void
  /** Bytes from the peer: a piece of the stream, or one datagram. */
  fromBelow(bytes: Uint8Array, now: Nanoseconds): void
  /** After a refused `fromAbove`: the layer below takes bytes again. */
  ready(now: Nanoseconds): void
  /** The connection is gone; no call follows. Never called from inside the Upper's own call to `close`. */
  closed(cause: Cause, now: Nanoseconds): void
}

/** What a layer shows to the layer above it. */
export interface Lower {
  /** Takes all of `bytes` (true), or nothing (false: blocked; `ready` follows). */
  fromAbove(bytes: Uint8Array, now: Nanoseconds): boolean
  /** Orderly close: what was taken is sent first, as far as it can be. The caller is not told `closed`. Closing twice is allowed. */
  close(now: Nanoseconds): void
  /** What crossed this layer's upper boundary. */
  readonly traffic: Traffic
  /**
   * Nothing more is read of the peer until `resume`: what it sends fills the buffers on the way, and then it may send no more
   * (RFC 9293 section 3.8.6). What was read before still comes up; after `resume` the rest comes. Absent where it cannot be.
   */
  pause?(): void
  resume?(now: Nanoseconds): void
  /**
   * Another byte stream of the same connection for `above`: what is lost on one holds up no other (streams of QUIC). Absent where
   * there is one stream alone. `above` is opened at once and hears `fromBelow` and `ready`; the end of the connection hears the Upper of the layer alone.
   * @param urgency what goes first when not all can: 0 to 7, the smaller number first (RFC 9218 section 4.1); the layer itself goes before all
   */
  lane?(above: Upper, urgency: number, now: Nanoseconds): void
}

/** A layer in the middle of a pile. */
export interface Layer extends Upper, Lower, Timed {
  above: Upper
}
