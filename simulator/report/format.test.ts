import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { change, changes, list, number, percent, plural } from './format.ts'

const plain = (text: string): string => text.replaceAll('\u00a0', ' ')

test('numbers keep three significant digits and whole ones stay whole', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0'],
    [0.0123456, '0.0123'],
    [0.5, '0.500'],
    [1.005, '1.00'],
    [9.996, '10.0'],
    [12, '12'],
    [43.91, '43.9'],
    [99.96, '100'],
    [231, '231'],
    [2853.4, '2 853'],
    [1234567, '1 234 567'],
    [-2.516, '−2.52'],
    [0.00001234, '1.2e-5'],
  ]
  for (const [value, text] of cases) assert.equal(plain(number(value)), text)
})

test('a number in words is the number to three digits', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-3, max: 1e9, noNaN: true }), (value) => {
      const back = Number(number(value).replaceAll('\u00a0', ''))
      assert.ok(Math.abs(back - value) <= value * 0.00501)
    }),
  )
})

test('a share next to all or nothing is never rounded to it', () => {
  assert.equal(plain(percent(1)), '100 %')
  assert.equal(plain(percent(0.9996)), '99.960 %')
  assert.equal(plain(percent(0.012)), '1.2 %')
  assert.equal(plain(percent(0.5)), '50.0 %')
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true }), (ratio) => {
      const shown = Number.parseFloat(percent(ratio))
      assert.ok(shown > 0 && shown < 100, percent(ratio))
    }),
  )
})

test('changes are signed per cents, and factors from twice on', () => {
  assert.equal(plain(change(1.28)), '+28 %')
  assert.equal(plain(change(0.969)), '−3.1 %')
  assert.equal(plain(change(7.712)), '×7.71')
  assert.equal(plain(change(0.25)), '×0.250')
  assert.equal(plain(changes({ low: 1.24, high: 1.26, level: 0.95 })), '+24 % to +26 %')
  assert.equal(plain(changes({ low: 1.5279, high: 1.5281, level: 0.95 })), '+52.79 % to +52.81 %')
})

test('lists and counts read as a sentence does', () => {
  assert.equal(list(['a']), 'a')
  assert.equal(list(['a', 'b', 'c']), 'a, b and c')
  assert.equal(plural(1, 'device'), '1 device')
  assert.equal(plain(plural(5000, 'device')), '5 000 devices')
})
