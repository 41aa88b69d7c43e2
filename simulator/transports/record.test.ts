import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  clientRandom,
  dtlsRecords,
  dtlsRecordSize,
  dtlsSequence,
  nextProtected,
  isClientHello,
  shiftSequences,
  tlsRecords,
} from './record.ts'

const bytes = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

test('TLS records are found by their headers, a last one that is cut short too', () => {
  const stream = bytes('16 0303 0002 aabb  17 0303 0001 cc  15 0303 0010 dd')
  assert.deepEqual(
    tlsRecords(stream).map(({ type, version, length, size }) => [type, version, length, size]),
    [
      [22, 0x0303, 2, 7],
      [23, 0x0303, 1, 6],
      [21, 0x0303, 16, 21],
    ],
  )
  assert.deepEqual(tlsRecords(bytes('1603030')), [])
})

test('DTLS records of one datagram have an epoch', () => {
  const datagram = bytes('14 fefd 0000 000000000005 0001 01  16 fefd 0001 000000000000 0002 aabb')
  assert.deepEqual(
    dtlsRecords(datagram).map(({ type, epoch, size }) => [type, epoch, size]),
    [
      [20, 0, 14],
      [22, 1, 15],
    ],
  )
})

test('only records of epoch 0 get other sequence numbers', () => {
  const datagram = bytes('14 fefd 0000 0000ffffffff 0001 01  16 fefd 0001 000000000000 0002 aabb')
  shiftSequences(datagram, 2)
  assert.deepEqual(
    datagram,
    bytes('14 fefd 0000 000100000001 0001 01  16 fefd 0001 000000000000 0002 aabb'),
  )
  assert.equal(dtlsSequence(datagram), 2 ** 32 + 1)
})

test('a ClientHello is a handshake record of epoch 0 with message type 1 and a whole random', () => {
  const hello = bytes(
    `16 feff 0000 000000000000 0030  01 000024 0000 000000 000024 fefd ${'ab'.repeat(34)}`,
  )
  assert.ok(isClientHello(hello))
  assert.equal(clientRandom(hello), 0xabababababab)
  assert.equal(isClientHello(hello.subarray(0, 58)), false)
  for (const [at, value] of [
    [0, 23],
    [4, 1],
    [13, 2],
  ] as const) {
    const other = hello.slice()
    other[at] = value
    assert.equal(isClientHello(other), false)
  }
})

test('protected records are those of epoch 1 that are whole and have room for nonce and tag', () => {
  const clear = '14 fefd 0000 000000000005 0001 01'
  const whole = `17 fefd 0001 000000000001 0010 ${'00'.repeat(16)}`
  const runt = `17 fefd 0001 000000000001 000f ${'00'.repeat(15)}`
  for (const [datagram, least, expected] of [
    [whole, 16, 0],
    [whole, 17, -1],
    [clear + whole, 16, 14],
    [clear + runt + whole, 16, 42],
    [whole.slice(0, -2), 16, -1],
    [clear, 16, -1],
    ['', 16, -1],
  ] as const)
    assert.equal(nextProtected(bytes(datagram), 0, least), expected)
  assert.equal(nextProtected(bytes(whole + whole), 29, 16), 29)
  assert.equal(dtlsRecordSize(bytes(clear + runt), 14), 28)
})

test('any bytes can be parsed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      for (const records of [tlsRecords(noise), dtlsRecords(noise)]) {
        const total = records.slice(0, -1).reduce((sum, record) => sum + record.size, 0)
        assert.ok(total <= noise.length)
      }
      isClientHello(noise)
      assert.ok(nextProtected(noise, 0, 16) < noise.length)
    }),
  )
})
