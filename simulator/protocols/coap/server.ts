/**
 * The consumer of CoAP stacks: a server (RFC 7252) that devices register at and send their telemetry to.
 *
 *     POST /rd?ep=d000042        2.01 Created   (RFC 9176 section 5; acknowledged, not listed: nobody looks devices up)
 *     POST or PUT /d/000042      2.04 Changed   (delivered)
 *     GET /.well-known/core      2.05 Content   (RFC 6690)
 *
 * Every reply is a function of the request alone. So a duplicate is answered with the same bytes (section 4.5) without any
 * being kept; what is kept is which message IDs were seen, so that nothing is delivered twice.
 */
import type { Nanoseconds } from '../../core/clock.ts'
import { NEVER } from '../../core/clock.ts'
import { deviceName } from '../../core/device-name.ts'
import type { DatagramEndpoint, DatagramSocket, PeerKey } from '../../core/endpoint.ts'
import type { ConsumerConfig, ConsumerEvents, Speech } from '../session.ts'
import {
  ACK,
  BAD_OPTION,
  BAD_REQUEST,
  CHANGED,
  CON,
  CONTENT,
  CONTENT_FORMAT,
  CREATED,
  EMPTY,
  GET,
  HEADER,
  LINK_FORMAT,
  LOCATION_PATH,
  Message,
  METHOD_NOT_ALLOWED,
  NON,
  NOT_ACCEPTABLE,
  NOT_FOUND,
  POST,
  PROXYING_NOT_SUPPORTED,
  PUT,
  RST,
} from './message.ts'
import { MessageWriter } from './message-writer.ts'
import type { Transmission } from './options.ts'
import { transmissionOf } from './options.ts'
import { type Peer, Peers } from './peers.ts'
import { Request } from './request.ts'
import { CoapSpeech } from './speech.ts'

const MOST_PEERS = 131072
/** Bytes of the longest reply, /.well-known/core, with room to spare. */
const LONGEST_REPLY = 256

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const CORE = ascii(
  `</rd>;rt="core.rd";ct=${LINK_FORMAT},</d/${deviceName(0).slice(1)}>;title="telemetry"`,
)
const LINK_FORMAT_VALUE = Uint8Array.of(LINK_FORMAT)
const DIRECTORY = ascii('rd')
const NOTHING = new Uint8Array(0)

export class CoapServer implements DatagramEndpoint, Speech {
  below!: DatagramSocket
  /** Telemetry messages delivered, and copies that were not delivered again. */
  delivered = 0
  duplicates = 0
  readonly peers: Peers
  readonly #devices: number
  readonly #events: ConsumerEvents
  readonly #transmission: Transmission
  /** Null where it only listens. */
  readonly #speech: CoapSpeech | null
  readonly #message = new Message()
  readonly #request = new Request()
  readonly #writer = new MessageWriter(LONGEST_REPLY)
  /** The six digits of a device, as they stand in paths. */
  readonly #digits = new Uint8Array(deviceName(0).length - 1)

  /** Whoever binds the endpoint to a socket knows that messages can come: `consumerReady` is not called from here. */
  constructor(config: ConsumerConfig, events: ConsumerEvents) {
    this.#devices = config.devices
    this.peers = new Peers(MOST_PEERS, config.random)
    this.#events = events
    this.#transmission = transmissionOf(config.options)
    const socket = (): DatagramSocket => this.below
    this.#speech = config.says
      ? new CoapSpeech(config, config.says, this.#transmission, socket, events)
      : null
  }

  fromPeer(from: PeerKey, bytes: Uint8Array, now: Nanoseconds): void {
    const message = this.#message
    const parsed = message.parse(bytes)
    if (parsed === 'ignored' || this.#speech?.receive(from, message, parsed, now)) return
    // ACK and RST answer messages of our own; these belong to none.
    if (message.type === ACK || message.type === RST) return
    // Only codes 0.01 to 0.31 are requests. Format errors, pings and all else are rejected if they are CON (section 4.2), and
    // ignored if they are NON (section 4.3).
    if (parsed === 'malformed' || message.code === EMPTY || message.code > 31) {
      if (message.type === CON) this.#reply(RST, EMPTY, message.id, 0, from, now)
      return
    }
    const peer = this.peers.of(from, now)
    const { exchangeLifetime, nonLifetime } = this.#transmission
    const confirmable = message.type === CON
    const duplicate = peer.ids.seen(message.id, confirmable ? exchangeLifetime : nonLifetime, now)
    if (duplicate) this.duplicates++
    // A duplicate NON is silently ignored, a duplicate CON is answered again (section 4.5).
    if (duplicate && !confirmable) return
    this.#request.read(message)
    const code = this.#decide()
    if (code === CREATED || code === CHANGED) this.#speech?.heardFrom(this.#request.device, from)
    if (code === CHANGED && !duplicate) {
      this.delivered++
      this.#events.received(this.#request.device, bytes.subarray(message.payloadAt), now)
    }
    this.#respond(peer, from, code, now)
  }

  peerGone(peer: PeerKey): void {
    this.peers.drop(peer)
  }

  /** One request to one device; a broadcast is one to each, because a link carries no multicast to several. */
  command(device: number, sequence: number, payload: Uint8Array, now: Nanoseconds): boolean {
    return this.#speech?.command(device, sequence, payload, now) ?? false
  }

  deadline(): Nanoseconds {
    return Math.min(this.peers.deadline(), this.#speech?.deadline() ?? NEVER)
  }

  expire(now: Nanoseconds): void {
    if (now >= this.peers.deadline()) this.peers.sweep(now)
    this.#speech?.expire(now)
  }

  /** The response code for the current request. */
  #decide(): number {
    const request = this.#request
    const { code } = this.#message
    if (request.toProxy) return PROXYING_NOT_SUPPORTED
    if (request.hasBadOption) return BAD_OPTION
    switch (request.resource) {
      case 'telemetry':
        if (request.device >= this.#devices) return NOT_FOUND
        return code === POST || code === PUT ? CHANGED : METHOD_NOT_ALLOWED
      case 'directory':
        if (code !== POST) return METHOD_NOT_ALLOWED
        return request.device >= 0 && request.device < this.#devices ? CREATED : BAD_REQUEST
      case 'core':
        if (code !== GET) return METHOD_NOT_ALLOWED
        return request.accept < 0 || request.accept === LINK_FORMAT ? CONTENT : NOT_ACCEPTABLE
      case 'none':
    }
    return NOT_FOUND
  }

  /**
   * Answers the current request: piggybacked on the ACK of a CON, as a NON to a NON (section 5.2). Where No-Response says that
   * the answer is not wanted, a CON gets its empty ACK and a NON nothing at all: that is how devices send best-effort telemetry.
   */
  #respond(peer: Peer, from: PeerKey, code: number, now: Nanoseconds): void {
    const { type, id, tokenLength } = this.#message
    const unwanted = (this.#request.noResponse & (1 << ((code >> 5) - 1))) !== 0
    // A NON with an unknown critical option is rejected, not answered (section 5.4.1).
    const silent = unwanted || (type === NON && code === BAD_OPTION)
    if (type === CON)
      return silent
        ? this.#reply(ACK, EMPTY, id, 0, from, now)
        : this.#reply(ACK, code, id, tokenLength, from, now)
    if (!silent) this.#reply(NON, code, peer.takeId(), tokenLength, from, now)
  }

  #reply(
    type: number,
    code: number,
    id: number,
    tokenLength: number,
    to: PeerKey,
    now: Nanoseconds,
  ): void {
    const writer = this.#writer
    writer.begin(type, code, id, this.#message.bytes, HEADER, tokenLength)
    if (code === CREATED) {
      // The location of the registration: /rd/000042.
      writer.option(LOCATION_PATH, DIRECTORY)
      writer.option(LOCATION_PATH, this.#digitsOf(this.#request.device))
    } else if (code === CONTENT) writer.option(CONTENT_FORMAT, LINK_FORMAT_VALUE)
    writer.payload(code === CONTENT ? CORE : NOTHING)
    this.below.toPeer(to, writer.message(), now)
  }

  #digitsOf(device: number): Uint8Array {
    let rest = device
    for (let i = this.#digits.length - 1; i >= 0; i--) {
      this.#digits[i] = 0x30 + (rest % 10)
      rest = Math.floor(rest / 10)
    }
    return this.#digits
  }
}
