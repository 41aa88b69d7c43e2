import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { brokerPlan } from './broker-plan.cases.ts'
import type { BrokerPlan } from './broker.ts'
import { ejabberd, ejabberdConfiguration } from './ejabberd.ts'

const tlsOf = (version: '1.2' | '1.3', cipher: string): Partial<BrokerPlan> => ({
  security: 'tls',
  tls: { version, group: 'X25519', cipher },
  certificate: { chain: 'CHAIN\n', key: 'KEY\n' },
})
const TLS = tlsOf('1.3', 'TLS_AES_128_CCM_8_SHA256')

test('a plain plan has one listener, on the address of the plan only, and lets everybody in', () => {
  assert.equal(
    ejabberdConfiguration(brokerPlan({ address: '10.63.0.1' })),
    `# Written by thingbench for one cell.
hosts: [server.test]
loglevel: warning
acme: { auto: false }
auth_method: [anonymous]
anonymous_protocol: login_anon
allow_multiple_connections: true
listen:
  - { ip: 10.63.0.1, port: 1883, backlog: 1000, module: mod_mqtt }
modules:
  mod_mqtt: {}
`,
  )
})

test('a plan with TLS or WebSocket has a second listener for it', () => {
  const listeners = (more: Partial<BrokerPlan>): string[] =>
    ejabberdConfiguration(brokerPlan(more))
      .split('\n')
      .filter((line) => line.startsWith('  - '))
  const plain = '  - { ip: 127.0.0.1, port: 1883, backlog: 1000, module: mod_mqtt }'
  const http = 'module: ejabberd_http, request_handlers: { /mqtt: mod_mqtt }'
  assert.deepEqual(listeners(TLS), [
    plain,
    '  - { ip: 127.0.0.1, port: 8883, backlog: 1000, module: mod_mqtt, tls: true }',
  ])
  assert.deepEqual(listeners({ framing: 'websocket' }), [
    plain,
    `  - { ip: 127.0.0.1, port: 8083, backlog: 1000, ${http} }`,
  ])
  assert.deepEqual(listeners({ framing: 'websocket', ...TLS }), [
    plain,
    `  - { ip: 127.0.0.1, port: 8084, backlog: 1000, ${http}, tls: true }`,
  ])
})

test('what is started has all its files in the folder, and OpenSSL knows one version of TLS', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'thingbench-ejabberd-'))
  t.after(() => rm(folder, { recursive: true }))
  const plan = brokerPlan({ folder, ...TLS })
  const launch = await ejabberd.prepare(plan)
  assert.equal(launch?.command, 'erl')
  assert.deepEqual(launch.args, [
    '-noinput', '-mnesia', 'dir', JSON.stringify(join(folder, 'mnesia')), '-s', 'ejabberd',
  ]) // prettier-ignore
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8')
  assert.equal(await read('ejabberd.yml'), ejabberd.configuration?.(plan).text)
  assert.match(
    await read('ejabberd.yml'),
    new RegExp(`^certfiles: \\[${folder}/server.pem\\]$`, 'm'),
  )
  assert.equal(await read('server.pem'), 'CHAIN\nKEY\n')
  assert.match(await read('openssl.cnf'), /^MinProtocol = TLSv1.3\nMaxProtocol = TLSv1.3\n/m)
  assert.match(await read('openssl.cnf'), /^Ciphersuites = TLS_AES_128_CCM_8_SHA256$/m)
  for (const name of ['ejabberd.yml', 'server.pem', 'openssl.cnf'])
    assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name)
  for (const [name, value] of Object.entries(launch.env))
    if (value.startsWith('/') && name !== 'ERL_LIBS') assert.ok(value.startsWith(folder), name)

  await ejabberd.prepare({ ...plan, ...tlsOf('1.2', 'ECDHE-ECDSA-AES128-CCM8') })
  assert.match(await read('openssl.cnf'), /^MaxProtocol = TLSv1.2\n$/m)
})

test('it says what it cannot do', () => {
  const unable = (options: Record<string, string | boolean>) =>
    ejabberd.unable?.({ options, quic: null, via: 'direct' })
  assert.match(unable({}) ?? '', /without a user name: set mqtt\.username/)
  assert.equal(unable({ username: 'someone', shared_subscription: false }), null)
  assert.equal(unable({ username: 'someone', shared_subscription: true }), 'shared subscriptions')
})

test('its version is that of the library, and it is missing where only Erlang is installed', async () => {
  const programs = (words: string | null, found: string | null) => ({
    find: () => Promise.resolve(found),
    ask: () => Promise.resolve(words),
    read: () => Promise.reject(new Error('no file')),
  })
  const tool = '/usr/sbin/ejabberdctl'
  assert.equal(await ejabberd.version(programs('ejabberd 23.01\n', tool)), '23.01')
  assert.equal(await ejabberd.version(programs('{"init terminating in do_boot"', tool)), 'unknown')
  assert.equal(await ejabberd.version(programs('ejabberd 23.01\n', null)), null)
})
