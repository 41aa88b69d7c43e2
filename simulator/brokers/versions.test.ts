import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BROKERS } from './catalogue.ts'
import { inRange } from './versions.ts'

test('versions are compared number by number', () => {
  const range = { from: '2.0', below: '3' }
  for (const version of ['2.0', '2', '2.0.11', '2.10', '2.99.1', '2.1-rc1'])
    assert.ok(inRange(version, range), version)
  for (const version of ['1.6.9', '1.99', '3', '3.0.0', '3.0-rc1', '10.0', '', 'unknown', 'v2.0'])
    assert.ok(!inRange(version, range), version)
})

test('the second number counts where the first is zero', () => {
  const range = { from: '0.12', below: '14' }
  assert.ok(inRange('0.12.3', range) && inRange('13.0.2', range))
  assert.ok(!inRange('0.11.9', range) && !inRange('14.0', range))
})

test('every server that is a program has a range, and none that is part of thingbench', () => {
  for (const { name, program, versions } of BROKERS)
    assert.equal(versions === null, program === null, name)
})
