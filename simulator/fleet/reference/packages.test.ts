import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SECOND } from '../../core/clock.ts'
import { PLAIN_TCP } from '../../core/tcp.ts'
import type { Workload } from '../../core/types.ts'
import { mqttOptions } from '../../protocols/mqtt/options.ts'
import { beyondReference, clientWords, referencePackage } from './packages.ts'

const TELEMETRY: Workload = {
  kind: 'telemetry',
  name: 'telemetry',
  interval: SECOND,
  arrivals: 'constant',
  payload: 100,
}

test('the stacks of MQTT have the package mqtt, and CoAP has none', () => {
  assert.equal(referencePackage('mqtt-tls'), 'mqtt')
  assert.equal(referencePackage('coap-udp'), null)
  assert.equal(referencePackage('toString'), null)
})

test('the audit names the client with the version that is installed', () => {
  const file = join(import.meta.dirname, '../../../package.json')
  const { dependencies } = JSON.parse(readFileSync(file, 'utf8')) as {
    dependencies: Record<string, string>
  }
  const words = clientWords({ client: 'reference', kind: 'mqtt-tcp' })
  assert.equal(words, `reference (mqtt ${dependencies['mqtt']})`)
  assert.equal(clientWords({ client: 'lean', kind: 'mqtt-tcp' }), 'lean')
})

test('what the reference client does not know is named, and what has its default is not asked for', () => {
  const beyond = (
    more: object,
    client: 'lean' | 'reference' = 'reference',
    workload: Workload = TELEMETRY,
  ) =>
    beyondReference(
      { client, tcp: PLAIN_TCP, tls: null, options: {}, ...more },
      mqttOptions,
      workload,
    )
  assert.equal(beyond({ options: { version: '5', clean_start: true, retain: false } }), null)
  assert.match(beyond({ options: { clean_start: false } }) ?? '', /option clean_start/)
  assert.match(beyond({ options: { retain: true } }) ?? '', /option retain/)
  assert.match(beyond({ tcp: { ...PLAIN_TCP, userTimeout: SECOND } }) ?? '', /user timeout/)
  assert.match(beyond({ tcp: { ...PLAIN_TCP, keepalive: SECOND } }) ?? '', /keep-alive/)
  assert.match(beyond({ options: { 'will.topic': 'x' } }) ?? '', /option will\.topic/)
  const tls = { auth: 'server', resumption: false }
  assert.equal(beyond({ tls }), null)
  assert.match(beyond({ tls: { ...tls, auth: 'x509' } }) ?? '', /auth: x509/)
  assert.match(beyond({ tls: { ...tls, resumption: true } }) ?? '', /resumption/)
  assert.match(beyond({}, 'reference', { ...TELEMETRY, kind: 'command' }) ?? '', /command/)
  const sleep = { kind: 'sleep', awake: SECOND, asleep: SECOND } as const
  for (const [close, expected] of [
    ['orderly', /^none$/],
    ['abrupt', /without a word/],
  ] as const) {
    const workload = { ...TELEMETRY, absences: { ...sleep, close } }
    assert.match(beyond({}, 'reference', workload) ?? 'none', expected)
  }
  assert.equal(beyond({ options: { retain: true } }, 'lean'), null)
})
