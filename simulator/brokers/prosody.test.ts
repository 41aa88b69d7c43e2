import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { brokerPlan } from './broker-plan.cases.ts'
import type { BrokerPlan } from './broker.ts'
import { prosody, prosodyConfiguration } from './prosody.ts'

const plan = (changes: Partial<BrokerPlan> = {}): BrokerPlan =>
  brokerPlan({
    folder: '/run/cell',
    address: '10.63.0.1',
    protocol: 'xmpp',
    serverName: 'x.test',
    ...changes,
  })

const tls = (version: '1.2' | '1.3', cipher: string): Partial<BrokerPlan> => ({
  security: 'tls',
  tls: { version, group: 'X25519', cipher },
  certificate: { chain: 'CHAIN', key: 'KEY' },
})

const lines = (text: string): string[] => text.split('\n').map((line) => line.trim())

test("a plain server listens on the plan's address alone, without STARTTLS and without federation", () => {
  const text = prosodyConfiguration(plan())
  const all = lines(text)
  for (const line of [
    'interfaces = { "10.63.0.1" }',
    'c2s_ports = { 5222 }',
    'network_settings = { nagle = false, tcp_backlog = 1024 }',
    'modules_enabled = { "saslauth", "smacks" }',
    'modules_disabled = { "offline", "s2s", "s2s_auth_certs" }',
    'storage = "none"',
    'VirtualHost "x.test"',
  ])
    assert.ok(all.includes(line), line)
  assert.doesNotMatch(text, /c2s_direct_tls|"tls"/)
})

test('a server with TLS offers one version, one suite and one group on a port of its own', () => {
  const suite = 'TLS_AES_128_GCM_SHA256'
  const newer = lines(prosodyConfiguration(plan(tls('1.3', suite))))
  for (const line of [
    'c2s_ports = { 5222 }',
    'c2s_direct_tls_ports = { 5223 }',
    'protocol = "tlsv1_3";',
    `ciphersuites = "${suite}";`,
    'curveslist = { "X25519" };',
    'certificate = "/run/cell/certificates/x.test.crt";',
  ])
    assert.ok(newer.includes(line), line)
  const older = lines(prosodyConfiguration(plan(tls('1.2', 'ECDHE-ECDSA-AES128-GCM-SHA256'))))
  assert.ok(older.includes('protocol = "tlsv1_2";'))
  assert.ok(older.includes('ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=0";'))
})

test('no text of the plan can leave its Lua string', () => {
  const text = prosodyConfiguration(plan({ password: 'a"b\\c\nd\0' }))
  assert.ok(lines(text).includes(String.raw`thingbench_password = "a\034b\092c\010d\000"`))
})

test('the folder gets all that the server needs, and keeps its secrets from others', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'thingbench-prosody-'))
  try {
    const launch = await prosody.prepare(plan({ folder, ...tls('1.3', 'TLS_AES_128_GCM_SHA256') }))
    const file = join(folder, 'prosody.cfg.lua')
    assert.deepEqual(launch, { command: 'prosody', args: ['-F', '--config', file], env: {} })
    assert.deepEqual((await readdir(folder)).sort(), [
      'certificates',
      'data',
      'modules',
      'prosody.cfg.lua',
    ])
    assert.deepEqual(await readdir(join(folder, 'modules')), ['mod_auth_thingbench.lua'])
    assert.equal(await readFile(join(folder, 'certificates/x.test.crt'), 'utf8'), 'CHAIN')
    for (const secret of [file, join(folder, 'certificates/x.test.key')])
      assert.equal((await stat(secret)).mode & 0o077, 0, secret)
  } finally {
    await rm(folder, { recursive: true })
  }
})
