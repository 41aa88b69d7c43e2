import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import * as der from './der.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('lengths take the short form to 127 octets and then the fewest octets', () => {
  for (const [length, header] of [
    [0, '0400'],
    [127, '047f'],
    [128, '048180'],
    [255, '0481ff'],
    [256, '04820100'],
    [65536, '0483010000'],
  ] as const)
    assert.equal(hex(der.octetString(new Uint8Array(length))).slice(0, header.length), header)
})

test('integers are positive and as short as can be', () => {
  assert.equal(hex(der.integer(Uint8Array.of())), '020100')
  assert.equal(hex(der.integer(Uint8Array.of(0, 0, 5))), '020105')
  assert.equal(hex(der.integer(Uint8Array.of(0x80))), '02020080')
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 200n }), (value) => {
      const digits = value.toString(16)
      const made = der.integer(
        Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex'),
      )
      const content = Buffer.from(made.subarray(2))
      assert.equal(BigInt.asIntN(content.length * 8, BigInt(`0x${content.toString('hex')}`)), value)
      assert.ok(
        content.length === 1 || content.readInt16BE(0) > 127 || content.readInt16BE(0) < -128,
      )
    }),
  )
})

test('object identifiers match the examples of X.690 and RFC 5758', () => {
  assert.equal(hex(der.oid('2.999.3')), '0603883703')
  assert.equal(hex(der.oid('1.2.840.10045.4.3.2')), '06082a8648ce3d040302')
  assert.equal(hex(der.oid('2.5.29.17')), '0603551d11')
})

test('times are UTCTime from 1950 to 2049 and GeneralizedTime outside', () => {
  const text = (date: string) => Buffer.from(der.time(new Date(date))).toString('latin1')
  assert.equal(text('2049-12-31T23:59:59.900Z'), '\u0017\r491231235959Z')
  assert.equal(text('2050-01-01T00:00:00Z'), '\u0018\u000f20500101000000Z')
  assert.equal(text('1949-01-01T00:00:00Z'), '\u0018\u000f19490101000000Z')
})

test('the other elements have their tags', () => {
  assert.equal(hex(der.sequence(der.boolean(true), der.boolean(false))), '30060101ff010100')
  assert.equal(hex(der.set(der.utf8String('é'))), '31040c02c3a9')
  assert.equal(hex(der.bitString(Uint8Array.of(0x06), 1)), '03020106')
  assert.equal(hex(der.tagged(3, der.sequence())), 'a3023000')
  assert.equal(hex(der.implicit(2, Buffer.from('a'))), '820161')
})
