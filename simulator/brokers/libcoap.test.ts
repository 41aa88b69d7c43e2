import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { brokerPlan } from './broker-plan.cases.ts'
import { identityFile, libcoap } from './libcoap.ts'

test('a plain plan names address, port and the number of resources', async () => {
  const plan = brokerPlan({ protocol: 'coap', address: '10.63.0.1', devices: 250 })
  assert.deepEqual(await libcoap.prepare(plan), {
    command: 'coap-server-openssl',
    args: ['-A', '10.63.0.1', '-p', '5683', '-d', '250'],
    env: {},
  })
})

test('a plan with keys has an identity file, and a default key of its own each time', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'thingbench-libcoap-'))
  t.after(() => rm(folder, { recursive: true }))
  const psk = new Map([['d000000', Buffer.from('0123456789abcdef')]])
  const plan = brokerPlan({ protocol: 'coap', security: 'dtls-psk', folder, psk })
  const first = await libcoap.prepare(plan)
  const file = join(folder, 'identities')
  assert.equal(await readFile(file, 'utf8'), 'CoAP,d000000,0123456789abcdef\n')
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.deepEqual(first?.args.slice(-2), ['-i', file])
  const key = (args: readonly string[] = []): string => args[args.indexOf('-k') + 1] ?? ''
  assert.match(key(first?.args), /^[0-9a-f]{32}$/)
  assert.notEqual(key(first?.args), key((await libcoap.prepare(plan))?.args))
})

test('the identity file keeps every byte that its format can hold, and refuses the others', () => {
  const key = Uint8Array.from([0x01, 0x2c, 0xff, 0x23])
  assert.deepEqual(
    identityFile(new Map([['d000007', key]])),
    Buffer.concat([Buffer.from('CoAP,d000007,'), key, Buffer.from('\n')]),
  )
  for (const byte of [0x00, 0x0a])
    assert.throws(() => identityFile(new Map([['d000007', Uint8Array.of(65, byte)]])), {
      code: 'TB_BROKER_KEY',
      message: /d000007/,
    })
})
