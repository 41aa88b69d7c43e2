import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Traffic } from '../../core/layer.ts'
import type { BrokerEvents } from './broker-side.ts'
import { BrokerSide } from './broker-side.ts'
import { BrokerStream } from './broker-stream.ts'

/** A client's session, as far as its broker knows it. */
class Session implements BrokerEvents {
  readonly side = new BrokerSide(this)
  readonly stream = new BrokerStream(this.side, new Traffic())
  readonly packets: string[] = []
  ready = 0
  ended = 0
  fromBroker(first: number, bytes: Uint8Array, start: number, end: number): void {
    this.packets.push(`${first.toString(16)}:${Buffer.from(bytes.subarray(start, end)).toString()}`)
    bytes.fill(0, start, end)
  }
  brokerPaused(): void {}
  brokerReady(): void {
    this.ready++
  }
  overloaded(): void {}
  brokerEnded(): void {
    this.ended++
  }
}

/** PUBLISH of QoS 0 with that as all of it. */
const packet = (content: string): Buffer =>
  Buffer.from([0x30, content.length, ...Buffer.from(content)])

test('what the client says can be read, and is a copy', () => {
  const { side, stream } = new Session()
  const said = Buffer.from('hello')
  side.send(said, 0)
  said.fill(0)
  assert.equal(String(stream.read()), 'hello')
  assert.equal(stream.traffic.sentBytes, 5)
})

test('what the broker writes comes up in whole packets, and what it wrote stays as it was', async () => {
  const { packets, stream } = new Session()
  const written = packet('abc')
  stream.write(written.subarray(0, 1))
  stream.write(written.subarray(1))
  assert.deepEqual(packets, ['30:abc'])
  stream.cork()
  for (const part of [packet('d'), packet('e'), written]) stream.write(part)
  stream.uncork()
  assert.deepEqual(packets, ['30:abc', '30:d', '30:e', '30:abc'])
  assert.deepEqual(written, packet('abc'))
  await Promise.resolve()
  assert.deepEqual([stream.traffic.receivedBytes, stream.traffic.receivedCalls], [16, 3])
})

test('a broker that reads nothing makes the client wait, until it reads', () => {
  const session = new Session()
  const { side, stream } = session
  const opened = session.ready
  const piece = Buffer.alloc(16 * 1024, 1)
  let sent = 0
  while (side.takes) {
    side.send(piece, 0)
    sent++
    assert.ok(sent < 100, 'the client is never told to wait')
  }
  assert.equal(session.ready, opened)
  let read = 0
  for (let got = stream.read() as Buffer | null; got !== null; got = stream.read() as Buffer | null)
    read += got.length
  assert.equal(read, sent * piece.length)
  assert.equal(session.ready, opened + 1)
  assert.ok(side.takes)
})

test('what the client said last is read before the end that follows it, and nobody is told of its own end', async () => {
  const { ended, packets, side, stream } = new Session()
  side.send(Buffer.from('last words'), 0)
  side.close(0)
  const heard: string[] = []
  stream.on('data', (bytes: Buffer) => heard.push(bytes.toString()))
  await once(stream, 'close')
  assert.deepEqual(heard, ['last words'])
  assert.equal(ended, 0)
  assert.deepEqual(packets, [])
})

test('nothing comes up after the client is gone, whatever the broker still writes', () => {
  const { packets, side, stream } = new Session()
  stream.on('error', () => {})
  side.close(0)
  stream.write(packet('late'))
  assert.deepEqual(packets, [])
})

for (const how of ['end', 'destroy'] as const)
  test(`the client is told once when the broker ends it (${how}), after what the broker said`, async () => {
    const session = new Session()
    const { side, stream } = session
    stream.write(packet('bye'))
    stream.resume()
    stream[how]()
    await once(stream, 'close')
    assert.deepEqual([session.ended, session.packets], [1, ['30:bye']])
    side.send(Buffer.from('into the void'), 0)
    side.close(0)
    assert.equal(session.ended, 1)
  })
