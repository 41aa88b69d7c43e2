import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mqtt, mqttOptions, mqttPlannedOptions } from './adapter.ts'
import { consumerConfig, deviceConfig, Events } from './scripted-server.cases.ts'

test('the adapter makes sessions with the defaults of its options', () => {
  const options: Record<string, string | number | boolean> = {}
  for (const [key, rule] of Object.entries(mqttOptions))
    if (rule.type !== 'mapping' && rule.default !== null) options[key] = rule.default
  const device = mqtt.device(deviceConfig('acknowledged', options), new Events())
  assert.equal(device.outstanding(), 0)
  assert.equal(mqtt.consumer.kind, 'subscribe')
  if (mqtt.consumer.kind !== 'subscribe') return
  const consumer = mqtt.consumer.create(consumerConfig('acknowledged', options), new Events())
  assert.equal(consumer.deadline(), Infinity)
})

test('a planned key is not a key that is there already', () => {
  for (const planned of mqttPlannedOptions) {
    const [key = '', value] = planned.split(': ')
    assert.equal(key in mqttOptions, value !== undefined, planned)
  }
})
