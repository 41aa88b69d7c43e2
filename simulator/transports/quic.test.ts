import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { MILLISECOND } from '../core/clock.ts'
import { ThingbenchError } from '../core/errors.ts'
import { quicClientCases } from './quic-client.cases.ts'
import { joinOverQuiche } from './quic-subjects.cases.ts'
import { QuicTickets } from './quic-tickets.ts'
import { clientContext, OTHER_PKI, serverContext, World, write } from './quic-world.cases.ts'

quicClientCases({
  engine: 'quiche',
  congestion: 'bbr',
  newTickets: () => new QuicTickets(),
  join: joinOverQuiche,
})

test('a handshake takes two datagrams up of which the first is full, and one flight down', () => {
  const world = new World()
  world.opened()
  assert.deepEqual(world.sizes(true).slice(0, 2), [1200, 1200])
  assert.equal(world.sizes(false)[0], 1200)
})

test('an answer carries the acknowledgement of what it answers', () => {
  const world = new World()
  world.echo = true
  const device = world.opened()
  write(device, 'once')
  world.pump()
  world.log = []
  write(device, 'twice')
  world.pump()
  assert.deepEqual(world.log.map(({ up }) => up), [true, false, true]) // prettier-ignore
})

test('losses are counted', async () => {
  const world = new World()
  world.echo = true
  world.lost = (number) => number % 5 === 0
  const device = world.join()
  await world.until(() => device.top.opens === 1)
  for (let i = 0; i < 20; i++) write(device, `message ${i};`)
  await world.until(() => device.top.text.endsWith('message 19;'))
  assert.ok((device.client.stats()?.lost ?? 0) > 0)
})

test('an idle connection ends at its idle timeout, and a keep-alive holds it', async () => {
  const idleTimeout = 300 * MILLISECOND
  const world = new World()
  const silent = world.opened({ context: clientContext({ idleTimeout }) })
  const kept = world.opened({
    context: clientContext({ idleTimeout, keepalive: 75 * MILLISECOND }),
  })
  await world.until(() => silent.top.cause !== null)
  assert.deepEqual(silent.top.cause, {
    code: 'timeout',
    detail: 'nothing came from the peer for 0.3 s (idle timeout)',
  })
  await world.pass(250)
  assert.equal(kept.top.cause, null)
  assert.ok(kept.client.isOpen)
})

test('the secrets of a connection are written for Wireshark', () => {
  const folder = mkdtempSync(join(tmpdir(), 'thingbench-quic-'))
  try {
    const keylog = join(folder, 'keys.log')
    const world = new World()
    world.opened({ context: clientContext({ keylog }) })
    const lines = readFileSync(keylog, 'utf8').trim().split('\n')
    assert.ok(lines.some((line) => /^CLIENT_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]+$/.test(line)))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('what is no PEM is refused with words', () => {
  const isSetup = (error: unknown): boolean =>
    error instanceof ThingbenchError && error.code === 'TB_TLS_SETUP'
  assert.throws(() => serverContext({ certificate: 'no PEM' }), isSetup)
  assert.throws(() => serverContext({ key: OTHER_PKI.key }), isSetup)
  assert.throws(() => serverContext({ key: 'no PEM' }), isSetup)
  assert.throws(() => clientContext({ authority: 'no PEM' }), isSetup)
})
