import assert from 'node:assert/strict'
import { test } from 'node:test'
import { monotonic } from '../../core/clock.ts'
import type { Lower } from '../../core/layer.ts'
import { Traffic } from '../../core/layer.ts'
import type { Joined } from '../../transports/quic-world.cases.ts'
import { clientContext, serverContext, World, write } from '../../transports/quic-world.cases.ts'
import type { BrokerSide } from './broker-side.ts'
import { FrontSession } from './front-session.ts'
import { MOST_WAITING } from './waiting.ts'

const [context, frontContext] = [clientContext(), serverContext()]

/** The broker's end of a TCP connection. */
class Socket implements Lower {
  readonly traffic = new Traffic()
  readonly above: BrokerSide
  heard = ''
  calls = 0
  closed = false
  full = false
  constructor(above: BrokerSide) {
    this.above = above
    above.below = this
  }
  fromAbove(bytes: Uint8Array): boolean {
    if (this.full) return false
    this.calls++
    this.heard += Buffer.from(bytes).toString('hex')
    return true
  }
  close(): void {
    this.closed = true
  }
  /** The broker says it, in one piece. */
  say(...packets: string[]): void {
    this.above.fromBelow(Buffer.from(packets.join(''), 'hex'), monotonic())
  }
  take(): string {
    const { heard } = this
    this.heard = ''
    return heard
  }
}

class Front extends World {
  readonly sockets: Socket[] = []
  /** Whether the broker answers at once. */
  reachable = true
  constructor() {
    super(frontContext)
    this.sessionFor = (peer) =>
      new FrontSession(peer, (above) => {
        const socket = new Socket(above)
        this.sockets.push(socket)
        if (this.reachable) above.open(monotonic())
      })
  }
  socket(index = 0): Socket {
    const socket = this.sockets[index]
    assert.ok(socket)
    return socket
  }
}

const CONNECT = '100c00044d5154540402003c0000'
const CONNACK = '20020000'
/** PUBLISH of `X` to topic `t`. */
const publish = (id: string, qos: 1 | 2 = 1): string => `3${qos * 2}06000174${id}58`
/** On a stream of the client, as hex. */
const say = (front: Front, { client }: Joined, stream: number, hex: string, fin = false): void => {
  client.connection?.streamSend(stream, Buffer.from(hex, 'hex'), fin)
  client.flush(monotonic())
  front.pump()
}
/** What came on a stream other than the first. */
const heardOn = ({ client }: Joined, stream: number): string => {
  const into = new Uint8Array(65536)
  const got = client.connection?.streamRecv(stream, into)
  return got ? Buffer.from(into.subarray(0, got[0])).toString('hex') : ''
}
const begun = (front: Front): Joined => {
  const device = front.opened({ context })
  write(device, Buffer.from(CONNECT, 'hex'))
  front.pump()
  assert.equal(front.socket().take(), CONNECT)
  front.socket().say(CONNACK)
  front.pump()
  assert.equal(Buffer.concat(device.top.received).toString('hex'), CONNACK)
  device.top.received = []
  return device
}
const heard = (device: Joined): string =>
  Buffer.concat(device.top.received.splice(0)).toString('hex')

test('one stream is passed on as it is, both ways, and pieces stay pieces', () => {
  const front = new Front()
  const device = begun(front)
  const calls = front.socket().calls
  write(device, Buffer.from(publish('0001') + publish('0002') + 'c000', 'hex'))
  front.pump()
  assert.equal(front.socket().take(), publish('0001') + publish('0002') + 'c000')
  assert.equal(front.socket().calls, calls + 1)
  front.socket().say('40020001', '40020002', 'd000')
  front.pump()
  assert.equal(heard(device), '4002000140020002d000')
  assert.equal(device.top.received.length, 0)
})

test('what a client says before the broker answers waits', () => {
  const front = new Front()
  front.reachable = false
  const device = front.opened({ context })
  write(device, Buffer.from(CONNECT, 'hex'))
  front.pump()
  assert.equal(front.socket().take(), '')
  front.socket().above.open(monotonic())
  assert.equal(front.socket().take(), CONNECT)
})

test('answers go back on the stream of their request, and equal identifiers of two streams are kept apart', () => {
  const front = new Front()
  const device = begun(front)
  write(device, Buffer.from(publish('0001'), 'hex'))
  front.pump()
  say(front, device, 4, publish('0001'))
  say(front, device, 8, '8206000100017400')
  assert.equal(front.socket().take(), publish('0001') + publish('ffff') + '8206fffe00017400')
  // In another order than they came, and in one piece.
  front.socket().say('9003fffe00', '40020001', '4002ffff')
  front.pump()
  assert.equal(heard(device), '40020001')
  assert.equal(heardOn(device, 4), '40020001')
  assert.equal(heardOn(device, 8), '9003000100')
})

test('an exchange of QoS 2 keeps its identifier to its end', () => {
  const front = new Front()
  const device = begun(front)
  write(device, Buffer.from(publish('0001', 2), 'hex'))
  front.pump()
  say(front, device, 4, publish('0001', 2))
  assert.equal(front.socket().take(), publish('0001', 2) + publish('ffff', 2))
  front.socket().say('5002ffff')
  front.pump()
  assert.equal(heardOn(device, 4), '50020001')
  say(front, device, 4, '62020001')
  assert.equal(front.socket().take(), '6202ffff')
  front.socket().say('7002ffff')
  front.pump()
  assert.equal(heardOn(device, 4), '70020001')
  say(front, device, 4, publish('0001', 2))
  assert.equal(front.socket().take(), publish('ffff', 2).replace('ffff', 'fffe'))
})

test('a PUBREC that refuses ends the flight', () => {
  const front = new Front()
  const device = begun(front)
  say(front, device, 0, publish('0001', 2))
  front.socket().say('5003000197')
  say(front, device, 4, publish('0001', 2))
  assert.equal(front.socket().take(), publish('0001', 2) + publish('0001', 2))
})

test("the broker's own messages, and answers for a stream that is gone, come on the control stream", () => {
  const front = new Front()
  const device = begun(front)
  say(front, device, 4, publish('0005'), true)
  front.socket().take()
  front.socket().say(publish('0009'), '40020005')
  front.pump()
  assert.equal(heard(device), publish('0009') + '40020005')
  write(device, Buffer.from('40020009', 'hex'))
  front.pump()
  assert.equal(front.socket().take(), '40020009')
})

test('a data stream that is faster than CONNECT waits for it', () => {
  const front = new Front()
  const device = front.opened({ context })
  say(front, device, 4, publish('0001'))
  assert.equal(front.socket().take(), '')
  write(device, Buffer.from(CONNECT, 'hex'))
  front.pump()
  assert.equal(front.socket().take(), CONNECT + publish('0001'))
})

test('CONNECT on a data stream, and bytes that are no packet, end the connection with error 1', () => {
  for (const [stream, hex] of [
    [4, CONNECT],
    [0, '30ffffffff'],
    [0, '3202000574'],
  ] as const) {
    const front = new Front()
    const device = begun(front)
    say(front, device, stream, hex)
    assert.equal(device.top.cause?.code, 'reset', hex)
    assert.match(device.top.cause.detail, /application error 1/)
    assert.ok(front.socket().closed)
  }
})

test('a broker that takes nothing stops the client, and loses nothing', async () => {
  const front = new Front()
  const device = begun(front)
  front.socket().full = true
  const large = `30f0a204000174${'ab'.repeat(70_000 - 3)}`
  let taken = 0
  for (let i = 0; i < 20; i++) {
    if (write(device, Buffer.from(large, 'hex'))) taken++
    await front.pass(5)
  }
  // The stream's window of 256 KiB, and what the client has kept of one message.
  assert.ok(taken >= 4 && taken <= 5, `${taken} messages`)
  assert.equal(device.top.cause, null)
  front.socket().full = false
  front.socket().above.ready(monotonic())
  await front.until(() => front.socket().heard.length === taken * large.length)
  assert.equal(front.socket().take(), large.repeat(taken))
})

test('one message, however large, waits for a broker that takes nothing', async () => {
  const front = new Front()
  const device = begun(front)
  front.socket().full = true
  const length = 2 * MOST_WAITING
  const message = Buffer.concat([Buffer.from('3083808001000174', 'hex'), Buffer.alloc(length)])
  device.top.onBytes = () => {}
  assert.ok(write(device, message))
  await front.pass(200)
  assert.equal(device.top.cause, null)
  front.socket().full = false
  front.socket().above.ready(monotonic())
  assert.equal(front.socket().heard.length, 2 * message.length)
})

test('a client that takes nothing is given up when too much waits for it', () => {
  const front = new Front()
  begun(front)
  front.lost = () => true
  const message = `30f0a204000174${'ab'.repeat(70_000 - 3)}`
  for (let i = 0; i < MOST_WAITING / 70_000; i++) front.socket().say(message)
  assert.ok(!front.socket().closed)
  for (let i = 0; i < 4; i++) front.socket().say(message)
  assert.ok(front.socket().closed)
  assert.equal(front.server.openConnections, 0)
})

test('either end that goes takes the other one with it', () => {
  const front = new Front()
  const [left, closed, dropped] = [front.opened({ context }), front.opened({ context }), front.opened({ context })] // prettier-ignore
  for (const device of [left, closed, dropped]) write(device, Buffer.from(CONNECT, 'hex'))
  front.pump()
  left.client.close(monotonic())
  front.pump()
  assert.ok(front.socket(0).closed)
  say(front, closed, 0, 'e000', true)
  assert.ok(front.socket(1).closed)
  assert.equal(closed.top.cause?.code, 'closed')
  front.socket(2).above.closed({ code: 'closed', detail: 'FIN' }, monotonic())
  front.pump()
  assert.equal(dropped.top.cause?.code, 'closed')
  assert.equal(front.server.openConnections, 0)
})
