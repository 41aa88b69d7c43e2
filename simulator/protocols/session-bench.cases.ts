/** Where the shared cases see a device session at work: in virtual time on a network in memory, or over real sockets. */
import assert from 'node:assert/strict'
import type { Cause, Upper } from '../core/layer.ts'
import type { Reliability } from '../core/types.ts'
import type { DeviceEvents, DeviceSession } from './session.ts'

export const DEVICE = 42

/** The payload of a message: base64url text, as in a fleet. */
export const payloadOf = (sequence: number): Uint8Array =>
  Uint8Array.from(Buffer.from(`message-${sequence}-${'A_z'.repeat(sequence % 7)}`))

/** What a session told, one line per event; that nothing follows the end is checked here. */
export class DeviceLog implements DeviceEvents {
  lines: string[] = []
  /** The session is over, because it said so or because it was closed. */
  over = false
  cause: Cause | null = null
  /** Of the message that was given up last. */
  reason = ''
  onUnblocked: () => void = () => {}
  onHeard: (payload: Uint8Array) => void = () => {}

  #note(line: string): void {
    assert.ok(!this.over, `after the end: ${line}`)
    this.lines.push(line)
  }
  sessionReady(): void {
    this.#note('ready')
  }
  transmitted(sequence: number): void {
    this.#note(`transmitted ${sequence}`)
  }
  acknowledged(sequence: number): void {
    this.#note(`acknowledged ${sequence}`)
  }
  gaveUp(sequence: number, reason: string): void {
    this.#note(`gave up ${sequence}`)
    this.reason = reason
  }
  unblocked(): void {
    this.#note('unblocked')
    this.onUnblocked()
  }
  heard(payload: Uint8Array): void {
    this.#note(`heard ${Buffer.from(payload).toString('latin1')}`)
    this.onHeard(payload)
  }
  ended(cause: Cause): void {
    this.#note(`ended ${cause.code}`)
    this.cause = cause
    this.over = true
  }

  /** What was told since the last time. */
  take(): string[] {
    return this.lines.splice(0)
  }
}

/** One session, what is below it, and who answers. It has not connected. */
export interface SessionBench extends AsyncDisposable {
  readonly session: Omit<DeviceSession, Exclude<keyof Upper, 'openedAt'>>
  readonly log: DeviceLog
  /** The payloads that came to the other side, in order. */
  arrived(): readonly string[]
  /** How often the session has closed what is below it, as far as the other side can see. */
  closes(): number
  /** Until the session is ready or over, or everything has happened that will. */
  connect(): Promise<void>
  /** The message of `payloadOf`, in bytes that are somebody else's after the call. */
  send(sequence: number): boolean
  close(): void
  /** Until `done`; fails when that never comes. */
  settle(done: () => boolean): Promise<void>
  /** Until nothing can follow, as far as the bench can wait. */
  rest(): Promise<void>
  /** The connection is reset. */
  lose(): void
  /** From now on the other side says nothing, whatever it hears. */
  silence(): void
  /** The other side says these bytes. */
  hear(bytes: Uint8Array): void
}

/** A client of a protocol under test. */
export interface BenchSubject {
  readonly name: string
  readonly reliabilities: readonly Reliability[]
  readonly open: (reliability: Reliability) => Promise<SessionBench>
}
