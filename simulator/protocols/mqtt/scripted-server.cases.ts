/** The other side of a session, for tests: what the session handed down, and what it told the application, as readable lines. */
import { Random } from '../../core/random.ts'
import type { Cause, Lower } from '../../core/layer.ts'
import { Traffic } from '../../core/layer.ts'
import type { ProtocolOptions, Reliability } from '../../core/types.ts'
import type { ConsumerEvents, DeviceEvents } from '../session.ts'

export const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

export const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))

export class Below implements Lower {
  readonly traffic = new Traffic()
  /** Hex of what was taken, one entry per call. */
  sent: string[] = []
  closes = 0
  blocked = false

  fromAbove(bytes: Uint8Array): boolean {
    if (this.blocked) return false
    this.sent.push(Buffer.from(bytes).toString('hex'))
    return true
  }

  close(): void {
    this.closes++
  }

  /** What was sent since the last call. */
  take(): string[] {
    const sent = this.sent
    this.sent = []
    return sent
  }
}

export class Events implements DeviceEvents, ConsumerEvents {
  readonly lines: string[] = []
  /** Runs when the session may be used again. */
  onUnblocked: () => void = () => {}

  sessionReady(): void {
    this.lines.push('ready')
  }
  consumerReady(): void {
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
    this.onUnblocked()
  }
  received(device: number, payload: Uint8Array): void {
    this.lines.push(`received ${device} ${Buffer.from(payload).toString('latin1')}`)
  }
  ended(cause: Cause): void {
    this.lines.push(`ended ${cause.code}: ${cause.detail}`)
  }

  /** What happened since the last call. */
  take(): string[] {
    return this.lines.splice(0)
  }
}

export const deviceConfig = (reliability: Reliability, options: ProtocolOptions = {}) => ({
  device: 42,
  reliability,
  options,
  serverName: 'server.test',
  password: '',
  random: new Random(1),
  registration: 'resource-directory' as const,
})

export const consumerConfig = (reliability: Reliability, options: ProtocolOptions = {}) => ({
  devices: 100,
  reliability,
  options,
  serverName: 'server.test',
  password: '',
  random: new Random(1),
})
