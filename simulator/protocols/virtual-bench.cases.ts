/** A session of ours in virtual time, where ten minutes take a millisecond. */
import assert from 'node:assert/strict'
import { SECOND } from '../core/clock.ts'
import type { Reliability } from '../core/types.ts'
import type { DeviceSession } from './session.ts'
import type { BenchSubject, DeviceLog, SessionBench } from './session-bench.cases.ts'
import { MOMENT, SessionWorld, type SessionSubject } from './session-world.cases.ts'

/** No timer of a protocol is longer. */
export const PATIENCE = 600 * SECOND

class VirtualBench implements SessionBench {
  readonly #world: SessionWorld
  constructor(subject: SessionSubject, reliability: Reliability) {
    this.#world = new SessionWorld(subject, reliability)
  }
  get session(): DeviceSession {
    return this.#world.session
  }
  get log(): DeviceLog {
    return this.#world.log
  }
  arrived(): string[] {
    return this.#world.consumer.messages.map(({ text }) => text)
  }
  closes(): number {
    return this.#world.tap.closes
  }
  connect(): Promise<void> {
    this.#world.connect()
    return Promise.resolve()
  }
  send(sequence: number): boolean {
    return this.#world.send(sequence)
  }
  close(): void {
    this.#world.close()
  }
  settle(done: () => boolean): Promise<void> {
    this.#world.run(20 * MOMENT)
    assert.ok(done(), 'never')
    return Promise.resolve()
  }
  rest(): Promise<void> {
    // What the other side has said is said again, so that it comes after the end.
    const { log, tap } = this.#world
    if (log.over) for (const bytes of tap.heard) this.#world.hear(bytes)
    this.#world.run(log.over ? PATIENCE : MOMENT)
    return Promise.resolve()
  }
  lose(): void {
    this.#world.lose({ code: 'reset', detail: 'by the test' })
  }
  silence(): void {
    this.#world.tap.silent = true
  }
  hear(bytes: Uint8Array): void {
    this.#world.hear(bytes)
  }
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve()
  }
}

export const virtualBench = (subject: SessionSubject): BenchSubject => ({
  name: subject.adapter.name,
  reliabilities: subject.adapter.reliabilities,
  open: (reliability) => Promise.resolve(new VirtualBench(subject, reliability)),
})
