import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { checksumsIn, checksumsOf, withChecksums } from './checksum.cases.ts'
import { adjusted, readdress } from './checksum.ts'
import { tcpPacket, udpPacket } from './packet.cases.ts'
import { Headers } from './packet.ts'

const read = (packet: Uint8Array, offset = 0): Headers => {
  const headers = new Headers()
  assert.ok(headers.read(packet, offset, packet.length - offset))
  return headers
}
const hostOf = (ip: number): string =>
  [ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255].join('.')

test('the example of RFC 1624 section 4, and words that leave the sum as it was', () => {
  const cases: [checksum: number, before: number, after: number, expected: number][] = [
    [0xdd2f, 0x5555, 0x3285, 0x0000],
    [0x1234, 0x5555, 0x5555, 0x1234],
    [0x1234, 0x0000, 0x0000, 0x1234],
    [0xffff, 0x0001, 0x0000, 0x0001],
  ]
  for (const [checksum, before, after, expected] of cases)
    assert.equal(adjusted(checksum, before, after), expected)
})

test('a corrected checksum is the one that would be computed anew', () => {
  const address = fc.integer({ min: 1, max: 0xffffffff })
  const port = fc.integer({ min: 0, max: 65535 })
  const payload = fc.string({ maxLength: 40, unit: fc.constantFrom('a', '\0', '\x7f') })
  fc.assert(
    fc.property(
      fc.record({ source: address, destination: address, ports: fc.tuple(port, port), payload }),
      fc.record({ address, port }),
      fc.boolean(),
      fc.constantFrom('source' as const, 'destination' as const),
      fc.integer({ min: 0, max: 9 }),
      (packet, other, tcp, end, offset) => {
        const between = {
          source: hostOf(packet.source),
          destination: hostOf(packet.destination),
          ports: packet.ports,
        }
        const plain = tcp
          ? tcpPacket({ ...between, sequence: 7, payload: packet.payload })
          : udpPacket(between, packet.payload)
        const bytes = new Uint8Array(offset + plain.length)
        bytes.set(withChecksums(plain), offset)
        readdress(bytes, offset, read(bytes, offset), end, other.address, other.port)
        const rewritten = bytes.slice(offset)
        assert.deepEqual(checksumsIn(rewritten), checksumsOf(rewritten))
        const headers = read(rewritten)
        assert.equal(headers[end], other.address)
        assert.equal(end === 'source' ? headers.sourcePort : headers.destinationPort, other.port)
        assert.ok(bytes.subarray(0, offset).every((byte) => byte === 0))
      },
    ),
  )
})

test('a UDP datagram without a checksum gets none', () => {
  const packet = udpPacket({ source: '1.2.3.4', destination: '5.6.7.8', ports: [1, 2] }, 'x')
  readdress(packet, 0, read(packet), 'source', 0x0a000001, 9)
  assert.equal(checksumsIn(packet)[1], 0)
})

test('a UDP checksum that comes out as 0 is sent as all ones', () => {
  const between = { source: '0.0.0.0', destination: '0.0.0.0', ports: [0, 0] as const }
  const sum = (port: number): number => {
    const packet = withChecksums(udpPacket(between, ''))
    readdress(packet, 0, read(packet), 'source', 0, port)
    assert.deepEqual(checksumsIn(packet), checksumsOf(packet))
    return checksumsIn(packet)[1]
  }
  // Protocol 17 and twice the length of 8 bytes are all that is in the sum beside the port.
  assert.equal(sum(0xffff - 17 - 16), 0xffff)
})

test('a wrong checksum stays wrong', () => {
  const packet = udpPacket({ source: '1.2.3.4', destination: '5.6.7.8', ports: [1, 2] }, 'payload')
  withChecksums(packet)
  packet[packet.length - 1] = 0
  readdress(packet, 0, read(packet), 'destination', 0x0a000001, 9)
  assert.notEqual(checksumsIn(packet)[1], checksumsOf(packet)[1])
  assert.equal(checksumsIn(packet)[0], checksumsOf(packet)[0])
})
