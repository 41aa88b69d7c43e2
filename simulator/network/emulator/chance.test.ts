import { test } from 'node:test'
import { MILLISECOND } from '../../core/clock.ts'
import type { DirectionProfile, Loss } from '../../core/link-profile.ts'
import { assertUnrelated, chanceCases, channelOf } from './chance.cases.ts'
import { Chance } from './chance.ts'
import { Corrupt } from './corrupt.ts'
import { Delay } from './delay.ts'
import { Duplicate } from './duplicate.ts'
import { Loss as LossOf } from './loss.ts'
import { shape } from './profile.cases.ts'

const loss = (name: string, asked: Loss, changes: Partial<DirectionProfile> = {}): void => {
  chanceCases({
    name,
    ofTraffic: asked.kind === 'packets',
    of: (channel) => {
      const subject = new LossOf(channel, shape({ ...changes, loss: asked }))
      return (device, now, length) => (subject.loses(device, now, length) ? 1 : 0)
    },
  })
}

loss('independent loss', { kind: 'time', ratio: 0.3, burst: 0 })
loss('loss of frames', { kind: 'time', ratio: 0.1, burst: 0 }, { frame: 80 })
loss('loss in bad periods', { kind: 'time', ratio: 0.3, burst: 30 * MILLISECOND })
loss('loss in bad runs', { kind: 'packets', ratio: 0.3, burst: 3 })

const delay = (name: string, changes: Partial<DirectionProfile>): void => {
  chanceCases({
    name,
    of: (channel) => {
      const subject = new Delay(channel, shape({ delay: 5 * MILLISECOND, ...changes }))
      // To the microsecond: times that lie far apart round differently.
      return (device, now) => Math.round((subject.arrival(device, now) - now) / 1000)
    },
  })
}

for (const distribution of ['normal', 'uniform', 'pareto'] as const) {
  // So little that no packet waits for the one before it.
  const jitter = 0.1 * MILLISECOND
  delay(`${distribution} jitter`, { jitter, distribution })
  delay(`${distribution} jitter of each packet`, { jitter, distribution, overtaking: true })
}
delay('reordering', { reorder: { ratio: 0.3, by: MILLISECOND } })

chanceCases({
  name: 'duplication',
  of: (channel) => {
    const subject = new Duplicate(channel, 0.3)
    return (device, now) => (subject.copies(device, now) ? 1 : 0)
  },
})
chanceCases({
  name: 'corruption',
  of: (channel) => {
    const subject = new Corrupt(channel, 0.5)
    return (device, now, length) => subject.bit(device, now, length)
  },
})

test('what happens to a packet in one way says nothing about another', () => {
  const channel = channelOf({}, 1)
  const ratio = 0.3
  const chance = new Chance(
    channel,
    shape({
      loss: { kind: 'time', ratio, burst: 0 },
      delay: 50 * MILLISECOND,
      jitter: MILLISECOND,
      overtaking: true,
      reorder: { ratio, by: 10 * MILLISECOND },
      duplicate: ratio,
      corrupt: ratio,
    }),
  )
  const fates = Array.from({ length: 20_000 }, (_, i) => {
    const now = i * 3 * MILLISECOND
    const later = chance.delay.arrival(0, now) - now
    return [
      chance.loss.loses(0, now, 100) ? 1 : 0,
      // Held back, a packet is ten deviations later.
      later > 55 * MILLISECOND ? 1 : 0,
      (later - 45 * MILLISECOND) % (10 * MILLISECOND),
      chance.duplicate?.copies(0, now) === true ? 1 : 0,
      chance.corrupt?.bit(0, now, 100) === -1 ? 0 : 1,
    ]
  })
  for (let one = 0; one < 5; one++) {
    for (let other = 0; other < one; other++) {
      assertUnrelated(
        fates.map((fate) => fate[one] as number),
        fates.map((fate) => fate[other] as number),
      )
    }
  }
})
