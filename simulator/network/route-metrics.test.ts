import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND } from '../core/clock.ts'
import { PLAIN_TCP } from '../core/tcp.ts'
import { congestionMetric, linkMetrics, metricsOf } from './route-metrics.ts'

test('a scenario that asks for nothing leaves window and timeout to the kernel', () => {
  assert.equal(linkMetrics(PLAIN_TCP), '')
  assert.equal(congestionMetric(PLAIN_TCP), ' congctl cubic')
})

test('an initial window and a floor of the timeout become metrics of the route', () => {
  const tcp = { ...PLAIN_TCP, initialWindow: 2, rtoMin: 25 * MILLISECOND }
  assert.equal(linkMetrics(tcp), ' initcwnd 2 rto_min 25ms')
})

test('a floor below a millisecond is not taken as none', () => {
  assert.equal(linkMetrics({ ...PLAIN_TCP, rtoMin: 1000 }), ' rto_min 1ms')
})

test('what the kernel took is read back from the route', () => {
  const shown = '10.63.0.1 scope link initcwnd 2 rto_min lock 25ms congctl cubic \n'
  assert.deepEqual(metricsOf(shown), {
    'route.congctl': 'cubic',
    'route.initcwnd': '2',
    'route.rto_min': '25ms',
  })
  assert.deepEqual(metricsOf('10.63.0.1 scope link \n'), {})
  assert.deepEqual(metricsOf(''), {})
})
