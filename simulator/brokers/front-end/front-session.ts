/**
 * One MQTT client behind the front end: its own connection in front, a TCP connection to the broker behind.
 *
 * On QUIC, the first bidirectional stream is the control stream: CONNECT must come there. Each further one is a data stream of the same
 * session, with packets of the types 3 to 11 alone; the broker's answer to a request goes back on the stream that the request
 * came on, and all else goes to the control stream. So EMQX 5 is spoken to, and so clients speak to it.
 */
import type { Nanoseconds } from '../../core/clock.ts'
import type { Cause, Upper } from '../../core/layer.ts'
import { PUBLISH } from '../../protocols/mqtt/packet.ts'
import { variableSize } from '../../protocols/mqtt/variable-integer.ts'
import { protocolError } from '../../protocols/mqtt/violation.ts'
import type { QuicSession } from '../../transports/quic-peer.ts'
import type { BrokerEvents } from './broker-side.ts'
import { BrokerSide } from './broker-side.ts'
import type { ClientEvents, FrontStream } from './client-stream.ts'
import { ClientStream } from './client-stream.ts'
import { endsFlight, isAnswer, putWord, requestIdAt, UNSUBACK, wordAt } from './packet-field.ts'
import { StreamPacketIds } from './packet-ids.ts'
import { Run } from './run.ts'

const CONTROL = 0

/** Errors of the application in CONNECTION_CLOSE, as EMQX numbers them. */
const NORMAL = 0
const PROTOCOL_ERROR = 1
const OVERLOADED = 2

/** The client's connection. */
export interface FrontPeer {
  /** Ends it; QUIC tells the client the error. */
  close(now: Nanoseconds, error: number): void
}

export class FrontSession implements QuicSession, ClientEvents, BrokerEvents {
  readonly #peer: FrontPeer
  readonly #broker: BrokerSide
  readonly #streams = new Map<number, ClientStream>()
  readonly #ids = new StreamPacketIds()
  readonly #up = new Run()
  readonly #down = new Run()
  /** The first packet of the control stream has gone to the broker: data streams may follow. */
  #begun = false
  #over = false

  /** `connect` opens the connection to the broker under the pile that it is given. */
  constructor(peer: FrontPeer, connect: (above: BrokerSide) => void) {
    this.#peer = peer
    this.#broker = new BrokerSide(this)
    connect(this.#broker)
  }

  streamOpened(stream: FrontStream): Upper {
    const opened = new ClientStream(stream, this)
    this.#streams.set(stream.id, opened)
    if (!this.#mayRead(stream.id)) stream.pause()
    return opened
  }

  /** The broker sees the client's connection end. */
  over(_cause: Cause, now: Nanoseconds): void {
    this.#over = true
    this.#broker.close(now)
  }

  fromClient(
    { stream: { id } }: ClientStream,
    first: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    now: Nanoseconds,
  ): void {
    const type = first >> 4
    if (id !== CONTROL && (type < PUBLISH || type > UNSUBACK))
      throw protocolError(`a packet of type ${type} on a data stream`, 'MQTT over QUIC')
    const at = requestIdAt(first, bytes, start, end)
    if (at >= 0) {
      const given = this.#ids.outward(id, wordAt(bytes, at))
      if (given === 0) throw protocolError('all packet identifiers are in flight', 'MQTT-2.3.1-2')
      putWord(bytes, at, given)
    }
    this.#up.add(this.#broker, bytes, headOf(start, end), end, now)
  }

  clientPaused(_stream: ClientStream, now: Nanoseconds): void {
    this.#up.flush(now)
    if (!this.#begun && this.#broker.begun) {
      this.#begun = true
      this.#regulate(now)
    } else if (!this.#broker.takes) this.#regulate(now)
  }

  clientEnded({ stream: { id } }: ClientStream, now: Nanoseconds): void {
    this.#streams.delete(id)
    if (id === CONTROL) this.#close(NORMAL, now)
  }

  violated(now: Nanoseconds): void {
    this.#close(PROTOCOL_ERROR, now)
  }

  overloaded(now: Nanoseconds): void {
    this.#close(OVERLOADED, now)
  }

  fromBroker(first: number, bytes: Uint8Array, start: number, end: number, now: Nanoseconds): void {
    const stream = this.#addressee(first, bytes, start, end) ?? this.#streams.get(CONTROL)
    if (stream !== undefined) this.#down.add(stream, bytes, headOf(start, end), end, now)
  }

  /** The stream whose request the packet answers. One that its client has ended takes no answers: the control stream does. */
  #addressee(
    first: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ClientStream | undefined {
    if (!isAnswer(first) || end - start < 2) return undefined
    const given = wordAt(bytes, start)
    const owner = this.#ids.owner(given)
    if (owner === undefined) return undefined
    putWord(bytes, start, owner.id)
    if (endsFlight(first, bytes, start, end)) this.#ids.release(given)
    return this.#streams.get(owner.stream)
  }

  brokerPaused(now: Nanoseconds): void {
    this.#down.flush(now)
  }

  brokerReady(now: Nanoseconds): void {
    this.#regulate(now)
  }

  brokerEnded(now: Nanoseconds): void {
    this.#close(NORMAL, now)
  }

  #regulate(now: Nanoseconds): void {
    for (const [id, { stream }] of this.#streams)
      if (this.#mayRead(id)) stream.resume(now)
      else stream.pause()
  }

  #mayRead(id: number): boolean {
    return this.#broker.takes && (id === CONTROL || this.#begun)
  }

  #close(error: number, now: Nanoseconds): void {
    if (this.#over) return
    this.#over = true
    this.#peer.close(now, error)
    this.#broker.close(now)
  }
}

/** Where the packet begins whose variable header starts at `start`. */
const headOf = (start: number, end: number): number => start - 1 - variableSize(end - start)
