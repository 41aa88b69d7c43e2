/** A server on loopback that answers as it is told to, for tests of sessions on Node's sockets. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createSecureServer } from 'node:tls'
import { SECOND } from '../../core/clock.ts'
import { Random } from '../../core/random.ts'
import type { Cause } from '../../core/layer.ts'
import type { ProtocolOptions, Reliability } from '../../core/types.ts'
import type { DeviceEvents } from '../../protocols/session.ts'
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

/** The packets of MQTT that the least server sends. */
export const CONNACK = Uint8Array.of(0x20, 2, 0, 0)

export const puback = (publish: Buffer): Uint8Array => {
  const at = 4 + publish.readUInt16BE(2)
  return Uint8Array.of(0x40, 2, publish.readUInt8(at), publish.readUInt8(at + 1))
}

/** What the server does with each packet of up to 129 bytes. */
export type Answer = (packet: Buffer, socket: Socket) => void

/** Lets clients in, and acknowledges. */
export const willing: Answer = (packet, socket) => {
  const first = packet.readUInt8(0)
  if (first >> 4 === 1) socket.write(CONNACK)
  else if (first >> 4 === 3 && (first & 0b110) !== 0) socket.write(puback(packet))
}

export class LoopbackServer implements AsyncDisposable {
  readonly packets: Buffer[] = []
  readonly sockets: Socket[] = []
  readonly #server: Server
  readonly #answer: Answer

  private constructor(answer: Answer, secure: boolean) {
    this.#answer = answer
    const accept = (socket: Socket): void => this.#accept(socket)
    this.#server = secure
      ? createSecureServer(
          {
            cert: pki.certificate,
            key: pki.key,
            ciphers: 'ALL:TLS_AES_128_CCM_8_SHA256:TLS_AES_128_GCM_SHA256:@SECLEVEL=0',
          },
          accept,
        )
      : createServer(accept)
    this.#server.on('tlsClientError', () => {})
  }

  static async start(answer: Answer, secure = false): Promise<LoopbackServer> {
    const server = new LoopbackServer(answer, secure)
    server.#server.listen(0, HOST)
    await once(server.#server, 'listening')
    return server
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  #accept(socket: Socket): void {
    let rest = Buffer.alloc(0)
    this.sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes])
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt8(1)) {
        const end = 2 + rest.readUInt8(1)
        this.packets.push(rest.subarray(0, end))
        this.#answer(rest.subarray(0, end), socket)
        rest = rest.subarray(end)
      }
    })
  }

  /** Waits until so many packets have come. */
  async heard(count: number): Promise<void> {
    const deadline = performance.now() + PATIENCE
    while (this.packets.length < count) {
      if (performance.now() > deadline) throw new Error(`${this.packets.length} packets came`)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** What a session told, in words; `until` waits for a line. */
export class Log implements DeviceEvents {
  readonly lines: string[] = []
  cause: Cause | null = null
  sessionReady(): void {
    this.lines.push('ready')
  }
  transmitted(sequence: number): void {
    this.lines.push(`transmitted ${sequence}`)
  }
  acknowledged(sequence: number): void {
    this.lines.push(`acknowledged ${sequence}`)
  }
  gaveUp(sequence: number, reason: string): void {
    this.lines.push(`gave up ${sequence}: ${reason}`)
  }
  unblocked(): void {
    this.lines.push('unblocked')
  }
  ended(cause: Cause): void {
    this.cause = cause
    this.lines.push(`ended ${cause.code}`)
  }

  async until(line: RegExp): Promise<void> {
    const deadline = performance.now() + PATIENCE
    while (!this.lines.some((one) => line.test(one))) {
      if (performance.now() > deadline) throw new Error(`never ${line}: ${this.lines.join(', ')}`)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
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
): Dialled => {
  const log = new Log()
  const connection = new Connection({
    local: HOST,
    remote: { host: HOST, port },
    noDelay: true,
    tls,
    webSocket: null,
    established: () => {},
  })
  const config = {
    device: 42,
    reliability,
    options,
    serverName: NAME,
    password: '',
    random: new Random(1),
    registration: 'resource-directory',
  } as const
  return { session: new MqttReference(config, log, connection, () => {}), connection, log }
}
