import assert from 'node:assert/strict'
import { test } from 'node:test'
import { monotonic, NEVER, SECOND } from '../core/clock.ts'
import { destinationOf } from './quic-packet.ts'
import { RetryTokens } from './quic-token.ts'
import type { Joined } from './quic-world.cases.ts'
import { clientContext, serverContext, World, write } from './quic-world.cases.ts'

const context = serverContext()

/** Says something, and hears it. */
const echoed = async (world: World, device: Joined, text: string): Promise<void> => {
  const from = device.top.text.length
  assert.ok(write(device, text))
  await world.until(() => device.top.text.slice(from) === text)
}

/** A copy of the last datagram that went up. */
const lastUp = (world: World): Uint8Array => {
  const datagram = world.log.findLast(({ up }) => up)
  assert.ok(datagram)
  return new Uint8Array(datagram.bytes)
}

test('connections do not hear of each other', () => {
  const world = new World(context)
  world.echo = true
  const [one, other] = [world.opened(), world.opened()]
  write(one, 'one')
  write(other, 'other')
  world.pump()
  assert.deepEqual([one.top.text, other.top.text], ['one', 'other'])
  assert.equal(world.server.openConnections, 2)
})

test('a client whose address changes keeps its connection, again and again', async () => {
  const world = new World(context)
  world.echo = true
  const device = world.opened()
  await echoed(world, device, 'before ')
  for (let i = 0; i < 5; i++) {
    world.rebind(device)
    await echoed(world, device, `after ${i} `)
    const { port } = world.session().peer.address
    assert.equal(device.port.peer % 65536, port)
  }
  assert.equal(world.sessions.length, 1)
  assert.equal(device.top.cause, null)
})

test('a change of address costs a path challenge, at first of no more than the server may send there, then of 1200 bytes', async () => {
  const world = new World(context)
  world.echo = true
  const device = world.opened()
  await echoed(world, device, 'x'.repeat(200))
  world.log = []
  world.rebind(device)
  write(device, 'y'.repeat(200))
  world.pump()
  const [up = 0] = world.sizes(true)
  assert.deepEqual(world.sizes(false).slice(0, 2), [3 * up, 1200])
})

test('after a change of address the server reaches the client there without being asked', async () => {
  const world = new World(context)
  world.echo = true
  const device = world.opened()
  await echoed(world, device, 'before ')
  world.rebind(device)
  await echoed(world, device, 'after ')
  world.session().top().below.fromAbove(Buffer.from('news'), monotonic())
  await world.until(() => device.top.text.endsWith('news'))
})

test('a client that moves on purpose takes its spare connection id, and keeps its connection again and again', async () => {
  const world = new World(context)
  world.echo = true
  const device = world.opened()
  await echoed(world, device, 'before ')
  const before = destinationOf(lastUp(world))
  const ids = new Set<string | null>()
  for (let i = 0; i < 5; i++) {
    world.rebind(device)
    world.log = []
    device.client.moved(monotonic())
    const packet = world.log[0]?.bytes
    ids.add(packet === undefined ? null : destinationOf(packet))
    await echoed(world, device, `after ${i} `)
  }
  assert.equal(ids.size, 1)
  assert.notEqual([...ids][0], before)
  assert.equal(device.top.cause, null)
  assert.equal(world.sessions.length, 1)
})

test('an id that a client gives back finds nobody any more, brings no reset, and it gets another one', async () => {
  const world = new World(context)
  world.echo = true
  const device = world.opened()
  await echoed(world, device, 'before ')
  const first = lastUp(world)
  world.rebind(device)
  device.client.moved(monotonic())
  await echoed(world, device, 'moved ')
  device.client.connection?.retireDestinationCid(0)
  await echoed(world, device, 'retired ')
  world.log = []
  world.server.fromPeer(device.port.peer, first, monotonic())
  assert.deepEqual(world.log, [])
  await echoed(world, device, 'after ')
})

test('a client that would take any number of connection ids gets three spare ones', () => {
  const world = new World(context)
  const greedy = clientContext()
  greedy.config.setActiveConnectionIdLimit(2 ** 40)
  const device = world.opened({ context: greedy })
  assert.equal(device.client.connection?.availableDcids(), 3)
})

test('a copy of a packet from elsewhere does not steal the connection', async () => {
  const world = new World(context)
  world.echo = true
  const device = world.opened()
  await echoed(world, device, 'before ')
  world.server.fromPeer(world.address(7), lastUp(world), monotonic())
  world.pump()
  await echoed(world, device, 'after')
})

test('with Retry a client shows first that it receives at its address', () => {
  const world = new World(context, { retryFrom: 0 })
  world.echo = true
  const device = world.join()
  world.deliver(world.queue.shift() as never)
  assert.equal(world.server.handshakes, 0, 'nothing is kept for the first Initial')
  assert.equal(world.server.retries, 1)
  world.pump()
  assert.equal(device.top.opens, 1)
  write(device, 'hello')
  world.pump()
  assert.equal(device.top.text, 'hello')
})

test('Retry begins when too many handshakes are under way, and clients still get in', () => {
  const world = new World(context, { retryFrom: 3 })
  world.lost = (_number, { up }) => !up
  for (let i = 0; i < 50; i++) world.join()
  world.pump()
  assert.equal(world.server.handshakes, 3)
  assert.equal(world.server.retries, 47)
  world.lost = () => false
  world.opened()
  assert.equal(world.server.openConnections, 1)
})

test('a half-open handshake ends after 10 s', () => {
  const world = new World(context)
  world.lost = (_number, { up }) => !up
  world.join()
  world.pump()
  assert.equal(world.server.handshakes, 1)
  world.expireAll(monotonic() + 11 * SECOND)
  assert.equal(world.server.handshakes, 0)
})

test('beyond the limit of connections clients are refused with words, and one that leaves makes room', () => {
  const world = new World(context, { connections: 2 })
  const first = world.opened()
  world.opened()
  const third = world.join()
  world.pump()
  assert.equal(third.top.cause?.code, 'refused')
  assert.match(third.top.cause.detail, /takes no QUIC connection now/)
  assert.ok(world.server.refused > 0)
  first.client.close(monotonic())
  world.pump()
  world.opened()
})

test('at most three times what an address has sent goes to it before it is validated', async () => {
  const world = new World(context)
  const joined = world.join()
  const hello = world.queue.splice(0)
  world.lost = (_number, { up }) => !up
  world.clients.clear()
  joined.client.closed({ code: 'local', detail: 'gone' }, monotonic())
  for (const datagram of hello) world.deliver(datagram)
  await world.pass(300)
  const sum = (sizes: number[]): number => sizes.reduce((total, size) => total + size, 0)
  assert.ok(sum(world.sizes(false)) <= 3 * sum(hello.map(({ bytes }) => bytes.length)))
})

test('a late copy of the Initial opens no other connection', () => {
  const world = new World(context)
  world.opened()
  const initial = world.log[0]
  assert.ok(initial)
  world.server.fromPeer(initial.peer, new Uint8Array(initial.bytes), monotonic())
  assert.equal(world.server.handshakes, 0)
  assert.equal(world.server.openConnections, 1)
})

test('a version that we do not speak is answered with those that we do', () => {
  const world = new World(context)
  const hello = new Uint8Array(1200)
  hello.set([0xc0, 0xba, 0xba, 0xba, 0xba, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0])
  world.server.fromPeer(world.address(5), hello, monotonic())
  const [answer] = world.log
  assert.ok(answer)
  // Version 0, and both ids in turn (RFC 9000 section 17.2.1).
  assert.deepEqual([...answer.bytes.subarray(1, 7)], [0, 0, 0, 0, 0, 8])
  assert.ok(answer.bytes.length < 100)
})

test('each stream of a client has its own pile, and more than are allowed do not open', () => {
  const world = new World(serverContext({ streams: 3 }))
  const device = world.opened()
  const { connection } = device.client
  assert.ok(connection)
  for (const id of [0, 4, 8]) connection.streamSend(id, Buffer.from(`stream ${id}`), false)
  assert.throws(() => connection.streamSend(12, Buffer.from('one more'), false), /StreamLimit/)
  device.client.flush(monotonic())
  world.pump()
  assert.deepEqual(
    [...world.session().tops.keys()].sort((a, b) => a - b),
    [0, 4, 8],
  )
  assert.equal(world.session().top(8).text, 'stream 8')
  connection.streamSend(4, new Uint8Array(0), true)
  device.client.flush(monotonic())
  world.pump()
  assert.equal(world.session().top(4).cause?.code, 'closed')
  assert.equal(world.session().top(0).cause, null)
  assert.equal(world.session().cause, null, 'the connection goes on')
})

test('a server that closes says so to everybody', () => {
  const world = new World(context)
  const devices = [world.opened(), world.opened()]
  world.server.close(monotonic())
  world.pump()
  for (const { top } of devices) assert.equal(top.cause?.code, 'closed')
  assert.ok(world.closed)
  assert.equal(world.server.deadline(), NEVER)
})

test('a token is good for the address, the id and the time that it was made for', () => {
  const tokens = new RetryTokens()
  const [original, id] = [Buffer.from('original'), Buffer.from('retry id')]
  const token = tokens.make(1, original, id, 0)
  assert.deepEqual(tokens.original(token, 1, id, SECOND), new Uint8Array(original))
  assert.equal(tokens.original(token, 2, id, SECOND), null)
  assert.equal(tokens.original(token, 1, original, SECOND), null)
  assert.equal(tokens.original(token, 1, id, 11 * SECOND), null)
  assert.equal(new RetryTokens().original(token, 1, id, SECOND), null)
  for (let i = 0; i < token.length; i++) {
    const changed = new Uint8Array(token)
    changed[i] = (changed[i] ?? 0) ^ 1
    assert.equal(tokens.original(changed, 1, id, SECOND), null)
    assert.equal(tokens.original(token.subarray(0, i), 1, id, SECOND), null)
  }
})
