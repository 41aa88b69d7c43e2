/** A session of the package `mqtt` at work over real sockets, with a server that lets it in and acknowledges. */
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonic } from '../../core/clock.ts'
import type { Reliability } from '../../core/types.ts'
import {
  payloadOf,
  type BenchSubject,
  type SessionBench,
} from '../../protocols/session-bench.cases.ts'
import {
  dial,
  LoopbackServer,
  trusting,
  until,
  willing,
  type Dialled,
  type Way,
  type Version,
} from './server.cases.ts'

/** ms; far more than a round trip of loopback. */
const REST = 10

class LoopbackBench implements SessionBench {
  readonly #server: LoopbackServer
  readonly #dialled: Dialled
  readonly #version: Version
  #silent = false

  private constructor(
    server: LoopbackServer,
    version: Version,
    { secure, webSocket }: Way,
    reliability: Reliability,
  ) {
    this.#server = server
    this.#version = version
    server.answer = (packet, stream) => {
      if (!this.#silent) willing(version)(packet, stream)
    }
    const tls = secure ? trusting : null
    this.#dialled = dial(server.port, reliability, { version }, tls, webSocket)
  }
  static async open(version: Version, way: Way, reliability: Reliability): Promise<LoopbackBench> {
    const server = await LoopbackServer.start(() => {}, way)
    return new LoopbackBench(server, version, way, reliability)
  }

  get session(): Dialled['session'] {
    return this.#dialled.session
  }
  get log(): Dialled['log'] {
    return this.#dialled.log
  }
  arrived(): string[] {
    const after = this.#version === '5' ? 1 : 0
    return this.#server.packets
      .filter((packet) => packet.readUInt8(0) >> 4 === 3)
      .map((packet) => {
        const id = (packet.readUInt8(0) & 0b110) === 0 ? 0 : 2
        return packet.toString('latin1', 4 + packet.readUInt16BE(2) + id + after)
      })
  }
  closes(): number {
    return this.#server.streams.filter(({ readableEnded }) => readableEnded).length
  }
  connect(): Promise<void> {
    const { log } = this
    return until(() => log.lines.length > 0 || (this.#silent && this.#server.packets.length > 0))
  }
  send(sequence: number): boolean {
    const payload = payloadOf(sequence)
    const taken = this.session.send(sequence, payload, monotonic())
    payload.fill(0)
    return taken
  }
  close(): void {
    this.log.over = true
    this.session.close()
  }
  settle(done: () => boolean): Promise<void> {
    return until(done)
  }
  rest(): Promise<void> {
    return sleep(REST)
  }
  lose(): void {
    this.#server.connections.at(-1)?.resetAndDestroy()
  }
  silence(): void {
    this.#silent = true
  }
  hear(bytes: Uint8Array): void {
    this.#server.streams.at(-1)?.write(bytes)
  }
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.log.over) this.close()
    await this.#server[Symbol.asyncDispose]()
  }
}

/** With MQTT 5 the server takes two messages at a time. */
export const loopbackBench = (version: Version, way: Way): BenchSubject => ({
  name: `the package mqtt, MQTT ${version} over ${wordsOf(way)}`,
  reliabilities: ['best-effort', 'acknowledged', 'exactly-once'],
  open: (reliability) => LoopbackBench.open(version, way, reliability),
})

const wordsOf = ({ secure, webSocket }: Way): string =>
  [...(webSocket ? ['WebSocket'] : []), secure ? 'TLS' : 'TCP'].join(' over ')
