import { test } from 'node:test'
import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { formatQuantity, formatSpan, parseQuantity, UNITS, type Dimension } from './units.ts'

const value = (text: string, dimension: Dimension): number => {
  const reading = parseQuantity(text, dimension)
  assert.notEqual(reading.value, null, `${text} is not read`)
  return reading.value as number
}

const refusal = (text: string, dimension: Dimension): [string, string | null] => {
  const reading = parseQuantity(text, dimension)
  assert.ok(reading.value === null, `${text} is read as ${reading.value}`)
  return [reading.problem, reading.suggestion]
}

test('reads every unit as a number of base units', () => {
  assert.equal(value('20 ms', 'duration'), 20e6)
  assert.equal(value('1.1 s', 'duration'), 1_100_000_000)
  assert.equal(value('1.5 min', 'duration'), 90e9)
  assert.equal(value('2h', 'duration'), 7200e9)
  assert.equal(value('250 kbit/s', 'rate'), 250_000)
  assert.equal(value('1 KiB', 'size'), 1024)
  assert.equal(value('1 kB', 'size'), 1000)
  assert.equal(value('2 %', 'ratio'), 0.02)
  assert.equal(value('0.3%', 'ratio'), 0.003)
  assert.equal(value('64 packets', 'packets'), 64)
  assert.equal(value('29 packets/s', 'packetRate'), 29)
  assert.equal(value('0 ms', 'duration'), 0)
})

test('refuses a bare number and says how it could be written', () => {
  assert.deepEqual(refusal('500', 'duration'), ['has no unit', '"500 ms" or "500 s"'])
  assert.deepEqual(refusal('2', 'ratio'), ['has no unit', '"2 %"'])
  assert.deepEqual(refusal('0.02', 'ratio'), ['has no unit', '"2 %"'])
})

test('recognises the unit names of other habits and suggests ours', () => {
  assert.deepEqual(refusal('5 sec', 'duration'), ['has the unknown unit "sec"', '"5 s"'])
  assert.deepEqual(refusal('5 MS', 'duration'), ['has the unknown unit "MS"', '"5 ms"'])
  assert.deepEqual(refusal('1 Mbps', 'rate'), ['has the unknown unit "Mbps"', '"1 Mbit/s"'])
  assert.deepEqual(refusal('1 KB', 'size'), ['has the unknown unit "KB"', '"1 kB"'])
  assert.deepEqual(refusal('29 pps', 'packetRate'), [
    'has the unknown unit "pps"',
    '"29 packets/s"',
  ])
  assert.deepEqual(refusal('5 parsec', 'duration'), ['has the unknown unit "parsec"', null])
})

test('refuses what is not a plain positive number of whole base units', () => {
  assert.deepEqual(refusal('-5 ms', 'duration'), ['is negative', '"5 ms"'])
  assert.deepEqual(refusal('1,000 ms', 'duration'), ['has a badly written number', '"1000 ms"'])
  assert.deepEqual(refusal('.5 s', 'duration'), ['has a badly written number', '"0.5 s"'])
  assert.deepEqual(refusal('1.5 B', 'size'), ['is not a whole number of B', null])
  assert.deepEqual(refusal('0.1 ns', 'duration'), ['is not a whole number of ns', null])
  assert.deepEqual(refusal('9999999 h', 'duration'), ['is too large', null])
  assert.deepEqual(refusal('soon', 'duration'), ['is not a quantity', null])
  assert.deepEqual(refusal('1 min 30 s', 'duration'), ['is not a quantity', null])
})

test('formats in the largest unit that stays short', () => {
  assert.equal(formatQuantity(1_500_000_000, 'duration'), '1.5 s')
  assert.equal(formatQuantity(250_000_000, 'duration'), '250 ms')
  assert.equal(formatQuantity(1_234_567, 'duration'), '1234.567 us')
  assert.equal(formatQuantity(0, 'duration'), '0 ms')
  assert.equal(formatQuantity(1500, 'size'), '1.5 kB')
  assert.equal(formatQuantity(1024, 'size'), '1 KiB')
  assert.equal(formatQuantity(0.02, 'ratio'), '2 %')
  assert.equal(formatQuantity(64, 'packets'), '64 packets')
})

test('formats a span for people', () => {
  assert.equal(formatSpan(6.82e9), '6.8 s')
  assert.equal(formatSpan(59.96e9), '1 min')
  assert.equal(formatSpan(864e9), '14 min 24 s')
  assert.equal(formatSpan(3600e9 - 1e8), '1 h')
  assert.equal(formatSpan(7500e9), '2 h 5 min')
})

test('what is formatted reads back as the same value', () => {
  const whole = fc.oneof(
    fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    fc.integer({ min: 0, max: 1_000_000 }).map((n) => n * 1e6),
  )
  for (const dimension of ['duration', 'rate', 'size', 'packets', 'packetRate'] as const)
    fc.assert(
      fc.property(whole, (n) => {
        assert.equal(value(formatQuantity(n, dimension), dimension), n)
      }),
    )
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (ratio) => {
      const back = value(formatQuantity(ratio, 'ratio'), 'ratio')
      assert.ok(Math.abs(back - ratio) <= 1e-15)
    }),
  )
})

test('what is read, formatted and read again is the same value', () => {
  const unit = fc.constantFrom(
    ...(Object.keys(UNITS) as Dimension[]).flatMap((dimension) =>
      Object.keys(UNITS[dimension]).map((name) => ({ dimension, name })),
    ),
  )
  fc.assert(
    fc.property(unit, fc.integer({ min: 0, max: 2_500 }), ({ dimension, name }, n) => {
      const first = value(`${n} ${name}`, dimension)
      assert.equal(value(formatQuantity(first, dimension), dimension), first)
    }),
  )
})

test('no text makes the parser throw', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const dimension of Object.keys(UNITS) as Dimension[])
        assert.ok('value' in parseQuantity(text, dimension))
    }),
  )
})
