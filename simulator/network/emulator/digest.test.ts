import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, SECOND } from '../../core/clock.ts'
import { CLEAR_LINK, type DirectionProfile, type TimelineEvent } from '../../core/link-profile.ts'
import { channelDigest } from './digest.ts'
import { shape } from './profile.cases.ts'

interface Changes {
  readonly seed?: number
  readonly devices?: number
  readonly length?: number
  readonly timeline?: readonly TimelineEvent[]
  readonly up?: Partial<DirectionProfile>
  readonly down?: Partial<DirectionProfile>
}

const digest = (changes: Changes = {}): string => {
  const { seed = 1, devices = 3, length = 2 * SECOND, timeline = [] } = changes
  const lossy = { loss: { kind: 'time', ratio: 0.1, burst: 0 }, jitter: MILLISECOND } as const
  const profile = {
    ...CLEAR_LINK,
    up: shape({ ...lossy, ...changes.up }),
    down: shape({ ...lossy, ...changes.down }),
  }
  return channelDigest({ seed, devices, profile, timeline }, length)
}

test('the digest is the same for every stack of a repetition, and another in another repetition', () => {
  assert.match(digest(), /^[0-9a-f]{64}$/)
  assert.equal(digest(), digest())
  assert.notEqual(digest({ seed: 2 }), digest({ seed: 1 }))
})

test('the digest differs between seeds even where the link does nothing by chance', () => {
  const clear = shape()
  assert.notEqual(
    digest({ seed: 1, up: clear, down: clear }),
    digest({ seed: 2, up: clear, down: clear }),
  )
})

test('each part of the channel is in the digest', () => {
  const parts: Changes[] = [
    {},
    { devices: 2 },
    { length: SECOND },
    { up: { loss: { kind: 'time', ratio: 0.2, burst: 0 } } },
    { down: { loss: { kind: 'time', ratio: 0.2, burst: 0 } } },
    { up: { loss: { kind: 'time', ratio: 0.1, burst: SECOND } } },
    { up: { loss: { kind: 'packets', ratio: 0.1, burst: 3 } } },
    { up: { loss: { kind: 'list', packets: [3] } } },
    { up: { frame: 80 } },
    { up: { delay: 30 * MILLISECOND } },
    { up: { jitter: 2 * MILLISECOND } },
    { up: { distribution: 'pareto' } },
    { up: { overtaking: true } },
    { up: { reorder: { ratio: 0.1, by: MILLISECOND } } },
    { up: { duplicate: 0.1 } },
    { up: { corrupt: 0.1 } },
    { up: { trace: { file: '/here/lte', digest: 'of the file' } } },
    { timeline: [{ kind: 'blackout', at: 0, for: SECOND, direction: 'both', devices: 1 }] },
  ]
  assert.equal(new Set(parts.map(digest)).size, parts.length)
})

test('a trace is known by what it holds, wherever it lies', () => {
  const at = (file: string): string => digest({ up: { trace: { file, digest: 'of the file' } } })
  assert.equal(at('/here/lte'), at('/there/lte'))
})

test('what is not left to chance is not in the digest', () => {
  assert.equal(digest({ up: { rate: 1e6, queue: { limit: 10, unit: 'packets' } } }), digest())
})
