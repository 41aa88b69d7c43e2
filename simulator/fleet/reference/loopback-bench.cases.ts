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
  type Version,
} from './server.cases.ts'

/** ms; far more than a round trip of loopback. */
const REST = 10

interface Way {
  readonly version: Version
  readonly secure: boolean
}

class LoopbackBench implements SessionBench {
  readonly #server: LoopbackServer
  readonly #dialled: Dialled
  readonly #way: Way
  #silent = false

  private constructor(server: LoopbackServer, way: Way, reliability: Reliability) {
    this.#server = server
    this.#way = way
    const { version, secure } = way
    server.answer = (packet, socket) => {
      if (!this.#silent) willing(version)(packet, socket)
    }
    this.#dialled = dial(server.port, reliability, { version }, secure ? trusting : null)
  }
  static async open(way: Way, reliability: Reliability): Promise<LoopbackBench> {
    return new LoopbackBench(await LoopbackServer.start(() => {}, way.secure), way, reliability)
  }

  get session(): Dialled['session'] {
    return this.#dialled.session
  }
  get log(): Dialled['log'] {
    return this.#dialled.log
  }
  arrived(): string[] {
    const after = this.#way.version === '5' ? 1 : 0
    return this.#server.packets
      .filter((packet) => packet.readUInt8(0) >> 4 === 3)
      .map((packet) => {
        const id = (packet.readUInt8(0) & 0b110) === 0 ? 0 : 2
        return packet.toString('latin1', 4 + packet.readUInt16BE(2) + id + after)
      })
  }
  closes(): number {
    return this.#server.sockets.filter(({ readableEnded }) => readableEnded).length
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
    this.#server.sockets.at(-1)?.write(bytes)
  }
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.log.over) this.close()
    await this.#server[Symbol.asyncDispose]()
  }
}

/** With MQTT 5 the server takes two messages at a time. */
export const loopbackBench = (way: Way): BenchSubject => ({
  name: `the package mqtt, MQTT ${way.version} over ${way.secure ? 'TLS' : 'TCP'}`,
  reliabilities: ['best-effort', 'acknowledged', 'exactly-once'],
  open: (reliability) => LoopbackBench.open(way, reliability),
})
