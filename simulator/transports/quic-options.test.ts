import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from '../core/clock.ts'
import type { StackQuic } from '../core/types.ts'
import { frontEndCongestion, idleTimeoutOf } from './quic-options.ts'

const quic: StackQuic = {
  engine: 'quiche',
  congestion: 'cubic',
  streams: 'single',
  resumption: false,
  earlyData: false,
  group: 'X25519',
}

test('the idle timeout is beyond the keep alive; without one there is none, or none that passes', () => {
  const of = (engine: StackQuic['engine'], keepAlive: number | null): number =>
    idleTimeoutOf({ engine }, keepAlive) / SECOND
  for (const engine of ['quiche', 'openssl'] as const)
    assert.deepEqual([of(engine, 10 * SECOND), of(engine, 40 * SECOND)], [60, 80])
  assert.deepEqual([of('quiche', null), of('openssl', null)], [0, 86_400])
})

test('the front end has the congestion control of the devices, beside OpenSSL bbr', () => {
  assert.equal(frontEndCongestion(quic), 'cubic')
  assert.equal(frontEndCongestion({ ...quic, engine: 'openssl', congestion: 'reno' }), 'bbr')
})
