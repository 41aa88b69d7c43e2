import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { MILLISECOND, NEVER, SECOND, type Nanoseconds } from '../core/clock.ts'
import {
  peerKey,
  type DatagramEndpoint,
  type DatagramSocket,
  type PeerKey,
} from '../core/endpoint.ts'
import { Traffic, type Cause, type Lower, type Upper } from '../core/layer.ts'
import { NodeLoop } from './node-loop.ts'
import type { Timer } from './reactor.ts'

const until = async (what: () => boolean): Promise<void> => {
  const deadline = performance.now() + 5000
  while (!what() && performance.now() < deadline) await new Promise((go) => setTimeout(go, 1))
  assert.ok(what())
}

/** Notes by how much each of its deadlines was missed. */
class Alarm implements Timer {
  timerSlot = -1
  readonly late: Nanoseconds[] = []
  readonly #due: Nanoseconds[]
  readonly #first: () => void
  constructor(first: () => void, ...due: Nanoseconds[]) {
    this.#first = first
    this.#due = due
  }
  deadline(): Nanoseconds {
    return this.#due[0] ?? NEVER
  }
  expire(now: Nanoseconds): void {
    if (this.late.length === 0) this.#first()
    this.late.push(now - (this.#due.shift() ?? NaN))
  }
}

test('deadlines are met in order, never early, and not after disarm', async () => {
  const loop = new NodeLoop()
  const start = loop.now()
  const order: number[] = []
  const alarms = [7.3, 2.1, 4.9].map(
    (ms, i) => new Alarm(() => order.push(i), start + ms * MILLISECOND, start + 20 * MILLISECOND),
  )
  const silenced = new Alarm(() => {}, start + 3 * MILLISECOND)
  const far = new Alarm(() => {}, start + 1e9 * SECOND)
  for (const alarm of [...alarms, silenced, far]) loop.arm(alarm)
  loop.disarm(silenced)
  await until(() => alarms.every(({ late }) => late.length === 2))
  loop.disarm(far)
  assert.ok(alarms.every(({ late }) => late.every((by) => by >= 0)))
  assert.deepEqual(order, [1, 2, 0])
  assert.deepEqual([silenced.late, far.late], [[], []])
})

test('many deadlines of one instant all expire', async () => {
  const loop = new NodeLoop()
  const at = loop.now() + MILLISECOND
  const alarms = Array.from({ length: 200 }, () => new Alarm(() => {}, at))
  for (const alarm of alarms) loop.arm(alarm)
  await until(() => alarms.every(({ late }) => late.length > 0))
  assert.ok(alarms.every(({ late }) => late.length === 1))
})

class Sink implements Upper, Timer {
  declare below: Lower
  timerSlot = -1
  openedAt: Nanoseconds = NaN
  readonly heard: string[] = []
  cause: Cause | null = null
  open(now: Nanoseconds): void {
    this.openedAt = now
  }
  fromBelow(bytes: Uint8Array): void {
    this.heard.push(Buffer.from(bytes).toString())
  }
  ready(): void {}
  closed(cause: Cause): void {
    this.cause = cause
  }
  deadline(): Nanoseconds {
    return NEVER
  }
  expire(): void {}
}

test('a datagram socket has the local address that was asked for, sends, hears, and counts', async () => {
  const echo = createSocket('udp4')
  echo.on('message', (bytes, { port, address }) => {
    echo.send(`${bytes.toString()} of ${address}`, port, address)
  })
  echo.bind(0, '127.0.0.1')
  await once(echo, 'listening')
  const sink = new Sink()
  const traffic = new Traffic()
  const below = new NodeLoop().connectDatagram(
    {
      local: { host: '127.0.0.9', port: 0 },
      remote: { host: '127.0.0.1', port: echo.address().port },
      owner: sink,
      traffic,
    },
    sink,
  )
  assert.equal(sink.below, below)
  assert.equal(below.fromAbove(Buffer.from('early'), 0), false)
  await until(() => !Number.isNaN(sink.openedAt))
  assert.equal(below.fromAbove(Buffer.from('hello'), 0), true)
  await until(() => sink.heard.length > 0)
  assert.deepEqual(sink.heard, ['hello of 127.0.0.9'])
  assert.deepEqual([traffic.sentBytes, traffic.receivedBytes], [5, 18])
  below.close(0)
  below.close(0)
  echo.close()
})

/** Answers each datagram with its own bytes. */
class Echo implements DatagramEndpoint, Timer {
  declare below: DatagramSocket
  timerSlot = -1
  readonly peers: PeerKey[] = []
  #due: Nanoseconds = NEVER
  expired = 0
  fromPeer(peer: PeerKey, bytes: Uint8Array, now: Nanoseconds): void {
    this.peers.push(peer)
    this.#due = now + MILLISECOND
    this.below.toPeer(peer, bytes, now)
  }
  peerGone(): void {}
  deadline(): Nanoseconds {
    return this.#due
  }
  expire(): void {
    this.#due = NEVER
    this.expired++
  }
}

test('a datagram endpoint answers each peer by its key, is asked for its deadline, and counts', async () => {
  const loop = new NodeLoop()
  const [echo, there, here] = [new Echo(), new Traffic(), new Traffic()]
  const probe = createSocket('udp4').bind(0, '127.0.0.8')
  await once(probe, 'listening')
  const remote = { host: '127.0.0.8', port: probe.address().port }
  assert.throws(() => loop.bindDatagram(remote, there, new Echo(), new Echo()), {
    code: 'TB_SYSTEM_CALL',
    message: /bind of UDP 127\.0\.0\.8:\d+.*EADDRINUSE/,
  })
  await new Promise<void>((closed) => probe.close(closed))
  const bound = loop.bindDatagram(remote, there, echo, echo)
  assert.equal(bound, echo.below)
  const locals = [1, 2, 3].map((n) => ({ host: `127.0.9.${n}`, port: 7100 + n }))
  const sinks = locals.map((local) => {
    const sink = new Sink()
    loop.connectDatagram({ local, remote, owner: sink, traffic: here }, sink)
    return sink
  })
  await until(() => sinks.every(({ openedAt }) => !Number.isNaN(openedAt)))
  for (const [i, sink] of sinks.entries()) sink.below.fromAbove(Buffer.from(`from ${i}`), 0)
  await until(() => sinks.every(({ heard }) => heard.length > 0) && echo.expired > 0)
  assert.deepEqual(
    sinks.map(({ heard }) => heard),
    [['from 0'], ['from 1'], ['from 2']],
  )
  assert.deepEqual(new Set(echo.peers), new Set(locals.map(peerKey)))
  assert.deepEqual([there.sentCalls, there.receivedBytes, there.receivedCalls], [3, 18, 3])
  bound.close(0)
  bound.close(0)
  bound.toPeer(peerKey(remote), Buffer.from('late'), 0)
  assert.equal(there.sentCalls, 3)
  for (const { below } of sinks) below.close(0)
})

test('an address that is not ours ends the datagram socket', async () => {
  const sink = new Sink()
  new NodeLoop().connectDatagram(
    {
      local: { host: '203.0.113.1', port: 0 },
      remote: { host: '127.0.0.1', port: 9 },
      owner: sink,
      traffic: new Traffic(),
    },
    sink,
  )
  await until(() => sink.cause !== null)
  assert.equal(sink.cause?.code, 'limit')
})
