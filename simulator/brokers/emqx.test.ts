import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Via } from '../core/types.ts'
import { brokerPlan, QUIC as quic } from './broker-plan.cases.ts'
import type { BrokerPlan } from './broker.ts'
import { emqx, emqxEnvironment } from './emqx.ts'
import type { Programs } from './runtimes/programs.ts'

const certificate = { chain: 'CHAIN', key: 'KEY' }
const tls = { version: '1.3', group: 'X25519', cipher: 'TLS_AES_128_GCM_SHA256' } as const

/** Of the listeners, without the prefix that all have. */
const listeners = (plan: BrokerPlan): Record<string, string> =>
  Object.fromEntries(
    Object.entries(emqxEnvironment(plan)).flatMap(([name, value]) =>
      name.startsWith('EMQX_LISTENERS__') ? [[name.slice(16), value]] : [],
    ),
  )

const OFF = {
  SSL__DEFAULT__ENABLE: 'false',
  WS__DEFAULT__ENABLE: 'false',
  WSS__DEFAULT__ENABLE: 'false',
  QUIC__DEFAULT__ENABLE: 'false',
}

test('a plain plan has one listener, on the address of the plan, and nothing beside it', () => {
  const plan = brokerPlan({ address: '10.63.0.1', folder: '/tmp/x' })
  assert.deepEqual(listeners(plan), { TCP__DEFAULT__BIND: '10.63.0.1:1883', ...OFF })
  const { EMQX_NODE__DATA_DIR: data, RUNNER_LOG_DIR: log, HOME } = emqxEnvironment(plan)
  assert.deepEqual([data, log, HOME], ['/tmp/x/data', '/tmp/x/log', '/tmp/x'])
  assert.equal(emqxEnvironment(plan)['EMQX_DASHBOARD__LISTENERS__HTTP__BIND'], '0')
})

test('devices have a listener of their own for QUIC, whose files are where EMQX looks for them', () => {
  assert.deepEqual(listeners(brokerPlan({ security: 'quic', quic, certificate })), {
    TCP__DEFAULT__BIND: '127.0.0.1:1883',
    ...OFF,
    QUIC__DEFAULT__ENABLE: 'true',
    QUIC__DEFAULT__BIND: '127.0.0.1:14567',
    QUIC__DEFAULT__SSL_OPTIONS__CERTFILE: '/nowhere/server.crt',
    QUIC__DEFAULT__SSL_OPTIONS__KEYFILE: '/nowhere/server.key',
  })
})

test('devices have a listener of their own for TLS, of that version and suite alone', () => {
  assert.deepEqual(listeners(brokerPlan({ security: 'tls', tls, certificate })), {
    TCP__DEFAULT__BIND: '127.0.0.1:1883',
    ...OFF,
    SSL__DEFAULT__ENABLE: 'true',
    SSL__DEFAULT__BIND: '127.0.0.1:8883',
    SSL__DEFAULT__SSL_OPTIONS__CERTFILE: '/nowhere/server.crt',
    SSL__DEFAULT__SSL_OPTIONS__KEYFILE: '/nowhere/server.key',
    SSL__DEFAULT__SSL_OPTIONS__VERSIONS: '["tlsv1.3"]',
    SSL__DEFAULT__SSL_OPTIONS__CIPHERS: '["TLS_AES_128_GCM_SHA256"]',
  })
})

test('and for WebSocket, with TLS and without', () => {
  const plain = listeners(brokerPlan({ framing: 'websocket' }))
  assert.deepEqual([plain['WS__DEFAULT__ENABLE'], plain['WSS__DEFAULT__ENABLE']], ['true', 'false'])
  assert.equal(plain['WS__DEFAULT__BIND'], '127.0.0.1:8083')
  const secure = listeners(brokerPlan({ framing: 'websocket', security: 'tls', tls, certificate }))
  assert.deepEqual([secure['WS__DEFAULT__ENABLE'], secure['WSS__DEFAULT__ENABLE']], ['false', 'true']) // prettier-ignore
  assert.equal(secure['WSS__DEFAULT__BIND'], '127.0.0.1:8084')
  assert.equal(secure['WSS__DEFAULT__SSL_OPTIONS__KEYFILE'], '/nowhere/server.key')
})

test('it is started in the foreground with these variables, and only its key and chain lie in the folder', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'thingbench-emqx-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const plan = brokerPlan({ folder, security: 'quic', quic, certificate })
  const launch = await emqx.prepare(plan)
  assert.deepEqual([launch?.command, launch?.args], ['emqx', ['foreground']])
  assert.deepEqual(launch?.env, emqxEnvironment(plan))
  assert.deepEqual(readdirSync(folder).sort(), ['server.crt', 'server.key'])
  assert.equal(readFileSync(join(folder, 'server.key'), 'utf8'), 'KEY')
  for (const name of readdirSync(folder))
    assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  const { text = '' } = emqx.configuration?.({ ...plan, password: 'none' }) ?? {}
  assert.match(text, /^EMQX_NODE__COOKIE=none\nEMQX_NODE__DATA_DIR=/m)
})

test('its version is that of the image; an EMQX of this machine does not count', async () => {
  const image = (text: string, found: string | null): Programs => ({
    find: () => Promise.resolve(found),
    ask: () => Promise.reject(new Error('nothing to ask')),
    read: (file) =>
      file === '/opt/emqx/releases/emqx_vars' ? Promise.resolve(text) : Promise.reject(new Error()),
  })
  const at = '/usr/bin/emqx'
  assert.equal(await emqx.version(image('#\nREL_VSN="5.8.8"\nERTS_VSN="14.2"\n', at)), '5.8.8')
  assert.equal(await emqx.version(image('ERTS_VSN="14.2"\n', at)), 'unknown')
  assert.equal(await emqx.version(image('', null)), null)
  assert.equal(await emqx.version(), null)
})

test('what is not known of its QUIC it is not asked for', () => {
  const unable = (resumption: boolean, via: Via) =>
    emqx.unable?.({ options: {}, quic: { ...quic, resumption }, via })
  assert.match(unable(true, 'direct') ?? '', /^QUIC resumption at its own listener.*front-end/)
  assert.equal(unable(true, 'front-end'), null)
  assert.equal(unable(false, 'direct'), null)
})
