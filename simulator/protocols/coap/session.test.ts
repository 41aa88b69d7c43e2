import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'coap-packet'
import { NEVER, SECOND } from '../../core/clock.ts'
import type { ProtocolOptions, Reliability } from '../../core/types.ts'
import { BackToBack, DeviceLog, sessionConfig, Wire } from './back-to-back.cases.ts'
import { CoapDevice } from './session.ts'

const PAYLOAD = Buffer.from('AAAAAAAAcanary')
const T0 = 1e12

/** A session whose registration was answered, and the ID of its next request. */
const registered = (reliability: Reliability, options: ProtocolOptions = {}) => {
  const log = new DeviceLog()
  const wire = new Wire()
  const device = new CoapDevice(sessionConfig(reliability, options), log)
  device.below = wire
  device.open(T0)
  const request = parse(Buffer.from(wire.sent[0] as string, 'hex'))
  device.fromBelow(reply('6241', request.messageId, request.messageId), T0)
  wire.sent.length = 0
  log.lines.length = 0
  return { log, wire, device, first: (request.messageId + 1) & 0xffff }
}

const word = (value: number): string => (value & 0xffff).toString(16).padStart(4, '0')
/** Header byte and code, message ID, token. */
const reply = (head: string, id: number, token?: number): Uint8Array =>
  Buffer.from(head + word(id) + (token === undefined ? '' : word(token)), 'hex')

const ACK_CHANGED = '6244'
const EMPTY_ACK = '6000'
const EMPTY_RST = '7000'

test('a session registers with one CON request at the resource directory, and its answer makes it ready', () => {
  const { log, device } = (() => {
    const log = new DeviceLog()
    const wire = new Wire()
    const device = new CoapDevice(sessionConfig('acknowledged'), log)
    device.below = wire
    assert.ok(Number.isNaN(device.openedAt))
    device.open(T0)
    assert.equal(device.openedAt, T0)
    const packet = parse(Buffer.from(wire.sent[0] as string, 'hex'))
    assert.deepEqual([packet.code, packet.confirmable, packet.token.length], ['0.02', true, 2])
    assert.deepEqual(
      packet.options.map(({ name, value }) => [name, value.toString('latin1')]),
      [
        ['Uri-Path', 'rd'],
        ['Content-Format', '('],
        ['Uri-Query', 'ep=d000042'],
      ],
    )
    assert.equal(device.outstanding(), 0)
    device.fromBelow(reply('6241', packet.messageId, packet.messageId), T0 + SECOND)
    return { log, device }
  })()
  assert.deepEqual(log.lines, ['ready'])
  assert.equal(device.deadline(), NEVER)
})

test('for a server with a time resource, it asks for the time and then puts', () => {
  const log = new DeviceLog()
  const wire = new Wire()
  const config = { ...sessionConfig('acknowledged'), registration: 'time-resource' as const }
  const device = new CoapDevice(config, log)
  device.below = wire
  device.open(T0)
  const packet = parse(Buffer.from(wire.sent[0] as string, 'hex'))
  assert.equal(packet.code, '0.01')
  assert.deepEqual(packet.options, [{ name: 'Uri-Path', value: Buffer.from('time') }])
  device.fromBelow(reply('6245', packet.messageId, packet.messageId), T0)
  device.send(0, PAYLOAD, T0)
  assert.equal(parse(Buffer.from(wire.sent[1] as string, 'hex')).code, '0.03')
})

test('a CON costs 16 bytes beside its payload, a NON that asks for no answer 17', () => {
  for (const [reliability, overhead, code] of [
    ['acknowledged', 16, true],
    ['best-effort', 17, false],
  ] as const) {
    const { wire, device, first } = registered(reliability)
    assert.ok(device.send(0, PAYLOAD, T0))
    const bytes = Buffer.from(wire.sent[0] as string, 'hex')
    assert.equal(bytes.length, overhead + PAYLOAD.length)
    const packet = parse(bytes)
    assert.deepEqual([packet.code, packet.confirmable, packet.messageId], ['0.02', code, first])
    assert.deepEqual(packet.payload, PAYLOAD)
    const path = packet.options.filter(({ name }) => name === 'Uri-Path')
    assert.deepEqual(
      path.map(({ value }) => value.toString()),
      ['d', '000042'],
    )
    const silence = packet.options.filter(({ name }) => name === 'No-Response')
    assert.deepEqual(
      silence.map(({ value }) => value[0]),
      code ? [] : [26],
    )
  }
})

test('an empty payload leaves no payload marker', () => {
  const { wire, device } = registered('acknowledged')
  device.send(0, new Uint8Array(0), T0)
  assert.equal(parse(Buffer.from(wire.sent[0] as string, 'hex')).payload.length, 0)
  assert.ok(!(wire.sent[0] as string).endsWith('ff'))
})

test('NON is sent once, is never outstanding and never held back', () => {
  const { log, wire, device } = registered('best-effort')
  for (let k = 0; k < 100; k++) assert.ok(device.send(k, PAYLOAD, T0))
  assert.equal(wire.sent.length, 100)
  assert.equal(device.outstanding(), 0)
  assert.equal(device.deadline(), NEVER)
  assert.equal(log.lines.filter((line) => line.startsWith('transmitted')).length, 100)
})

test('NSTART 1 refuses a second request until the first is answered, and then says so once', () => {
  const { log, device, first } = registered('acknowledged')
  assert.ok(device.send(0, PAYLOAD, T0))
  assert.equal(device.send(1, PAYLOAD, T0), false)
  assert.equal(device.send(1, PAYLOAD, T0), false)
  assert.equal(device.outstanding(), 1)
  device.fromBelow(reply(ACK_CHANGED, first, first), T0)
  assert.deepEqual(log.lines, ['transmitted 0', 'acknowledged 0', 'unblocked'])
  assert.equal(device.outstanding(), 0)
  assert.ok(device.send(1, PAYLOAD, T0))
})

test('nobody is told unblocked who was not refused', () => {
  const { log, device, first } = registered('acknowledged')
  device.send(0, PAYLOAD, T0)
  device.fromBelow(reply(ACK_CHANGED, first, first), T0)
  assert.deepEqual(log.lines, ['transmitted 0', 'acknowledged 0'])
})

test('with nstart 3, three are outstanding; with 0, any number', () => {
  for (const [nstart, taken] of [
    [3, 3],
    [0, 50],
  ] as const) {
    const { device } = registered('acknowledged', { nstart })
    let count = 0
    while (count < 50 && device.send(count, PAYLOAD, T0)) count++
    assert.equal(count, taken)
    assert.equal(device.outstanding(), taken)
  }
})

test('answers in any order acknowledge their own requests', () => {
  const { log, device, first } = registered('acknowledged', { nstart: 0 })
  for (let k = 0; k < 3; k++) device.send(k, PAYLOAD, T0)
  for (const k of [2, 0, 1]) device.fromBelow(reply(ACK_CHANGED, first + k, first + k), T0)
  assert.deepEqual(log.lines.slice(3), ['acknowledged 2', 'acknowledged 0', 'acknowledged 1'])
  assert.equal(device.deadline(), NEVER)
})

test('an error response gives the message up with its code, a Reset as RST', () => {
  const { log, device, first } = registered('acknowledged', { nstart: 0 })
  for (let k = 0; k < 3; k++) device.send(k, PAYLOAD, T0)
  device.fromBelow(reply('6284', first, first), T0)
  device.fromBelow(reply('62a0', first + 1, first + 1), T0)
  device.fromBelow(reply(EMPTY_RST, first + 2), T0)
  assert.deepEqual(log.lines.slice(3), ['gaveUp 0 4.04', 'gaveUp 1 5.00', 'gaveUp 2 RST'])
})

test('a separate response is awaited without copies, acknowledged on arrival, and its duplicate too', () => {
  const { log, wire, device, first } = registered('acknowledged')
  device.send(0, PAYLOAD, T0)
  device.fromBelow(reply(EMPTY_ACK, first), T0)
  assert.equal(device.outstanding(), 1)
  wire.sent.length = 0
  device.expire(device.deadline())
  assert.deepEqual(wire.sent, [])
  assert.equal(device.deadline(), T0 + 247 * SECOND)
  // Acknowledged, it no longer counts for NSTART (RFC 7252 section 4.7).
  assert.ok(device.send(1, PAYLOAD, T0))
  wire.sent.length = 0
  device.fromBelow(reply('4244', 0x1234, first), T0 + 60 * SECOND)
  device.fromBelow(reply('4244', 0x1234, first), T0 + 62 * SECOND)
  assert.deepEqual(wire.sent, ['60001234', '60001234'])
  assert.deepEqual(log.lines.slice(-1), ['acknowledged 0'])
})

test('a separate response that overtakes the acknowledgement ends the retransmission; one as NON is not acknowledged', () => {
  const { log, wire, device, first } = registered('acknowledged', { nstart: 0 })
  device.send(0, PAYLOAD, T0)
  device.send(1, PAYLOAD, T0)
  wire.sent.length = 0
  device.fromBelow(reply('4244', 0x1234, first), T0)
  device.fromBelow(reply(EMPTY_ACK, first), T0)
  device.fromBelow(reply('5244', 0x1235, first + 1), T0)
  assert.deepEqual(wire.sent, ['60001234'])
  assert.deepEqual(log.lines.slice(2), ['acknowledged 0', 'acknowledged 1'])
  assert.equal(device.deadline(), NEVER)
})

test('a separate response that never comes is given up after EXCHANGE_LIFETIME', () => {
  const { log, wire, device, first } = registered('acknowledged')
  device.send(0, PAYLOAD, T0)
  device.fromBelow(reply(EMPTY_ACK, first), T0 + SECOND)
  wire.sent.length = 0
  device.expire(T0 + 247 * SECOND)
  assert.deepEqual(log.lines.slice(-1), ['gaveUp 0 no answer'])
  assert.deepEqual(wire.sent, [])
  assert.equal(device.deadline(), NEVER)
})

test('what a client must reject, it rejects with RST; what it must ignore, it ignores', () => {
  const { log, wire, device, first } = registered('acknowledged')
  device.send(0, PAYLOAD, T0)
  log.lines.length = 0
  wire.sent.length = 0
  const rejected = ['4000aaaa', '40010001', '42440002ffff', '4001aaabff', '40e00003']
  const ignored = [
    reply(ACK_CHANGED, first, first + 1), // token of another request
    reply(ACK_CHANGED, first + 1, first), // message ID of another request
    reply('6202', first, first), // a request on an ACK
    reply('5244', 0x77, 0xffff), // NON response to nothing
    Buffer.from('5001beef', 'hex'), // NON request
    Buffer.from('5001beefff', 'hex'), // malformed NON
    Buffer.from(`7244${word(first)}${word(first)}`, 'hex'), // RST that is not empty
    Buffer.from(`6244${word(first)}${word(first)}d00a`, 'hex'), // unknown critical option 23
    Buffer.from('c0', 'hex'),
  ]
  for (const hex of rejected) device.fromBelow(Buffer.from(hex, 'hex'), T0)
  assert.deepEqual(wire.sent, ['7000aaaa', '70000001', '70000002', '7000aaab', '70000003'])
  for (const bytes of ignored) device.fromBelow(bytes, T0)
  assert.equal(wire.sent.length, rejected.length)
  assert.deepEqual(log.lines, [])
  assert.equal(device.outstanding(), 1)
})

test('a registration that nothing answers ends the session as timeout, and closes the layer below', () => {
  const log = new DeviceLog()
  const wire = new Wire()
  const device = new CoapDevice(sessionConfig('acknowledged'), log)
  device.below = wire
  device.open(T0)
  let now = T0
  while (log.cause === null) {
    now = device.deadline()
    device.expire(now)
  }
  assert.equal(wire.sent.length, 5)
  assert.equal(new Set(wire.sent).size, 1)
  assert.deepEqual(log.cause, { code: 'timeout', detail: 'registration: no answer after 5 copies' })
  assert.ok(wire.isClosed)
  assert.ok(now - T0 >= 62 * SECOND && now - T0 <= 93 * SECOND)
  assert.equal(device.deadline(), NEVER)
})

test('a registration that is refused ends the session with the reason', () => {
  for (const [head, token, code, detail] of [
    ['6284', true, 'protocol', 'registration: 4.04 after 1 copy'],
    ['6281', true, 'authentication', 'registration: 4.01 after 1 copy'],
    [EMPTY_RST, false, 'reset', 'registration: RST after 1 copy'],
  ] as const) {
    const log = new DeviceLog()
    const wire = new Wire()
    const device = new CoapDevice(sessionConfig('acknowledged'), log)
    device.below = wire
    device.open(T0)
    const id = parseInt((wire.sent[0] as string).slice(4, 8), 16)
    device.fromBelow(token ? reply(head, id, id) : reply(head, id), T0)
    assert.deepEqual(log.cause, { code, detail })
  }
})

test('a layer below that is full refuses a message and, when ready, unblocks; a copy it refuses is a lost copy', () => {
  const { log, wire, device } = registered('acknowledged')
  wire.full = true
  assert.equal(device.send(0, PAYLOAD, T0), false)
  assert.deepEqual([device.transmissions, device.requests], [1, 1])
  assert.equal(device.deadline(), NEVER)
  wire.full = false
  device.ready(T0)
  assert.deepEqual(log.lines, ['unblocked'])
  assert.ok(device.send(0, PAYLOAD, T0))
  wire.full = true
  const before = device.transmissions
  const due = device.deadline()
  device.expire(due)
  assert.equal(device.transmissions, before)
  assert.ok(device.deadline() > due)
})

test('a registration that the layer below refuses at first is sent when it is ready', () => {
  const wire = new Wire()
  wire.full = true
  const device = new CoapDevice(sessionConfig('acknowledged'), new DeviceLog())
  device.below = wire
  device.open(T0)
  assert.equal(device.deadline(), NEVER)
  wire.full = false
  device.ready(T0)
  assert.equal(wire.sent.length, 1)
})

test('after close nothing happens any more, and nothing goes on the wire', () => {
  const { log, wire, device, first } = registered('acknowledged')
  device.send(0, PAYLOAD, T0)
  wire.sent.length = 0
  device.close(T0)
  assert.ok(wire.isClosed)
  device.fromBelow(reply(ACK_CHANGED, first, first), T0)
  device.expire(T0 + 100 * SECOND)
  device.closed({ code: 'reset', detail: '' }, T0)
  assert.equal(device.send(1, PAYLOAD, T0), false)
  assert.deepEqual(wire.sent, [])
  assert.deepEqual(log.lines, ['transmitted 0'])
  assert.equal(device.deadline(), NEVER)
})

test('the end of the layer below is the end of the session', () => {
  const { log, device } = registered('acknowledged')
  device.send(0, PAYLOAD, T0)
  device.closed({ code: 'unreachable', detail: 'no route' }, T0)
  assert.deepEqual(log.lines.slice(-1), ['ended unreachable'])
  assert.equal(device.deadline(), NEVER)
})

test('closing from inside an event stops the round of deadlines', () => {
  const { log, device } = registered('acknowledged', { nstart: 0, max_retransmit: 0 })
  for (let k = 0; k < 5; k++) device.send(k, PAYLOAD, T0)
  log.gaveUp = () => {
    log.failures++
    device.close(T0)
  }
  device.expire(T0 + 3 * SECOND)
  assert.equal(log.failures, 1)
})

test('a send from inside an event is taken, and its deadline kept', () => {
  const { log, device, first } = registered('acknowledged')
  device.send(0, PAYLOAD, T0)
  device.send(1, PAYLOAD, T0)
  log.onUnblocked = (now) => void device.send(1, PAYLOAD, now)
  device.fromBelow(reply(ACK_CHANGED, first, first), T0 + SECOND)
  assert.equal(device.outstanding(), 1)
  assert.ok(device.deadline() >= T0 + 3 * SECOND && device.deadline() < T0 + 4 * SECOND)
})

test('message IDs wrap, are not used again within EXCHANGE_LIFETIME, and block instead', () => {
  const network = new BackToBack({ reliability: 'acknowledged' })
  const start = network.now
  let sequence = 0
  while (network.send(sequence)) {
    sequence++
    network.runUntil(network.now)
  }
  // 15 blocks of 4 096 at least, less the registration.
  assert.ok(sequence >= 15 * 4096 - 1 && sequence < 65536, `${sequence} requests`)
  assert.equal(network.device.deadline(), start + 247 * SECOND)
  assert.equal(network.log.lines.includes('unblocked'), false)
  network.runUntil(start + 247 * SECOND)
  assert.equal(network.log.lines.at(-1), 'unblocked')
  assert.ok(network.send(sequence))
  network.runUntil(network.now + SECOND)
  assert.equal(network.received.length, sequence + 1)
  assert.equal(network.server.duplicates, 0)
})

test('a message larger than a datagram is given up at once', () => {
  const { log, device } = registered('acknowledged')
  assert.ok(device.send(0, new Uint8Array(65507), T0))
  assert.deepEqual(log.lines, ['gaveUp 0 larger than a datagram'])
})

test('the same seed makes the same session, another seed other message IDs', () => {
  const wires = [1, 1, 2].map((seed) => {
    const wire = new Wire()
    const device = new CoapDevice(sessionConfig('acknowledged', {}, seed), new DeviceLog())
    device.below = wire
    device.open(T0)
    return [wire.sent[0], device.deadline()]
  })
  assert.deepEqual(wires[0], wires[1])
  assert.notDeepEqual(wires[0], wires[2])
})
