/** WebSocket's client under hostile bytes: in its opening handshake, and behind it. */
import assert from 'node:assert/strict'
import type { Cause, Lower, Upper } from '../../simulator/core/layer.ts'
import { Traffic } from '../../simulator/core/layer.ts'
import { answer, clientFrames } from '../../simulator/transports/websocket-peer.cases.ts'
import { Below } from '../../simulator/transports/websocket.cases.ts'
import { WebSocketClient } from '../../simulator/transports/websocket.ts'
import type { Target } from './hostile.cases.ts'

class Top implements Upper {
  below!: Lower
  openedAt = Number.NaN
  opens = 0
  received = 0
  cause: Cause | null = null
  open(): void {
    this.opens++
    assert.equal(this.opens, 1, 'opened twice')
  }
  fromBelow(bytes: Uint8Array): void {
    assert.ok(this.opens === 1 && this.cause === null, 'bytes before open or after the end')
    this.received += bytes.length
  }
  ready(): void {}
  closed(cause: Cause): void {
    assert.equal(this.cause, null, 'closed twice')
    this.cause = cause
  }
}

const TARGET = { host: 'server.test:8083', path: '/mqtt', subprotocol: 'mqtt' }

export const webSocket: Target = {
  name: 'websocket-client',
  lifetime: 16,
  longestRandom: 300,
  fresh(random) {
    const [below, top] = [new Below(), new Top()]
    const layer = new WebSocketClient(TARGET, new Traffic(), random)
    layer.below = below
    layer.above = top
    top.below = layer
    layer.open(0)
    const accepted = answer(below.sent[0] ?? new Uint8Array())
    const shaken = random.integer(3) > 0
    if (shaken) layer.fromBelow(accepted, 0)
    let fed = 0
    return {
      samples: shaken ? [] : [accepted],
      feed(input, random) {
        const before = top.received
        below.sent = []
        for (let at = 0; at < input.length;) {
          const piece = random.integer(3) === 0 ? 1 + random.integer(8) : input.length
          below.full = random.integer(16) === 0
          layer.fromBelow(input.subarray(at, at + piece), 0)
          if (below.full) {
            below.full = false
            layer.ready(0)
          }
          at += piece
        }
        fed += input.length
        assert.ok(top.received - before <= input.length, 'more came out than went in')
        // A Pong costs the mask more than its Ping, a Close frame stands for anything.
        const said = clientFrames(Buffer.concat(below.sent))
        const bytes = said.reduce((sum, { size }) => sum + size, 0)
        assert.ok(bytes <= 3 * fed + 8, 'amplified')
        assert.ok(said.every(({ fin, opcode }) => fin && (opcode === 10 || opcode === 8)))
        assert.equal(below.closes, top.cause === null ? 0 : 1, 'closes below')
        assert.ok(!Number.isNaN(layer.deadline()))
      },
      over: () => top.cause !== null,
      accepted: () => Number(top.received > 0) + (shaken ? 0 : top.opens),
    }
  },
}
