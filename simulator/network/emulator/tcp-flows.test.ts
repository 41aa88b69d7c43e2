import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DOWN, UP } from './channel.ts'
import { tcpPacket } from './packet.cases.ts'
import { ACK, FIN, Headers, SYN } from './packet.ts'
import { TcpFlows } from './tcp-flows.ts'

const headers = new Headers()
let flows = new TcpFlows(2)

interface Sent {
  readonly flags?: number
  readonly payload?: string
  readonly port?: number
  readonly device?: number
}

const up = (
  sequence: number,
  { flags = ACK, payload = '', port = 40000, device = 0 }: Sent = {},
): boolean => {
  const packet = tcpPacket({
    source: '10.64.0.1',
    destination: '10.63.0.1',
    ports: [port, 1883],
    sequence,
    flags,
    payload,
  })
  assert.ok(headers.read(packet, 0, packet.length))
  return flows.retransmitted(device, UP, headers)
}

const down = (
  sequence: number,
  { flags = ACK, payload = '', port = 40000, device = 0 }: Sent = {},
): boolean => {
  const packet = tcpPacket({
    source: '10.63.0.1',
    destination: '10.64.0.1',
    ports: [1883, port],
    sequence,
    flags,
    payload,
  })
  assert.ok(headers.read(packet, 0, packet.length))
  return flows.retransmitted(device, DOWN, headers)
}

test('in a connection without losses nothing is a retransmission', () => {
  flows = new TcpFlows(2)
  const seen = [
    up(1000, { flags: SYN }),
    down(5000, { flags: SYN | ACK }),
    up(1001),
    up(1001, { payload: 'hello' }),
    down(5001),
    down(5001, { payload: 'there' }),
    up(1006, { flags: FIN | ACK }),
    down(5006, { flags: FIN | ACK }),
    up(1007),
  ]
  assert.deepEqual(
    seen,
    seen.map(() => false),
  )
})

test('SYN, data and FIN that come again are retransmissions, bare acknowledgements are not', () => {
  flows = new TcpFlows(2)
  up(1000, { flags: SYN })
  assert.equal(up(1000, { flags: SYN }), true)
  assert.equal(up(1001), false)
  assert.equal(up(1001), false)
  up(1001, { payload: 'hello' })
  assert.equal(up(1001, { payload: 'hello' }), true)
  up(1006, { flags: FIN | ACK })
  assert.equal(up(1006, { flags: FIN | ACK }), true)
})

test('a segment that repeats old bytes and adds new ones is a retransmission, and the new ones count as seen', () => {
  flows = new TcpFlows(2)
  up(1, { payload: 'hello' })
  assert.equal(up(4, { payload: 'lo there' }), true)
  assert.equal(up(12, { payload: '!' }), false)
})

test('a retransmission of the middle does not lower what has been seen', () => {
  flows = new TcpFlows(2)
  up(1, { payload: 'a'.repeat(100) })
  up(101, { payload: 'b'.repeat(100) })
  assert.equal(up(1, { payload: 'a'.repeat(100) }), true)
  assert.equal(up(101, { payload: 'b'.repeat(100) }), true)
  assert.equal(up(201, { payload: 'c' }), false)
})

test('a keep-alive probe of one old byte is a retransmission, one without bytes is not', () => {
  flows = new TcpFlows(2)
  up(100, { payload: 'hello' })
  assert.equal(up(104, { payload: 'o' }), true)
  assert.equal(up(104), false)
})

test('sequence numbers wrap around at 2^32', () => {
  flows = new TcpFlows(2)
  up(0xfffffffe, { payload: 'hello' })
  assert.equal(up(3, { payload: 'world' }), false)
  assert.equal(up(0xfffffffe, { payload: 'hello' }), true)
  assert.equal(up(3, { payload: 'world' }), true)
  assert.equal(up(8, { payload: '!' }), false)
})

test('a segment that itself crosses 2^32 counts as seen', () => {
  flows = new TcpFlows(2)
  up(0xfffffff0, { payload: 'before' })
  assert.equal(up(0xfffffff6, { payload: 'across the end of it' }), false)
  assert.equal(up(0xfffffff6, { payload: 'across the end of it' }), true)
  assert.equal(up(10, { payload: 'behind' }), false)
})

test('the two directions and two devices are told apart', () => {
  flows = new TcpFlows(2)
  up(1000, { payload: 'hello' })
  assert.equal(down(1000, { payload: 'hello' }), false)
  assert.equal(up(1000, { payload: 'hello', device: 1 }), false)
  assert.equal(down(1000, { payload: 'hello' }), true)
})

test('a device that changes between connections is remembered in each', () => {
  flows = new TcpFlows(2)
  up(1000, { payload: 'hello', port: 40000 })
  assert.equal(up(1000, { payload: 'hello', port: 40001 }), false)
  assert.equal(up(1000, { payload: 'hello', port: 40000 }), true)
  assert.equal(up(1005, { payload: 'more', port: 40001 }), false)
  assert.equal(up(1005, { payload: 'more', port: 40000 }), false)
  assert.equal(up(1005, { payload: 'more', port: 40001 }), true)
})

test('a new connection on old ports begins with a SYN of another sequence number', () => {
  flows = new TcpFlows(2)
  up(1000, { flags: SYN })
  down(5000, { flags: SYN | ACK })
  up(1001, { payload: 'hello' })
  assert.equal(up(500, { flags: SYN }), false)
  assert.equal(down(400, { flags: SYN | ACK }), false)
  assert.equal(up(501, { payload: 'hello' }), false)
  assert.equal(up(501, { payload: 'hello' }), true)
})
