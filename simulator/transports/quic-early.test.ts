import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { monotonic } from '../core/clock.ts'
import { QuicTickets } from './quic-tickets.ts'
import type { QuicContext } from './quic.ts'
import type { Joined, Top } from './quic-world.cases.ts'
import { clientContext, OTHER_PKI, serverContext, World, write } from './quic-world.cases.ts'

const early = clientContext({ earlyData: true })
const full = clientContext()
const earlyServer = serverContext({ earlyData: true })

/** Connects, so that there is a ticket, and closes. */
const before = (world: World, tickets: QuicTickets, context: QuicContext, device = 0): void => {
  const first = world.opened({ context, identity: { device, tickets } })
  first.client.close(monotonic())
  world.pump()
  world.log = []
}
/** Says `hello` as soon as it can. */
const sayHello = (top: Top, now: number): void =>
  void top.below.fromAbove(Buffer.from('hello'), now)
const first = (world: World, context: QuicContext): [World, Joined] => [
  world,
  world.join({ context, onOpen: sayHello }),
]
const again = (world: World, tickets: QuicTickets, context: QuicContext): Joined =>
  world.join({ context, identity: { device: 0, tickets }, onOpen: sayHello })

test('a device that has a ticket resumes, and another one does not', () => {
  const world = new World()
  const tickets = new QuicTickets()
  before(world, tickets, full)
  const resumed = world.opened({ context: full, identity: { device: 0, tickets } })
  const other = world.opened({ context: full, identity: { device: 1, tickets } })
  assert.equal(resumed.client.negotiated()['resumed'], 'yes')
  assert.equal(resumed.client.negotiated()['early'], 'no')
  assert.equal(other.client.negotiated()['resumed'], 'no')
  assert.deepEqual([tickets.offered, tickets.accepted], [1, 1])
})

test('0-RTT: data goes with the first flight, and is answered with the first flight of the server', () => {
  const world = new World(earlyServer)
  world.echo = true
  const tickets = new QuicTickets()
  before(world, tickets, early)
  const device = again(world, tickets, early)
  assert.equal(device.top.opens, 1)
  assert.ok(Number.isNaN(device.client.establishedAt))
  const flight = world.queue
  assert.equal(flight.length, 2)
  world.queue = []
  for (const datagram of flight) world.deliver(datagram)
  assert.equal(world.session().top().text, 'hello')
  assert.equal(world.server.openConnections, 0, 'the handshake is not done')
  const answer = world.queue
  world.queue = []
  for (const datagram of answer) world.deliver(datagram)
  assert.equal(device.top.text, 'hello')
  world.pump()
  assert.deepEqual(device.client.negotiated(), {
    version: 'QUIC 1, TLS 1.3',
    congestion: 'bbr',
    resumed: 'yes',
    early: 'yes',
  })
  assert.equal(device.top.opens, 1)
})

test('without a ticket there is no 0-RTT', () => {
  const world = new World(earlyServer)
  const device = again(world, new QuicTickets(), early)
  assert.equal(device.top.opens, 0)
  world.pump()
  assert.equal(device.client.negotiated()['early'], 'no')
  assert.equal(world.session().top().text, 'hello')
})

test('what a server that allows no early data passes over arrives after the handshake, once', async () => {
  const ticketKey = randomBytes(48)
  const world = new World(serverContext({ earlyData: true, ticketKey }))
  const tickets = new QuicTickets()
  before(world, tickets, early)
  world.restart(serverContext({ ticketKey }))
  const device = again(world, tickets, early)
  await world.until(() => world.sessions.length > 0)
  assert.equal(world.session().top().text, 'hello')
  assert.equal(device.client.negotiated()['resumed'], 'yes')
})

test('tickets survive a restart of the server with the same key, and 0-RTT with them', () => {
  const ticketKey = randomBytes(48)
  const world = new World(serverContext({ earlyData: true, ticketKey }))
  const tickets = new QuicTickets()
  before(world, tickets, early)
  world.restart(serverContext({ earlyData: true, ticketKey }))
  again(world, tickets, early)
  for (const datagram of world.queue.splice(0)) world.deliver(datagram)
  assert.equal(world.session().top().text, 'hello')
})

test('a ticket of another key means a full handshake, and early data arrives after it, once', async () => {
  const world = new World(serverContext({ earlyData: true, ticketKey: randomBytes(48) }))
  const tickets = new QuicTickets()
  before(world, tickets, early)
  world.restart(serverContext({ earlyData: true, ticketKey: randomBytes(48) }))
  const device = again(world, tickets, early)
  await world.until(() => world.sessions.length > 0)
  await world.pass(50)
  assert.equal(world.session().top().text, 'hello')
  assert.equal(device.client.negotiated()['resumed'], 'no')
  assert.deepEqual([tickets.offered, tickets.accepted], [1, 0])
})

test('a server that became another one is not trusted because of a ticket, and the ticket goes', async () => {
  const world = new World(earlyServer)
  const tickets = new QuicTickets()
  before(world, tickets, early)
  world.restart(serverContext({ ...OTHER_PKI, earlyData: true }))
  const device = again(world, tickets, early)
  await world.until(() => device.top.cause !== null)
  assert.equal(device.top.cause?.code, 'certificate')
  assert.equal(world.sessions.length, 0)
  const next = world.join({ context: early, identity: { device: 0, tickets } })
  assert.equal(next.top.opens, 0)
})

test('whoever replays the first flight makes the server hear it twice (RFC 9001 section 9.2)', () => {
  const world = new World(earlyServer)
  const tickets = new QuicTickets()
  before(world, tickets, early)
  const device = again(world, tickets, early)
  const flight = world.queue.map(({ bytes }) => new Uint8Array(bytes))
  world.pump()
  device.client.close(monotonic())
  world.pump()
  assert.equal(world.sessions.length, 1)
  for (const bytes of flight) world.server.fromPeer(world.address(9), bytes, monotonic())
  assert.equal(world.sessions.length, 2)
  assert.equal(world.session(1).top().text, 'hello')
  assert.equal(write(device, 'x'), false)
})

/** Round trips until the first thing that was said is answered. */
const trips = (world: World, device: Joined): number => {
  for (let n = 1; n < 9; n++) {
    world.roundTrip()
    if (device.top.text === 'hello') return n
  }
  throw new Error('no answer')
}

test('the first answer takes 2 round trips; 1 with 0-RTT; 1 more with Retry', () => {
  const echoing = (world: World): World => {
    world.echo = true
    return world
  }
  assert.equal(trips(...first(echoing(new World()), full)), 2)
  assert.equal(trips(...first(echoing(new World(serverContext(), { retryFrom: 0 })), full)), 3)
  for (const [context, expected] of [
    [full, 2],
    [early, 1],
  ] as const) {
    const world = echoing(new World(earlyServer))
    const tickets = new QuicTickets()
    before(world, tickets, context)
    assert.equal(trips(world, again(world, tickets, context)), expected)
  }
})

test('two messages in the first flight are both answered after 1 round trip', () => {
  const world = new World(earlyServer)
  world.echo = true
  const tickets = new QuicTickets()
  before(world, tickets, early)
  const identity = { device: 0, tickets }
  const onOpen = (top: Top, now: number): void => {
    sayHello(top, now)
    top.below.fromAbove(Buffer.from(' again'), now)
  }
  const device = world.join({ context: early, identity, onOpen })
  assert.equal(world.queue.length, 2, 'both in one packet')
  world.roundTrip()
  assert.equal(device.top.text, 'hello again')
})
