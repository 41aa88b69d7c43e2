import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../core/clock.ts'
import { encodeDoubles } from '../../core/doubles.ts'
import { DOWN, UP } from './channel.ts'
import { Connections } from './connections.ts'
import { WireLog } from './log.ts'
import { countSpans } from './spans.ts'

const triples = (...numbers: number[]): string => encodeDoubles(Float64Array.from(numbers))

test('a port is a connection, and a first SYN from an old port is a new one', () => {
  const connections = new Connections(2)
  const numbers = [
    connections.of(0, 5000, true, 1),
    connections.of(0, 5000, false, 2),
    connections.of(0, 5001, true, 3),
    connections.of(0, 5000, false, 4),
    connections.of(0, 5001, false, 5),
    connections.of(1, 5001, false, 6),
    connections.of(0, 5000, true, 7),
    connections.of(0, 5000, false, 8),
  ]
  assert.deepEqual(numbers, [0, 0, 1, 0, 1, 2, 3, 3])
  assert.deepEqual(connections.bornAt, [1, 3, 6, 7])
  assert.deepEqual(connections.devices, [0, 0, 1, 0])
})

/** Device 0 closes connection A at 100 and makes B from 101 to 140, in which device 1 sends too. */
const busy = () => {
  const connections = new Connections(2)
  const log = new WireLog()
  const packet = (time: number, device: number, port: number, length: number, up = true): void => {
    const connection = connections.of(device, port, false, time)
    log.add(time, device, up ? UP : DOWN, length, 20, 20, false, connection)
  }
  packet(10, 0, 1, 1000) // A
  packet(20, 1, 1, 1000)
  packet(100, 0, 1, 40) // FIN of A
  packet(101, 0, 2, 60) // SYN of B
  packet(120, 0, 2, 61, false)
  packet(121, 0, 1, 41, false) // FIN of the server, for A
  packet(122, 1, 1, 1000)
  packet(140, 0, 2, 62)
  packet(149, 0, 2, 63, false)
  packet(151, 0, 2, 1000) // B is ready for longer than a round trip
  return { connections, log }
}

test('a connection counts from its first packet until a round trip after it is ready, without what closes the one before', () => {
  const { connections, log } = busy()
  const spans = { connects: triples(0, 101, 140), wakes: '' }
  const { connects, wakes } = countSpans(log, connections, spans, 10, NEVER)
  assert.deepEqual(connects, {
    up: { packets: 2, bytes: 60 + 62 },
    down: { packets: 2, bytes: 61 + 63 },
  })
  assert.deepEqual(wakes, { up: { packets: 0, bytes: 0 }, down: { packets: 0, bytes: 0 } })
})

test('an attempt that fails belongs to the connection that comes of it, one that was not asked for to none', () => {
  const connections = new Connections(1)
  const log = new WireLog()
  for (const [time, port] of [
    [100, 1], // refused
    [150, 2], // succeeds at 200
    [300, 3], // a reconnection of its own
  ] as const)
    log.add(time, 0, UP, 60, 20, 40, false, connections.of(0, port, true, time))
  const spans = { connects: triples(0, 100, 200), wakes: '' }
  assert.equal(countSpans(log, connections, spans, 10, NEVER).connects.up.packets, 2)
})

test('what closes all connections when the cell ends is no part of those that were made last', () => {
  const { connections, log } = busy()
  const { up, down } = countSpans(
    log,
    connections,
    { connects: triples(0, 101, 140), wakes: '' },
    10,
    145,
  ).connects
  assert.deepEqual([up.packets, down.packets], [2, 1])
})

test('a wake-up counts all packets of its device from then until the first delivery', () => {
  const { connections, log } = busy()
  const spans = { connects: '', wakes: triples(0, 101, 140, 0, 150, 160, 1, 0, 20) }
  const { connects, wakes } = countSpans(log, connections, spans, 10, NEVER)
  assert.deepEqual(wakes, {
    up: { packets: 4, bytes: 60 + 62 + 1000 + 1000 },
    down: { packets: 2, bytes: 61 + 41 },
  })
  assert.equal(connects.up.packets, 0)
})
