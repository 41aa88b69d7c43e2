/** What a packet meets beside delay, on real TUN devices (needs root): the same parts as in virtual time, driven by the engine. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { MILLISECOND, monotonic } from '../../simulator/core/clock.ts'
import type { LinkProfile } from '../../simulator/core/link-profile.ts'
import {
  closes,
  config,
  device,
  server,
  shape,
  skip,
  Link,
  type Socket,
} from './link-ends.cases.ts'

const HEADERS = 28

const start = (changes: Parameters<typeof shape>[0], more: Partial<LinkProfile> = {}) => {
  const plain = config(shape(changes), shape({}))
  return Link.start({ ...plain, profile: { ...plain.profile, ...more } })
}

/** Arrivals of everything that comes until nothing has come for a while. */
const arrivals = (below: Socket): number[] => {
  const times: number[] = []
  while (below.wait(400)) {
    times.push(monotonic())
    below.receive()
  }
  return times
}

const perPacket = (times: readonly number[]): number =>
  ((times.at(-1) as number) - (times[0] as number)) / (times.length - 1)

test(
  'two devices share a bottleneck of 1 Mbit/s, within 1 %, and its queue',
  { skip },
  async () => {
    const queue = { limit: 60, unit: 'packets' as const }
    const shared = { up: { rate: 1e6, queue }, down: null }
    await using link = await start({ delay: 5 * MILLISECOND }, { shared })
    using below = server(link)
    using first = device(link, 0)
    using second = device(link, 1)
    for (let i = 0; i < 35; i++) for (const above of [first, second]) above.send(1250 - HEADERS)
    const times = arrivals(below)
    assert.equal(times.length, 60)
    assert.ok(Math.abs(perPacket(times) / (10 * MILLISECOND) - 1) < 0.01, `${perPacket(times)} ns`)
    const account = await link.account()
    closes(account)
    assert.equal(account.overflowed, 10)
  },
)

test('a half-duplex link of 1 Mbit/s carries an exchange at half of it', { skip }, async () => {
  const plain = config(shape({ rate: 1e6 }))
  await using link = await Link.start({ ...plain, profile: { ...plain.profile, halfDuplex: true } })
  using below = server(link)
  using above = device(link, 0)
  for (let i = 0; i < 20; i++) above.send(1250 - HEADERS)
  for (let i = 0; i < 20; i++) {
    assert.ok(below.wait(500))
    below.echo()
  }
  const times = arrivals(above)
  assert.equal(times.length, 20)
  // 20 up, of which the first answers wait for the last, then 20 down: each 10 ms, one after the other.
  assert.ok(Math.abs(perPacket(times) / (10 * MILLISECOND) - 1) < 0.02, `${perPacket(times)} ns`)
  closes(await link.account())
})

test('CoDel keeps the queue of an overloaded link short', { skip }, async () => {
  const codel = { target: 5 * MILLISECOND, interval: 50 * MILLISECOND }
  await using link = await start({ rate: 1e6, codel })
  using below = server(link)
  using above = device(link, 0)
  let received = 0
  const end = monotonic() + 1500 * MILLISECOND
  // A fifth too much.
  for (let now = monotonic(), next = now; now < end; now = monotonic()) {
    for (; next <= now; next += 8 * MILLISECOND) above.send(1250 - HEADERS)
    if (below.wait(1) && below.receive() > 0) received++
  }
  received += arrivals(below).length
  const account = await link.account()
  closes(account)
  assert.ok(account.overflowed > 5, `${account.overflowed} dropped`)
  assert.equal(account.delivered, received)
})

test('a recorded trace is read by the link process; copies come twice', { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'thingbench-trace-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'a.trace')
  writeFileSync(file, '20\n')
  const digest = createHash('sha256').update('20\n').digest('hex')
  await using link = await start({ trace: { file, digest }, duplicate: 1 })
  using below = server(link)
  using above = device(link, 0)
  for (let i = 0; i < 10; i++) above.send(1500 - HEADERS)
  const times = arrivals(below)
  assert.equal(times.length, 20)
  assert.ok(Math.abs(perPacket(times) / (20 * MILLISECOND) - 1) < 0.02, `${perPacket(times)} ns`)
  const account = await link.account()
  closes(account)
  assert.equal(account.duplicated, 10)
})

test('a trace that has changed since ends the link with its name', { skip }, async () => {
  const trace = { file: '/nowhere/a.trace', digest: '' }
  const link = new Link(config(shape({ trace })))
  const event = await link.event()
  assert.ok(event.event === 'failed')
  assert.equal(event.code, 'TB_TRACE_CHANGED')
  assert.match(event.message, /\/nowhere\/a\.trace.*ENOENT/u)
  if (link.process.exitCode === null) await once(link.process, 'exit')
  assert.equal(link.process.exitCode, 1)
})
