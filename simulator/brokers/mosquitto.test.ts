import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { brokerPlan } from './broker-plan.cases.ts'
import type { BrokerPlan } from './broker.ts'
import { mosquitto, mosquittoConfiguration } from './mosquitto.ts'

const TLS = { version: '1.3', group: 'X25519', cipher: 'TLS_AES_128_GCM_SHA256' } as const

test('a plain plan has one listener, on the address of the plan only', () => {
  assert.equal(
    mosquittoConfiguration(brokerPlan()),
    `# Written by thingbench for one cell.
user root
persistence false
allow_anonymous true
set_tcp_nodelay true
log_dest stderr
connection_messages false

listener 1883 127.0.0.1
max_connections -1
`,
  )
})

test('a plan with TLS has a second listener of that version and suite', () => {
  const text = mosquittoConfiguration(brokerPlan({ security: 'tls', tls: TLS }))
  assert.match(text, /^listener 1883 127\.0\.0\.1$/m)
  const [, secure = ''] = text.split('listener 8883 ')
  assert.deepEqual(secure.trim().split('\n'), [
    '127.0.0.1',
    'max_connections -1',
    'certfile /nowhere/server.crt',
    'keyfile /nowhere/server.key',
    'tls_version tlsv1.3',
    'ciphers_tls1.3 TLS_AES_128_GCM_SHA256',
  ])
})

test('a plan with WebSocket has a second listener for it, with TLS where that is asked for', () => {
  const listener = (plan: Partial<BrokerPlan>): readonly string[] => {
    const text = mosquittoConfiguration(brokerPlan({ framing: 'websocket', ...plan }))
    const [, plain = '', device = '', ...more] = text.split('\nlistener ')
    assert.deepEqual([plain.split('\n')[0], more], ['1883 127.0.0.1', []])
    return device.trim().split('\n')
  }
  const webSocket = ['max_connections -1', 'socket_domain ipv4', 'protocol websockets']
  assert.deepEqual(listener({}), ['8083 127.0.0.1', ...webSocket])
  assert.deepEqual(listener({ security: 'tls', tls: TLS }), [
    '8084 127.0.0.1',
    ...webSocket,
    'certfile /nowhere/server.crt',
    'keyfile /nowhere/server.key',
    'tls_version tlsv1.3',
    'ciphers_tls1.3 TLS_AES_128_GCM_SHA256',
  ])
})

test('suites of TLS 1.2 are configured apart', () => {
  const tls = { version: '1.2', group: 'X25519', cipher: 'ECDHE-ECDSA-AES128-CCM8' } as const
  const text = mosquittoConfiguration(brokerPlan({ security: 'tls', tls }))
  assert.match(text, /^tls_version tlsv1\.2$/m)
  assert.match(text, /^ciphers ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0$/m)
  assert.doesNotMatch(text, /ciphers_tls1\.3/)
})

test('certificate and key are readable by their owner only', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'thingbench-mosquitto-'))
  t.after(() => rm(folder, { recursive: true }))
  const certificate = { chain: 'CHAIN', key: 'KEY' }
  const launch = await mosquitto.prepare(
    brokerPlan({ folder, security: 'tls', tls: TLS, certificate }),
  )
  const file = join(folder, 'mosquitto.conf')
  assert.deepEqual(launch, { command: 'mosquitto', args: ['-c', file], env: {} })
  assert.equal(await readFile(join(folder, 'server.crt'), 'utf8'), 'CHAIN')
  assert.equal(await readFile(join(folder, 'server.key'), 'utf8'), 'KEY')
  for (const name of ['mosquitto.conf', 'server.crt', 'server.key'])
    assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name)
})

test('devices with certificates are known by the names in them', async (t) => {
  const plan = brokerPlan({ security: 'tls', tls: TLS, clientAuthority: 'AUTHORITY' })
  const text = mosquittoConfiguration(plan)
  assert.match(text, /^certfile .*\nkeyfile .*\ncafile \/nowhere\/devices\.crt$/m)
  assert.match(text, /^require_certificate true\nuse_identity_as_username true$/m)
  const folder = await mkdtemp(join(tmpdir(), 'thingbench-mosquitto-'))
  t.after(() => rm(folder, { recursive: true }))
  await mosquitto.prepare({ ...plan, folder })
  assert.equal(await readFile(join(folder, 'devices.crt'), 'utf8'), 'AUTHORITY')
})

test('devices with keys need no certificate, and their keys stay out of the configuration', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'thingbench-mosquitto-'))
  t.after(() => rm(folder, { recursive: true }))
  const psk = new Map([
    ['d000000', Buffer.from('ab')],
    ['d000001', Buffer.from('c:')],
  ])
  await mosquitto.prepare(brokerPlan({ folder, security: 'tls', tls: TLS, psk }))
  const text = await readFile(join(folder, 'mosquitto.conf'), 'utf8')
  assert.match(text, /^psk_file .*keys\.psk\npsk_hint thingbench\nuse_identity_as_username true$/m)
  assert.doesNotMatch(text, /certfile|keyfile|6162/)
  const keys = join(folder, 'keys.psk')
  assert.equal(await readFile(keys, 'utf8'), 'd000000:6162\nd000001:633a\n')
  assert.equal((await stat(keys)).mode & 0o777, 0o600)
})
