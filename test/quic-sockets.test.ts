/** The QUIC layer and its server on real UDP sockets. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, SECOND } from '../simulator/core/clock.ts'
import type { Cause, Timed, Upper } from '../simulator/core/layer.ts'
import { Traffic } from '../simulator/core/layer.ts'
import { EpollReactor } from '../simulator/io/epoll.ts'
import { clientContext, serverContext } from '../simulator/transports/quic-world.cases.ts'
import { QuicServer } from '../simulator/transports/quic-server.ts'
import { QuicClient } from '../simulator/transports/quic.ts'

/** Loopback addresses of this process's own, so that test files that run at once do not meet. */
const host = (last: number): string =>
  `127.${(process.pid >> 8) & 127}.${process.pid & 255}.${last}`
const server = { host: host(1), port: 14567 }

/** Says one thing after the other, each after the answer to the last; the owner of its connection's deadlines. */
class Device implements Upper {
  timerSlot = -1
  openedAt = Number.NaN
  declare below: QuicClient
  readonly client: QuicClient
  heard = ''
  cause: Cause | null = null
  readonly #done: () => void
  readonly #rounds: number
  #round = 0
  constructor(client: QuicClient, rounds: number, done: () => void) {
    this.client = client
    this.#rounds = rounds
    this.#done = done
    client.above = this
    this.below = client
  }
  open(now: number): void {
    this.openedAt = now
    this.#say(now)
  }
  fromBelow(bytes: Uint8Array, now: number): void {
    this.heard += Buffer.from(bytes).toString()
    if (this.#round < this.#rounds) return this.#say(now)
    this.client.close(now)
    this.#done()
  }
  #say(now: number): void {
    this.client.fromAbove(Buffer.from(`${this.#round++};`), now)
  }
  ready(): void {}
  closed(cause: Cause): void {
    this.cause = cause
    this.#done()
  }
  deadline(): number {
    return this.client.deadline()
  }
  expire(now: number): void {
    this.client.expire(now)
  }
}

/** Ends the test when it takes too long. */
class Watchdog implements Timed {
  timerSlot = -1
  readonly #at: number
  readonly #bite: () => void
  constructor(at: number, bite: () => void) {
    this.#at = at
    this.#bite = bite
  }
  deadline(): number {
    return this.#at
  }
  expire(): void {
    this.#bite()
    throw new Error('not within 5 s')
  }
}

const echo: ConstructorParameters<typeof QuicServer>[3] = () => ({
  streamOpened: (stream) => ({
    below: stream,
    openedAt: 0,
    open() {},
    fromBelow: (bytes, now) => void stream.fromAbove(new Uint8Array(bytes), now),
    ready() {},
    closed() {},
  }),
  over() {},
})

test('devices with a socket each and a server on one socket talk over UDP', () => {
  using reactor = new EpollReactor()
  const endpoint = new QuicServer(serverContext(), reactor, new Traffic(), echo)
  reactor.bindDatagram(server, new Traffic(), endpoint, endpoint)
  reactor.arm(new Watchdog(reactor.now() + 5 * SECOND, () => reactor.stop()))
  const [context, traffic] = [clientContext(), new Traffic()]
  let left = 20
  const devices = Array.from({ length: left }, () => {
    const client = new QuicClient(context, traffic, 'server.test')
    const device = new Device(client, 3, () => --left === 0 && reactor.stop())
    const remote = server
    reactor.connectDatagram({ local: { host: host(2), port: 0 }, remote, owner: device, traffic: new Traffic() }, client) // prettier-ignore
    return device
  })
  reactor.run()
  for (const { heard, cause } of devices) {
    assert.equal(cause, null)
    assert.equal(heard, '0;1;2;')
  }
  assert.equal(traffic.sentBytes, 20 * 6)
})

test('where nobody listens, a device hears so at once', () => {
  using reactor = new EpollReactor()
  const client = new QuicClient(clientContext(), new Traffic(), 'server.test')
  const device = new Device(client, 1, () => reactor.stop())
  reactor.arm(new Watchdog(reactor.now() + 5 * SECOND, () => reactor.stop()))
  const started = reactor.now()
  const [local, remote] = [
    { host: host(2), port: 0 },
    { host: host(3), port: 14567 },
  ]
  reactor.connectDatagram({ local, remote, owner: device, traffic: new Traffic() }, client)
  reactor.run()
  assert.equal(device.cause?.code, 'refused')
  assert.ok(reactor.now() - started < 500 * MILLISECOND)
})
