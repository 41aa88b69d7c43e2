/** A TLS client and a TLS server with pipes in memory between them, for tests. */
import assert from 'node:assert/strict'
import type { Cause, Layer, Lower, Upper } from '../core/layer.ts'
import { Traffic } from '../core/layer.ts'
import { makePki } from '../security/pki.ts'
import type { TlsIdentity } from './tls.ts'
import { TlsClient, TlsContext, TlsServer } from './tls.ts'

const DAY = 86_400_000
export const dates = (from: number, to: number) => ({
  notBefore: new Date(Date.now() + from * DAY),
  notAfter: new Date(Date.now() + to * DAY),
})
export const PKI = makePki({ dnsName: 'server.test', ip: '10.77.0.1', ...dates(-1, 1) })
export const GCM = { version: '1.3', group: 'X25519', cipher: 'TLS_AES_128_GCM_SHA256' } as const
export const CCM8 = { ...GCM, cipher: 'TLS_AES_128_CCM_8_SHA256' } as const
export const GCM12 = { ...GCM, version: '1.2', cipher: 'ECDHE-ECDSA-AES128-GCM-SHA256' } as const

const clientContext = TlsContext.client({ ...GCM, authority: PKI.authority })
const serverContext = TlsContext.server({ ...GCM, ...PKI })

/** A direction of a stream in memory. Nothing is delivered from inside a call. */
export class Pipe implements Lower {
  readonly traffic = new Traffic()
  readonly calls: Uint8Array[] = []
  queue: Uint8Array[] = []
  finished = false
  full = false
  /** Whether the last call was refused. */
  refused = false
  fromAbove(bytes: Uint8Array): boolean {
    assert.ok(!this.finished, 'bytes after close')
    if (this.full) {
      this.refused = true
      return false
    }
    this.calls.push(bytes.slice())
    this.queue.push(bytes.slice())
    return true
  }
  close(): void {
    this.finished = true
  }
}

/** The top of a pile: remembers what it heard. */
export class Top implements Upper {
  below!: Lower
  openedAt = Number.NaN
  opens = 0
  readies = 0
  received: number[] = []
  cause: Cause | null = null
  open(now: number): void {
    this.opens++
    this.openedAt = now
  }
  fromBelow(bytes: Uint8Array): void {
    for (const byte of bytes) this.received.push(byte)
  }
  ready(): void {
    this.readies++
  }
  closed(cause: Cause): void {
    assert.equal(this.cause, null, 'closed twice')
    this.cause = cause
  }
}

export class End {
  readonly pipe = new Pipe()
  readonly top = new Top()
  readonly layer: Layer & { negotiated(): Readonly<Record<string, string>> }
  told = false
  constructor(layer: Layer & { negotiated(): Readonly<Record<string, string>> }) {
    this.layer = layer
    layer.above = this.top
    layer.below = this.pipe
    this.top.below = layer
  }
  write(bytes: Uint8Array): boolean {
    return this.layer.fromAbove(bytes, 0)
  }
}

export interface Pair {
  readonly client: End
  readonly server: End
}

/** Hands the first `most` bytes that wait in `from` to `to`, then the FIN. */
export const carry = (from: End, to: End, most = Infinity): boolean => {
  const bytes = Buffer.concat(from.pipe.queue)
  from.pipe.queue = []
  if (bytes.length > most) from.pipe.queue.push(bytes.subarray(most))
  const piece = bytes.subarray(0, Math.min(most, bytes.length))
  if (piece.length > 0) to.layer.fromBelow(Uint8Array.from(piece), 0)
  if (from.pipe.finished && from.pipe.queue.length === 0 && !from.told) {
    from.told = true
    if (!to.pipe.finished) to.layer.closed({ code: 'closed', detail: 'FIN' }, 0)
    return true
  }
  return piece.length > 0
}

export const pump = ({ client, server }: Pair): void => {
  for (let moved = true; moved;) {
    const up = carry(client, server)
    const down = carry(server, client)
    moved = up || down
  }
}

export interface PairOptions {
  readonly client?: TlsContext
  readonly server?: TlsContext
  readonly serverName?: string
  readonly identity?: TlsIdentity
  /** Before either end opens. */
  readonly before?: (pair: Pair) => void
}

export const newPair = (options: PairOptions = {}): Pair => {
  const name = options.serverName ?? 'server.test'
  const pair = {
    client: new End(
      new TlsClient(options.client ?? clientContext, new Traffic(), name, options.identity),
    ),
    server: new End(new TlsServer(options.server ?? serverContext, new Traffic())),
  }
  options.before?.(pair)
  pair.server.layer.open(0)
  pair.client.layer.open(0)
  return pair
}

export const openPair = (options: PairOptions = {}): Pair => {
  const pair = newPair(options)
  pump(pair)
  assert.equal(pair.client.top.cause, null)
  assert.equal(pair.client.top.opens, 1)
  assert.equal(pair.server.top.opens, 1)
  return pair
}
