import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { tcpPacket, udpPacket } from './packet.cases.ts'
import { ACK, Headers, SYN, TCP, UDP } from './packet.ts'

const BETWEEN = { source: '10.64.0.1', destination: '10.63.0.1', ports: [40000, 1883] } as const

/** Reads the packet where it does not start at 0. */
const read = (packet: Uint8Array): Headers | null => {
  const bytes = new Uint8Array(packet.length + 7)
  bytes.set(packet, 7)
  const headers = new Headers()
  return headers.read(bytes, 7, packet.length) ? headers : null
}

test('a TCP segment is taken apart into header lengths, addresses, ports, sequence number and flags', () => {
  const headers = read(
    tcpPacket({
      ...BETWEEN,
      sequence: 0xfffffff0,
      flags: SYN | ACK,
      options: 12,
      payload: 'hello',
    }),
  )
  assert.ok(headers)
  assert.equal(headers.protocol, TCP)
  assert.deepEqual([headers.length, headers.ipHeader, headers.transportHeader], [57, 20, 32])
  assert.equal(headers.payload, 5)
  assert.deepEqual([headers.source, headers.destination], [0x0a400001, 0x0a3f0001])
  assert.deepEqual([headers.sourcePort, headers.destinationPort], [40000, 1883])
  assert.equal(headers.sequence, 0xfffffff0)
  assert.equal(headers.tcpFlags, SYN | ACK)
})

test('a UDP datagram has a transport header of 8 bytes', () => {
  const headers = read(udpPacket(BETWEEN, 'hello'))
  assert.deepEqual([headers?.protocol, headers?.transportHeader, headers?.payload], [UDP, 8, 5])
})

test('a later fragment has no transport header: all of it is payload', () => {
  const packet = udpPacket(BETWEEN, 'hello')
  packet[7] = 1
  const headers = read(packet)
  assert.deepEqual([headers?.protocol, headers?.transportHeader, headers?.payload], [0, 0, 13])
})

test('IPv6, truncated and overlong packets are refused', () => {
  const packet = udpPacket(BETWEEN, 'hello')
  assert.equal(read(packet.subarray(0, 19)), null)
  assert.equal(read(packet.subarray(0, 30)), null)
  assert.equal(read(Uint8Array.of(...packet, 0)), null)
  packet[0] = 0x65
  assert.equal(read(packet), null)
})

test('whatever bytes come, header and payload lengths add up to the packet', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 80 }), (bytes) => {
      bytes[0] = 0x40 | ((bytes[0] as number) & 15)
      new DataView(bytes.buffer).setUint16(2, bytes.length)
      const headers = read(bytes)
      if (headers === null) return
      assert.ok(headers.payload >= 0)
      assert.equal(headers.ipHeader + headers.transportHeader + headers.payload, bytes.length)
    }),
  )
})
