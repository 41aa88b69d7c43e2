import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, SECOND } from '../../core/clock.ts'
import {
  CLEAR_DIRECTION,
  CLEAR_LINK,
  type DirectionProfile,
  type LinkProfile,
} from '../../core/link-profile.ts'
import { folderProfiles, PROFILES } from '../../scenario/load.ts'
import { CHECKS } from './checks.ts'
import { narrowest, serialisation, withoutSilence } from './asked.ts'
import { FULL, planOf, QUICK } from './plan.ts'

const profile = (up: Partial<DirectionProfile>, rest: Partial<LinkProfile> = {}): LinkProfile => ({
  ...CLEAR_LINK,
  ...rest,
  up: { ...CLEAR_DIRECTION, ...up },
})

test('a link that only delays is sampled, and nothing else', () => {
  const { sparse, saturating, burst, unchecked } = planOf(profile({ delay: 5e6 }), 'up', FULL)
  assert.deepEqual([saturating, burst, unchecked], [null, null, []])
  assert.equal(sparse.count, 4000)
  assert.equal(sparse.rate, 800)
})

test('single packets find the link empty, however slow it is, and end in time', () => {
  const slow = profile({ rate: 20e3, jitter: 100 * MILLISECOND, queue: { limit: 10, unit: 'packets' } }) // prettier-ignore
  const { sparse } = planOf(slow, 'up', QUICK)
  const apart = (sparse.devices * SECOND) / (sparse.rate ?? 0)
  assert.ok(apart >= 10 * serialisation(slow.up, null, sparse.size), `${apart}`)
  assert.ok(apart >= 20 * slow.up.jitter)
  assert.ok(sparse.count / (sparse.rate ?? 0) <= QUICK.longest)
  assert.equal(sparse.count % sparse.devices, 0)
})

test('a saturating load is more than the link carries, and a burst more than its queue holds', () => {
  const link = profile({ rate: 1e6, queue: { limit: 50, unit: 'packets' }, loss: { kind: 'time', ratio: 0.2, burst: 0 } }) // prettier-ignore
  const { saturating, burst } = planOf(link, 'up', FULL)
  assert.ok(saturating !== null && burst !== null)
  const offered = (saturating.rate ?? 0) * saturating.size * 8 * 0.8
  assert.ok(Math.abs(offered / 1e6 - 1.3) < 0.01, `${offered}`)
  assert.ok(saturating.count / (saturating.rate ?? 1) >= 10)
  assert.ok(burst.count * 0.8 > 50)
  assert.equal(burst.rate, null)
})

test('a queue of bytes is filled with so many packets', () => {
  const link = profile({ rate: 1e6, queue: { limit: 20_000, unit: 'bytes' } })
  const { burst } = planOf(link, 'up', FULL)
  assert.ok(burst !== null && burst.count * burst.size > 20_000)
})

test('what the traffic cannot show is said', () => {
  const words = (up: Partial<DirectionProfile>, rest: Partial<LinkProfile> = {}): string =>
    planOf(profile({ rate: 1e6, queue: { limit: 50, unit: 'packets' }, ...up }, rest), 'up', FULL).unchecked.join('; ') // prettier-ignore
  assert.match(words({ rate: 1e9 }), /rate: it takes 100000 packets\/s/)
  assert.match(words({ queue: { limit: 50_000, unit: 'packets' } }), /queue: it takes 500 s/)
  assert.match(words({ policer: { rate: 29, burst: 5 } }), /the policer comes first/)
  assert.match(words({ codel: { target: 5e6, interval: 100e6 } }), /CoDel/)
  assert.match(words({ duplicate: 0.01 }), /copies/)
  assert.match(words({ reorder: { ratio: 0.1, by: 1e6 } }), /reordering/)
  assert.match(words({ loss: { kind: 'list', packets: [1] } }), /listed/)
  const shared = { up: { rate: 5e5, queue: null }, down: null }
  assert.match(words({}, { shared }), /before a shared one/)
  assert.equal(words({}), '')
})

test('the narrowest place counts, the shared one too', () => {
  const shared = { up: { rate: 5e5, queue: null }, down: null }
  const link = profile({ rate: 1e6 }, { shared })
  assert.equal(narrowest(link, 'up'), 5e5)
  assert.equal(narrowest(link, 'down'), null)
  assert.equal(serialisation(link.up, shared.up, 125), 3 * MILLISECOND)
  assert.equal(serialisation({ ...link.up, rateBurst: 2000 }, null, 125), 0)
})

test('the built-in checks are checked in full, in the time that is said', () => {
  for (const effort of [FULL, QUICK])
    for (const check of CHECKS)
      for (const way of ['up', 'down'] as const) {
        const { sparse, saturating, burst, unchecked } = planOf(check, way, effort)
        assert.deepEqual(unchecked, [], check.name)
        assert.equal(saturating !== null, check[way].rate !== null)
        assert.equal(burst !== null, check[way].queue !== null)
        assert.ok(sparse.count / (sparse.rate ?? 0) <= effort.longest)
      }
})

test('every profile of the house can be planned', () => {
  const profiles = folderProfiles(PROFILES)
  for (const name of profiles.names) {
    const link = withoutSilence(profiles.read(name))
    assert.deepEqual([link.nat, link.wake], [null, null])
    for (const way of ['up', 'down'] as const) {
      const { sparse } = planOf(link, way, QUICK)
      assert.ok(sparse.count >= sparse.devices, name)
      assert.ok(sparse.settle > link[way].delay, name)
    }
  }
})

test('a policer is offered twice what it lets pass', () => {
  const { policed, sparse } = planOf(profile({ policer: { rate: 29, burst: 5 } }), 'up', FULL)
  assert.deepEqual([policed?.rate, policed?.count, policed?.devices], [58, 580, 1])
  assert.ok((sparse.devices * SECOND) / (sparse.rate ?? 0) > SECOND / 29, 'single packets pass')
  assert.equal(planOf(profile({ policer: { rate: 1e5, burst: 5 } }), 'up', FULL).policed, null)
})
