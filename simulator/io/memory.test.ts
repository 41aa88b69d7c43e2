import { test } from 'node:test'
import assert from 'node:assert/strict'
import { MILLISECOND, NEVER, type Nanoseconds } from '../core/clock.ts'
import type { DatagramSocket, PeerKey } from '../core/endpoint.ts'
import { Traffic, type Lower } from '../core/layer.ts'
import { MemoryReactor } from './memory.ts'
import { reactorCases } from './reactor.cases.ts'

const DELAY = 10 * MILLISECOND

/** An end that notes when what happens, and sends `greeting` when it opens. */
class Witness {
  timerSlot = -1
  openedAt: Nanoseconds = NaN
  declare below: Lower
  readonly log: string[]
  readonly name: string
  readonly greeting: Uint8Array | null
  kept: Uint8Array | null = null
  constructor(name: string, log: string[], greeting: Uint8Array | null = null) {
    this.name = name
    this.log = log
    this.greeting = greeting
  }
  note(what: string, now: Nanoseconds): void {
    this.log.push(`${now / MILLISECOND} ${this.name} ${what}`)
  }
  open(now: Nanoseconds): void {
    this.openedAt = now
    this.note('open', now)
    if (this.greeting !== null) this.below.fromAbove(this.greeting, now)
  }
  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    this.kept = bytes
    this.note(`got ${Buffer.from(bytes).toString()}`, now)
  }
  ready(now: Nanoseconds): void {
    this.note('ready', now)
  }
  closed({ code }: { code: string }, now: Nanoseconds): void {
    this.note(`closed ${code}`, now)
  }
  deadline(): Nanoseconds {
    return NEVER
  }
  expire(): void {}
}

const REMOTE = { host: '10.0.0.1', port: 1883 }

const connected = (): {
  log: string[]
  reactor: MemoryReactor
  client: Witness
  server: Witness
} => {
  const log: string[] = []
  const reactor = new MemoryReactor({ delay: DELAY })
  const client = new Witness('client', log, Buffer.from('hello'))
  const server = new Witness('server', log)
  reactor.listenStream(REMOTE, new Traffic(), () => ({ above: server, owner: server }))
  reactor.connectStream({ remote: REMOTE, owner: client, traffic: new Traffic() }, client)
  return { log, reactor, client, server }
}

reactorCases('MemoryReactor', () => {
  const reactor = new MemoryReactor({ delay: MILLISECOND })
  return {
    reactor,
    server: '10.0.0.1',
    client: '10.0.0.2',
    mayVanish: true,
    resetAt(address) {
      reactor.listenStream(address, new Traffic(), () => {
        const above = new Witness('server', [])
        above.open = () => reactor.reset(above.below)
        return { above, owner: above }
      })
    },
    [Symbol.dispose]() {},
  }
})

test('A connect takes one round trip, bytes and FIN one delay.', () => {
  const { log, reactor, client } = connected()
  reactor.runUntil(50 * MILLISECOND)
  assert.equal(reactor.now(), 50 * MILLISECOND)
  client.below.close(reactor.now())
  reactor.run()
  assert.deepEqual(log, [
    '20 client open',
    '30 server open',
    '30 server got hello',
    '60 server closed closed',
  ])
})

test('Bytes that were kept without a copy are spoiled after the call.', () => {
  const { reactor, server } = connected()
  reactor.run()
  assert.deepEqual(server.kept, new Uint8Array(5).fill(0xdd))
})

test('A listener that closes before the handshake ends resets who connects.', () => {
  const log: string[] = []
  const reactor = new MemoryReactor({ delay: DELAY })
  const client = new Witness('client', log)
  const listener = reactor.listenStream(REMOTE, new Traffic(), () => assert.fail('accepted'))
  reactor.connectStream({ remote: REMOTE, owner: client, traffic: new Traffic() }, client)
  reactor.runUntil(25 * MILLISECOND)
  listener.close()
  reactor.run()
  assert.deepEqual(log, ['20 client open', '40 client closed reset'])
})

test('Loss decides by index and direction, and takes datagrams alone.', () => {
  const log: string[] = []
  const asked: string[] = []
  const reactor = new MemoryReactor({
    delay: DELAY,
    loss(index, from, to) {
      asked.push(`${index} ${from.host} ${to.host}`)
      return index === 1
    },
  })
  const echo = {
    timerSlot: -1,
    below: undefined as unknown as DatagramSocket,
    fromPeer(peer: PeerKey, bytes: Uint8Array, now: Nanoseconds) {
      this.below.toPeer(peer, bytes, now)
    },
    peerGone() {},
    deadline: () => NEVER,
    expire() {},
  }
  const remote = { host: '10.0.0.1', port: 5683 }
  reactor.bindDatagram(remote, new Traffic(), echo, echo)
  const client = new Witness('client', log)
  const local = { host: '10.0.0.2', port: 0 }
  reactor.connectDatagram({ local, remote, owner: client, traffic: new Traffic() }, client)
  for (const text of ['one', 'two', 'three']) client.below.fromAbove(Buffer.from(text), 0)
  reactor.run()
  assert.deepEqual(log, ['0 client open', '20 client got one', '20 client got three'])
  assert.deepEqual(asked, [
    '0 10.0.0.2 10.0.0.1',
    '1 10.0.0.2 10.0.0.1',
    '2 10.0.0.2 10.0.0.1',
    '3 10.0.0.1 10.0.0.2',
    '4 10.0.0.1 10.0.0.2',
  ])
})

test('What arrives at the instant of a deadline comes before it.', () => {
  const { log, reactor } = connected()
  let due = 30 * MILLISECOND
  reactor.arm({
    timerSlot: -1,
    deadline: () => due,
    expire(now) {
      due = NEVER
      log.push(`${now / MILLISECOND} deadline`)
    },
  })
  reactor.run()
  assert.deepEqual(log.slice(1), ['30 server open', '30 server got hello', '30 deadline'])
})
