/** One connection on Node's sockets: TCP, TLS of Node and WebSocket of the library where the stack has them. It notes instants and counts bytes. */
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectSecure, type SecureContext, type TLSSocket } from 'node:tls'
import type { Nanoseconds } from '../../core/clock.ts'
import { monotonic } from '../../core/clock.ts'
import type { Address } from '../../core/endpoint.ts'
import type { Traffic } from '../../core/layer.ts'
import type { WebSocketTarget } from '../../transports/websocket-handshake.ts'
import { carriedBy, webSocketStream } from './websocket.ts'

export interface ConnectionOptions {
  readonly local: string
  readonly remote: Address
  readonly noDelay: boolean
  readonly tls: { readonly context: SecureContext; readonly serverName: string } | null
  /** Null: none. */
  readonly webSocket: WebSocketTarget | null
  /** TCP stands, and nothing was sent yet. */
  readonly established: (tcp: Socket) => void
}

/** What a socket, or a stream, has carried so far. */
type Carried = Pick<Socket, 'bytesWritten' | 'bytesRead'>

/** Bytes that were counted already, of one socket. */
interface Counted {
  sent: number
  received: number
}

export class Connection {
  /** What the library writes to and reads from. */
  readonly stream: Duplex
  /** When TCP stood, and when the library's bytes could be carried: NaN before. */
  transportAt: Nanoseconds = NaN
  readyAt: Nanoseconds = NaN
  readonly #tcp: Socket
  readonly #tls: TLSSocket | null
  /** Null without WebSocket. */
  readonly #messages: Carried | null
  readonly #application: Counted = { sent: 0, received: 0 }
  readonly #framed: Counted = { sent: 0, received: 0 }
  readonly #transport: Counted = { sent: 0, received: 0 }

  constructor({ local, remote, noDelay, tls, webSocket, established }: ConnectionOptions) {
    const tcp = connect({ host: remote.host, port: remote.port, localAddress: local, noDelay })
    this.#tcp = tcp
    // The first listener: CONNECT is written by a later one.
    tcp.once('connect', () => {
      this.transportAt = monotonic()
      if (tls === null) this.readyAt = this.transportAt
      established(tcp)
    })
    this.#tls =
      tls === null
        ? null
        : connectSecure({ socket: tcp, secureContext: tls.context, servername: tls.serverName })
    const below = this.#tls ?? tcp
    const stream = webSocket === null ? null : webSocketStream(below, webSocket, tls !== null)
    this.#messages = stream === null ? null : carriedBy(stream)
    this.stream = stream ?? below
    if (this.#tls === null) return
    this.#tls.once('secureConnect', () => (this.readyAt = monotonic()))
    // Node ends the upper socket with the lower one, but keeps the reason to itself.
    tcp.on('error', (error) => this.#tls?.destroy(error))
  }

  get secure(): boolean {
    return this.#tls !== null
  }

  /** Adds what crossed each boundary since the last call: what MQTT wrote and read, what WebSocket made of it, and what TCP took and gave. */
  count(application: Traffic, framed: Traffic, transport: Traffic): void {
    const below = this.#tls ?? this.#tcp
    add(this.#messages ?? below, this.#application, application)
    if (this.#messages !== null) add(below, this.#framed, framed)
    if (this.#tls !== null) add(this.#tcp, this.#transport, transport)
  }

  /** Version, cipher and group; empty without TLS, and before its handshake is done. */
  negotiated(): Readonly<Record<string, string>> {
    if (this.#tls === null || Number.isNaN(this.readyAt)) return {}
    const key = this.#tls.getEphemeralKeyInfo() as {
      readonly type?: string
      readonly name?: string
    } | null
    return {
      version: this.#tls.getProtocol() ?? '',
      cipher: this.#tls.getCipher().name,
      group: (key?.name ?? key?.type ?? '').toLowerCase(),
    }
  }
}

const add = ({ bytesWritten, bytesRead }: Carried, counted: Counted, to: Traffic): void => {
  to.sentBytes += bytesWritten - counted.sent
  to.receivedBytes += bytesRead - counted.received
  counted.sent = bytesWritten
  counted.received = bytesRead
}
