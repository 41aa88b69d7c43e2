import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { distance, nearest } from './near.ts'

test('counts insertions, deletions, replacements and swaps of neighbours as one edit each', () => {
  assert.equal(distance('tls', 'tls'), 0)
  assert.equal(distance('tsl', 'tls'), 1)
  assert.equal(distance('intervall', 'interval'), 1)
  assert.equal(distance('kitten', 'sitting'), 3)
  assert.equal(distance('', 'abc'), 3)
})

test('the distance is symmetric, and zero only between equal words', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
      assert.equal(distance(a, b), distance(b, a))
      assert.equal(distance(a, b) === 0, a === b)
    }),
  )
})

test('finds the name that was meant, and none where nothing is near', () => {
  const names = ['mqtt-tcp', 'mqtt-tls', 'coap-udp']
  assert.equal(nearest('mqtt-tsl', names), 'mqtt-tls')
  assert.equal(nearest('MQTT_TLS', names), 'mqtt-tls')
  assert.equal(nearest('coap', names), 'coap-udp')
  assert.equal(nearest('http', names), undefined)
  assert.equal(nearest('', names), undefined)
})

test('takes no number for another one', () => {
  assert.equal(nearest('1.1', ['1.2', '1.3']), undefined)
  assert.equal(nearest('13', ['1.2', '1.3']), '1.3')
})
