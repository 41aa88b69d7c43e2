import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Broker, BrokerProduct } from '../brokers/broker.ts'
import { ThingbenchError } from '../core/errors.ts'
import { Watch } from './watch.ts'

const failure = new ThingbenchError('TB_ROLE_FAILED', { role: 'consumer', reason: 'gone' })

class FakeBroker implements Broker {
  readonly image = null
  readonly product = { title: 'Fake server' } as BrokerProduct
  readonly version = '1'
  readonly runtime = 'process'
  how: string | null = null
  readonly #pids: readonly number[]

  constructor(...pids: readonly number[]) {
    this.#pids = pids
  }

  pids(): readonly number[] {
    return this.#pids
  }
  log(): string {
    return Array.from({ length: 30 }, (_, i) => `line ${i}`).join('\n')
  }
  ended(): string | null {
    return this.how
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Two looks and some patience. */
const fired = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => resolve())
    setTimeout(() => reject(new Error('the watch saw nothing in 5 s')), 5000).unref()
  })

test('a role that fails ends the waits of the cell, and is to blame', async () => {
  using watch = new Watch(new AbortController().signal)
  const role: { failure: ThingbenchError | null } = watch.role({ failure: null })
  const ended = fired(watch.signal)
  role.failure = failure
  await ended
  assert.equal(await watch.blame(), failure)
})

test('a broker that died is to blame before who lost the connection to it, even when that is heard first', async () => {
  using watch = new Watch(new AbortController().signal)
  const broker = new FakeBroker()
  watch.server(broker)
  watch.role({ failure })
  setTimeout(() => (broker.how = 'signal SIGKILL'), 20)
  const blamed = await watch.blame()
  assert.equal(blamed?.code, 'TB_BROKER_DIED')
  assert.match(blamed?.message ?? '', /Fake server ended .*signal SIGKILL/)
  assert.match(blamed?.message ?? '', /line 10\n[^]*line 29$/)
  assert.doesNotMatch(blamed?.message ?? '', /line 9\n/)
})

test('a broker whose process has gone is to blame, even when how it ended is known much later', async () => {
  using watch = new Watch(new AbortController().signal)
  // No process has so great a number (PID_MAX_LIMIT).
  const broker = new FakeBroker(4_194_305)
  watch.server(broker)
  watch.role({ failure })
  setTimeout(() => (broker.how = 'signal SIGKILL: out of memory'), 500)
  const blamed = await watch.blame()
  assert.equal(blamed?.code, 'TB_BROKER_DIED')
})

test('nobody is to blame for an interruption, or for a wait that was merely too long', async () => {
  const interrupt = new AbortController()
  using watch = new Watch(interrupt.signal)
  watch.role({ failure: null })
  watch.server(new FakeBroker())
  assert.equal(await watch.blame(), null)
  interrupt.abort()
  assert.equal(watch.signal.aborted, true)
  assert.equal(await watch.blame(), null)
})
