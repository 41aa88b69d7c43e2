/** A QUIC server of another library than ours, which sends back what it hears: the listener of OpenSSL, for one client. For tests. */
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND, monotonic, NEVER } from '../core/clock.ts'
import type { Timed } from '../core/layer.ts'
import {
  SSL_CTRL_MODE,
  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER,
  SSL_MODE_ENABLE_PARTIAL_WRITE,
} from '../native/openssl-constants.ts'
import { present, setGroups } from '../native/openssl-context.ts'
import { QuicBios } from '../native/openssl-quic-bio.ts'
import {
  eventTimeout,
  opensslQuic,
  readStream,
  somewhere,
  SSL_DEFAULT_STREAM_MODE_NONE,
  SSL_DOMAIN_FLAG_SINGLE_THREAD,
  SSL_VALUE_CLASS_GENERIC,
  SSL_VALUE_EVENT_HANDLING_MODE,
  SSL_VALUE_EVENT_HANDLING_MODE_EXPLICIT,
  writeStream,
} from '../native/openssl-quic.ts'
import type { Pointer } from '../native/openssl.ts'
import { bindAll, callback, clearErrors, openssl, peek, poke } from '../native/openssl.ts'
import type { Datagram } from './quic-world.cases.ts'
import { FIRST_PORT, PKI, serverContext, World } from './quic-world.cases.ts'

interface Listening {
  OSSL_QUIC_server_method(): Pointer
  SSL_CTX_set_alpn_select_cb(context: Pointer, callback: Pointer, user: Pointer): void
  SSL_new_listener(context: Pointer, flags: number): Pointer
  SSL_listen(listener: Pointer): number
  SSL_accept_connection(listener: Pointer, flags: number): Pointer
  SSL_accept_stream(ssl: Pointer, flags: number): Pointer
  SSL_stream_conclude(stream: Pointer, flags: number): number
}

const server = bindAll<Listening>({
  OSSL_QUIC_server_method: 'l',
  SSL_CTX_set_alpn_select_cb: 'vlll',
  SSL_new_listener: 'lll',
  SSL_listen: 'il',
  SSL_accept_connection: 'lll',
  SSL_accept_stream: 'lll',
  SSL_stream_conclude: 'ill',
})

const SSL_LISTENER_FLAG_NO_VALIDATE = 2
const NO_BLOCK = 1
const [SELECTED, FATAL] = [0, 2]

/** SSL_CTX_set_alpn_select_cb(3): takes the first name of the client's list if it is mqtt. */
const select = callback('illllil', (_ssl, out = 0, outLength = 0, names = 0, length = 0) => {
  if (Buffer.from(peek(names, length)).toString('latin1', 0, 5) !== '\x04mqtt') return FATAL
  poke(out, new Uint8Array(BigUint64Array.of(BigInt(names + 1)).buffer))
  poke(outLength, Uint8Array.of(4))
  return SELECTED
})

const newContext = (): Pointer => {
  const context = openssl().SSL_CTX_new(server.OSSL_QUIC_server_method())
  opensslQuic().SSL_CTX_set_domain_flags(context, SSL_DOMAIN_FLAG_SINGLE_THREAD)
  setGroups(context, 'X25519')
  present(context, PKI.certificate, PKI.key)
  server.SSL_CTX_set_alpn_select_cb(context, select, 0)
  return context
}

const context = newContext()
const bios = new QuicBios()

class OpenSslEcho implements Timed {
  /** What it heard. */
  heard = ''
  readonly #listener: Pointer
  readonly #send: (datagram: Uint8Array) => void
  #connection: Pointer = 0
  #stream: Pointer = 0
  #unsent: Uint8Array = new Uint8Array(0)
  #deadline: Nanoseconds = NEVER

  constructor(send: (datagram: Uint8Array) => void) {
    this.#send = send
    this.#listener = server.SSL_new_listener(context, SSL_LISTENER_FLAG_NO_VALIDATE)
    bios.attach(this.#listener)
    opensslQuic().SSL_set_blocking_mode(this.#listener, 0)
    server.SSL_listen(this.#listener)
  }

  deadline(): Nanoseconds {
    return this.#deadline
  }

  expire(): void {
    this.advance()
  }

  datagram(bytes: Uint8Array): void {
    opensslQuic().SSL_inject_net_dgram(this.#listener, bytes, bytes.length, somewhere(), 0)
    this.advance()
  }

  advance(): void {
    this.#turn()
    if (this.#connection === 0) this.#accept()
    if (this.#connection !== 0 && this.#stream === 0)
      this.#stream = server.SSL_accept_stream(this.#connection, NO_BLOCK)
    if (this.#stream !== 0) this.#echo()
    clearErrors()
    this.#turn()
  }

  #accept(): void {
    const quic = opensslQuic()
    this.#connection = server.SSL_accept_connection(this.#listener, NO_BLOCK)
    if (this.#connection === 0) return
    quic.SSL_set_default_stream_mode(this.#connection, SSL_DEFAULT_STREAM_MODE_NONE)
    // What is accepted does not have the mode of its context.
    const mode = SSL_MODE_ENABLE_PARTIAL_WRITE + SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
    openssl().SSL_ctrl(this.#connection, SSL_CTRL_MODE, mode, 0)
    quic.SSL_set_value_uint(
      this.#connection,
      SSL_VALUE_CLASS_GENERIC,
      SSL_VALUE_EVENT_HANDLING_MODE,
      SSL_VALUE_EVENT_HANDLING_MODE_EXPLICIT,
    )
  }

  #echo(): void {
    const { plain } = bios
    for (;;) {
      const length = readStream(this.#stream, plain)
      if (length === 0) break
      const bytes = plain.bytes.subarray(0, length)
      this.heard += Buffer.from(bytes).toString('latin1')
      this.#unsent = Buffer.concat([this.#unsent, bytes])
    }
    this.#unsent = this.#unsent.subarray(writeStream(this.#stream, this.#unsent))
  }

  #turn(): void {
    opensslQuic().SSL_handle_events(this.#listener)
    for (let length = bios.take(); length > 0; length = bios.take())
      this.#send(bios.output.slice(0, length))
    this.#deadline = monotonic() + eventTimeout(this.#listener) + MILLISECOND
  }

  /** Ends the stream that the client opened, after what was echoed. */
  finish(): void {
    server.SSL_stream_conclude(this.#stream, 0)
    this.#turn()
  }

  free(): void {
    for (const ssl of [this.#stream, this.#connection, this.#listener])
      if (ssl !== 0) openssl().SSL_free(ssl)
  }
}

const unused = serverContext()

/** A world with that server, and one client. */
export class EchoWorld extends World {
  readonly other: OpenSslEcho

  constructor() {
    super(unused)
    const client = this.address(FIRST_PORT)
    this.other = new OpenSslEcho((bytes) => this.toPeer(client, bytes))
    this.owners.add(this.other)
  }

  override deliver(datagram: Datagram): void {
    if (datagram.up) this.other.datagram(datagram.bytes)
    else super.deliver(datagram)
  }
}
