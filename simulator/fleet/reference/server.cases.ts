/** A server on loopback that answers as it is told to, for tests of sessions on Node's sockets. */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecureContext, createServer as createSecureServer } from 'node:tls'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { SECOND } from '../../core/clock.ts'
import { Random } from '../../core/random.ts'
import type { ProtocolOptions, Reliability } from '../../core/types.ts'
import { DEVICE, DeviceLog } from '../../protocols/session-bench.cases.ts'
import { makePki } from '../../security/pki.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import { MqttReference } from './mqtt-session.ts'

const HOST = '127.0.0.1'
/** Milliseconds. */
const PATIENCE = 5000
export const NAME = 'server.test'
const HOUR = 3600 * SECOND

export const pki = makePki({
  dnsName: NAME,
  notBefore: new Date(Date.now() - HOUR / 1e6),
  notAfter: new Date(Date.now() + HOUR / 1e6),
})

export const trusting = { context: createSecureContext({ ca: pki.authority }), serverName: NAME }

/** Until `done`, for as long as a test may wait. */
export const until = async (
  done: () => boolean,
  missing = (): string => 'never',
): Promise<void> => {
  const deadline = performance.now() + PATIENCE
  while (!done()) {
    if (performance.now() > deadline) throw new Error(missing())
    await sleep(1)
  }
}

export type Version = '3.1.1' | '5'

/** Lets the client in; with MQTT 5, Receive Maximum is 2. */
export const CONNACK: Readonly<Record<Version, Uint8Array>> = {
  '3.1.1': Uint8Array.of(0x20, 2, 0, 0),
  '5': Uint8Array.of(0x20, 6, 0, 0, 3, 0x21, 0, 2),
}

/** PUBACK, or PUBREC for QoS 2. */
export const answerTo = (publish: Buffer): Uint8Array => {
  const at = 4 + publish.readUInt16BE(2)
  const type = (publish.readUInt8(0) & 0b110) === 2 ? 0x40 : 0x50
  return Uint8Array.of(type, 2, publish.readUInt8(at), publish.readUInt8(at + 1))
}

/** What the server does with each packet of up to 129 bytes. */
export type Answer = (packet: Buffer, stream: Duplex) => void

/** Lets clients in, and acknowledges. */
export const willing =
  (version: Version = '3.1.1'): Answer =>
  (packet, stream) => {
    const first = packet.readUInt8(0)
    const type = first >> 4
    if (type === 1) stream.write(CONNACK[version])
    else if (type === 3 && (first & 0b110) !== 0) stream.write(answerTo(packet))
    else if (type === 6) stream.write(Uint8Array.of(0x70, 2, ...packet.subarray(2, 4)))
  }

/** How the client reaches the server. */
export interface Way {
  readonly secure: boolean
  readonly webSocket: boolean
}

export const PLAIN: Way = { secure: false, webSocket: false }
export const SECURE: Way = { secure: true, webSocket: false }

const TLS = {
  noDelay: true,
  cert: pki.certificate,
  key: pki.key,
  ciphers: 'ALL:TLS_AES_128_CCM_8_SHA256:TLS_AES_128_GCM_SHA256:@SECLEVEL=0',
} as const

/** @param accept is given what carries MQTT */
const serverOf = ({ secure, webSocket }: Way, accept: (stream: Duplex) => void): Server => {
  if (!webSocket)
    return secure ? createSecureServer(TLS, accept) : createServer({ noDelay: true }, accept)
  const server = secure ? createHttpsServer(TLS) : createHttpServer({ noDelay: true })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => accept(createWebSocketStream(socket)))
  return server
}

export class LoopbackServer implements AsyncDisposable {
  readonly packets: Buffer[] = []
  /** What carries MQTT, and the TCP connection below each. */
  readonly streams: Duplex[] = []
  readonly connections: Socket[] = []
  readonly #server: Server
  answer: Answer

  private constructor(answer: Answer, way: Way) {
    this.answer = answer
    this.#server = serverOf(way, (stream) => this.#accept(stream))
    this.#server.on('connection', (socket) => this.connections.push(socket))
    this.#server.on('tlsClientError', () => {})
  }

  static async start(answer: Answer, way = PLAIN): Promise<LoopbackServer> {
    const server = new LoopbackServer(answer, way)
    server.#server.listen(0, HOST)
    await once(server.#server, 'listening')
    return server
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  #accept(stream: Duplex): void {
    let rest = Buffer.alloc(0)
    this.streams.push(stream)
    stream.on('error', () => {})
    stream.on('data', (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes])
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt8(1)) {
        const end = 2 + rest.readUInt8(1)
        this.packets.push(rest.subarray(0, end))
        this.answer(rest.subarray(0, end), stream)
        rest = rest.subarray(end)
      }
    })
  }

  /** Waits until so many packets have come. */
  heard(count: number): Promise<void> {
    return until(
      () => this.packets.length >= count,
      () => `${this.packets.length} packets came`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.connections) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** `until` waits for a line. */
class Log extends DeviceLog {
  until(line: RegExp): Promise<void> {
    return until(
      () => this.lines.some((one) => line.test(one)),
      () => `never ${line}: ${this.lines.join(', ')}`,
    )
  }
}

export interface Dialled {
  readonly session: MqttReference
  readonly connection: Connection
  readonly log: Log
}

export const dial = (
  port: number,
  reliability: Reliability,
  options: ProtocolOptions = {},
  tls: ConnectionOptions['tls'] = null,
  webSocket = false,
): Dialled => {
  const log = new Log()
  const connection = new Connection({
    local: HOST,
    remote: { host: HOST, port },
    noDelay: true,
    tls,
    webSocket: webSocket ? { host: `${NAME}:${port}`, path: '/mqtt', subprotocol: 'mqtt' } : null,
    established: () => {},
  })
  const config = {
    device: DEVICE,
    reliability,
    options,
    serverName: NAME,
    password: '',
    random: new Random(1),
    registration: 'resource-directory',
  } as const
  return { session: new MqttReference(config, log, connection, () => {}), connection, log }
}
