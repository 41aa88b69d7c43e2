import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Payload, sequenceOf } from './payload.ts'

test('the number in front comes back', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 64 ** 8 - 1 }),
      fc.integer({ min: 8, max: 300 }),
      (n, size) => {
        const bytes = new Payload(size, 'canary_0123').with(n)
        assert.equal(bytes.length, size)
        assert.equal(sequenceOf(bytes), n)
        assert.match(Buffer.from(bytes).toString('latin1'), /^[A-Za-z0-9_-]+$/)
      },
    ),
  )
})

test('the canary fills the rest', () => {
  const text = Buffer.from(new Payload(30, 'canary').with(1)).toString('latin1')
  assert.equal(text, 'AAAAAAABcanarycanarycanarycana')
})

test('what is no payload has number -1', () => {
  assert.equal(sequenceOf(Buffer.from('AAAA')), -1)
  assert.equal(sequenceOf(Buffer.from('AAA!AAAA')), -1)
})
