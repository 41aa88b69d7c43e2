/** A WebSocket client between two ends that remember what they heard, for tests. */
import assert from 'node:assert/strict'
import type { Cause, Lower, Upper } from '../core/layer.ts'
import { Traffic } from '../core/layer.ts'
import { Random } from '../core/random.ts'
import { answer, clientFrames } from './websocket-peer.cases.ts'
import type { ClientFrame } from './websocket-peer.cases.ts'
import { WebSocketClient } from './websocket.ts'

export class Below implements Lower {
  readonly traffic = new Traffic()
  sent: Uint8Array[] = []
  closes = 0
  full = false
  fromAbove(bytes: Uint8Array): boolean {
    assert.equal(this.closes, 0, 'bytes after close')
    if (this.full) return false
    this.sent.push(bytes.slice())
    return true
  }
  close(): void {
    this.closes++
  }
}

export class Top implements Upper {
  below!: Lower
  openedAt = Number.NaN
  opens = 0
  readies = 0
  received: number[] = []
  cause: Cause | null = null
  onBytes: (bytes: Uint8Array) => void = () => {}
  open(now: number): void {
    this.opens++
    this.openedAt = now
  }
  fromBelow(bytes: Uint8Array): void {
    assert.equal(this.opens, 1, 'bytes before open')
    assert.equal(this.cause, null, 'bytes after the end')
    assert.ok(bytes.length > 0)
    for (const byte of bytes) this.received.push(byte)
    this.onBytes(bytes)
  }
  ready(): void {
    this.readies++
  }
  closed(cause: Cause): void {
    assert.equal(this.cause, null, 'closed twice')
    this.cause = cause
  }
}

export class Bench {
  readonly below = new Below()
  readonly top = new Top()
  readonly layer: WebSocketClient

  constructor(seed = 1) {
    const target = { host: 'server.test:8083', path: '/mqtt', subprotocol: 'mqtt' }
    this.layer = new WebSocketClient(target, new Traffic(), new Random(seed))
    this.layer.above = this.top
    this.layer.below = this.below
    this.top.below = this.layer
  }

  /** One for which the opening handshake is done, and forgotten. */
  static opened(seed = 1): Bench {
    const bench = new Bench(seed)
    bench.layer.open(0)
    bench.feed(answer(bench.request))
    assert.equal(bench.top.opens, 1)
    bench.below.sent = []
    return bench
  }

  get request(): Uint8Array {
    return this.below.sent[0] ?? new Uint8Array()
  }

  feed(bytes: Uint8Array): void {
    this.layer.fromBelow(bytes, 1)
  }

  frames(): ClientFrame[] {
    return clientFrames(Buffer.concat(this.below.sent))
  }

  /** How it ended, and the payload of the Close frame that was sent. */
  end(): readonly [string | null, string] {
    const close = this.frames().find(({ opcode }) => opcode === 8)
    const { cause } = this.top
    return [cause && `${cause.code}: ${cause.detail}`, close?.payload.toString('hex') ?? 'none']
  }
}
