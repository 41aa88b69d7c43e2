import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { aedes, aedesConfiguration, type AedesConfiguration } from './aedes.ts'
import { brokerPlan, QUIC } from './broker-plan.cases.ts'
import type { BrokerPlan } from './broker.ts'

const tlsPlan = (version: '1.2' | '1.3', cipher: string) =>
  brokerPlan({ security: 'tls', tls: { version, group: 'X25519', cipher } })

const deviceOf = (plan: BrokerPlan): AedesConfiguration['device'] =>
  (JSON.parse(aedesConfiguration(plan)) as AedesConfiguration).device

test('a plain plan has one listener, on the address of the plan only', () => {
  assert.deepEqual(JSON.parse(aedesConfiguration(brokerPlan({ address: '10.63.0.1' }))), {
    address: '10.63.0.1',
    plain: 1883,
    device: null,
    quic: null,
  })
})

test('a plan with TLS has a second listener of that version, group and suite', () => {
  assert.deepEqual(deviceOf(tlsPlan('1.3', 'TLS_AES_128_CCM_8_SHA256')), {
    port: 8883,
    framing: 'none',
    tls: {
      chain: '/nowhere/server.crt',
      key: '/nowhere/server.key',
      version: 'TLSv1.3',
      group: 'X25519',
      ciphers: 'TLS_AES_128_CCM_8_SHA256:DEFAULT:@SECLEVEL=0',
    },
  })
  assert.match(
    aedesConfiguration(tlsPlan('1.2', 'ECDHE-ECDSA-AES128-CCM8')),
    /"ciphers": "ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0"/,
  )
})

test('a plan with WebSocket has a second listener for it, with TLS where that is asked for', () => {
  const plain = { port: 8083, framing: 'websocket', tls: null }
  assert.deepEqual(deviceOf(brokerPlan({ framing: 'websocket' })), plain)
  const secure = tlsPlan('1.3', 'TLS_AES_128_GCM_SHA256')
  const { port, framing, tls } = deviceOf({ ...secure, framing: 'websocket' }) ?? {}
  assert.deepEqual([port, framing, tls?.version], [8084, 'websocket', 'TLSv1.3'])
})

test('a plan with QUIC has the listener of the front end in the place of a second one', () => {
  const plan = brokerPlan({ security: 'quic', quic: QUIC, options: { keepalive: 60e9 } })
  const { device, quic } = JSON.parse(aedesConfiguration(plan)) as AedesConfiguration
  assert.equal(device, null)
  assert.deepEqual([quic?.port, quic?.key], [14_567, '/nowhere/server.key'])
  const { kind, alpn, congestion, idleTimeout } = quic?.transport ?? {}
  assert.deepEqual([kind, alpn, congestion, idleTimeout], ['quic', 'mqtt', 'bbr', 120e9])
})

test('it is started by this Node with the file that was written, and its key is its own', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'thingbench-aedes-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const certificate = { chain: 'CHAIN', key: 'KEY' }
  const plan = { ...tlsPlan('1.3', 'TLS_AES_128_GCM_SHA256'), folder, certificate }
  const launch = await aedes.prepare(plan)
  assert.equal(launch?.command, process.execPath)
  const file = launch?.args[1] ?? ''
  assert.equal(readFileSync(file, 'utf8'), aedes.configuration?.(plan).text)
  for (const name of ['aedes.json', 'server.crt', 'server.key'])
    assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
})

test('its version is the one that is installed, and it says that it cannot do MQTT 5', async () => {
  const { dependencies } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
  ) as { dependencies: Record<string, string> }
  const unable = (version: string) =>
    aedes.unable?.({ options: { version }, quic: null, via: 'direct' })
  assert.equal(await aedes.version(), dependencies['aedes'])
  assert.equal(unable('3.1.1'), null)
  assert.match(unable('5') ?? '', /MQTT 5/)
})
