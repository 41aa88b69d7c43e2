import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, NEVER, SECOND } from '../../core/clock.ts'
import { CodelLaw } from './codel.ts'
import { arrivals, type bothWays } from './virtual-link.cases.ts'

const CODEL = { target: 5 * MILLISECOND, interval: 100 * MILLISECOND }
const MANY = 100_000

/** When packets that have all waited too long, and find many behind them, are dropped: one is looked at each ms. */
const drops = (law: CodelLaw, from: number, until: number): number[] => {
  const times: number[] = []
  for (let now = from; now < until; now += MILLISECOND) {
    // As RFC 8289 does it: after a drop the next packet is looked at in the same instant.
    while (law.drops(0, now - 50 * MILLISECOND, now, MANY)) times.push(now)
  }
  return times
}

test('the first drop comes an interval after the sojourn time rose above target, the next ones after interval/sqrt(count)', () => {
  const times = drops(new CodelLaw(CODEL, 1500, 1), SECOND, 2 * SECOND)
  assert.equal(times[0], SECOND + CODEL.interval)
  let due = SECOND + CODEL.interval
  for (const [i, time] of times.slice(1).entries()) {
    due += CODEL.interval / Math.sqrt(i + 1)
    assert.ok(time >= due && time < due + MILLISECOND, `drop ${i + 2} at ${time}, due ${due}`)
  }
  // sum of 100/sqrt(n) ms, n = 1 ..., reaches 900 ms with n = 26.
  assert.ok(Math.abs(times.length - 27) <= 1, `${times.length} drops`)
})

test('a sojourn time below target, or an almost empty queue, drops nothing and forgets the interval', () => {
  const law = new CodelLaw(CODEL, 1500, 1)
  for (let now = SECOND; now < 2 * SECOND; now += MILLISECOND) {
    assert.equal(law.drops(0, now - CODEL.target + 1, now, MANY), false)
    assert.equal(law.drops(0, now - SECOND, now, 1500), false)
  }
  assert.equal(drops(law, 2 * SECOND, 2 * SECOND + CODEL.interval).length, 0)
})

test('when the queue soon is too long again, drops go on at the rate that helped', () => {
  const law = new CodelLaw(CODEL, 1500, 1)
  const first = drops(law, SECOND, 2 * SECOND).length
  law.drops(0, 2 * SECOND, 2 * SECOND, MANY)
  const again = drops(law, 2.2 * SECOND, 2.5 * SECOND)
  // The first of the new state is an interval late, the second 1/sqrt(count) of an interval after it.
  const gap = (again[1] as number) - (again[0] as number)
  assert.ok(gap <= CODEL.interval / Math.sqrt(first - 3) + MILLISECOND, `${gap}`)
  // Much later nothing is remembered.
  law.drops(0, 10 * SECOND, 10 * SECOND, MANY)
  const [one = 0, two = 0] = drops(law, 10 * SECOND, 10.3 * SECOND)
  assert.equal(two - one, CODEL.interval)
})

test('devices do not share their state', () => {
  const law = new CodelLaw(CODEL, 1500, 2)
  assert.ok(drops(law, SECOND, 2 * SECOND).length > 0)
  assert.equal(law.drops(1, 0, 2 * SECOND, MANY), false)
})

/**
 * deque() of RFC 8289 section 5, word for word, before a serialiser of 1 ms per packet of 1 000 bytes: when each packet
 * has left, NEVER: dropped.
 */
const byTheRfc = (entered: readonly number[]): number[] => {
  const left = entered.map(() => NEVER)
  const { target, interval } = CODEL
  let [next, now] = [0, 0]
  let [firstAbove, dropNext, count, lastCount, dropping] = [0, 0, 0, 0, false]
  const waiting = (): number => entered.filter((time, i) => i >= next && time <= now).length
  const dodequeue = (): { packet: number | null; ok: boolean } => {
    if (next >= entered.length || (entered[next] as number) > now) {
      firstAbove = 0
      return { packet: null, ok: false }
    }
    const packet = next++
    if (now - (entered[packet] as number) < target || waiting() * 1000 <= 1500) firstAbove = 0
    else if (firstAbove === 0) firstAbove = now + interval
    else return { packet, ok: now >= firstAbove }
    return { packet, ok: false }
  }
  const law = (from: number): number => from + interval / Math.sqrt(count)
  while (next < entered.length) {
    let found = dodequeue()
    if (found.packet === null) {
      dropping = false
      now = entered[next] as number
      continue
    }
    if (dropping) {
      if (!found.ok) dropping = false
      while (now >= dropNext && dropping) {
        count++
        found = dodequeue()
        if (!found.ok) dropping = false
        else dropNext = law(dropNext)
      }
    } else if (found.ok) {
      found = dodequeue()
      dropping = true
      const delta = count - lastCount
      count = delta > 1 && now - dropNext < 16 * interval ? delta : 1
      dropNext = law(now)
      lastCount = count
    }
    if (found.packet === null) continue
    now += MILLISECOND
    left[found.packet] = now
  }
  return left
}

test('under overload the same packets are dropped as by the program of the RFC', () => {
  // 1 ms of service; a fifth too much for two seconds, then too little for one, and so on.
  const entered: number[] = []
  for (let now = 0; now < 6 * SECOND;) {
    entered.push(now)
    now += (now % (3 * SECOND) < 2 * SECOND ? 0.8 : 1.3) * MILLISECOND + (entered.length % 7) * 1000
  }
  const found = arrivals(
    { rate: 8e6, codel: CODEL },
    entered.map((now) => [now, 1000]),
  )
  assert.deepEqual(found, byTheRfc(entered))
  assert.ok(found.filter((time) => time === NEVER).length > 100)
})

test('a constant overload fills a plain queue without end; CoDel brings the sojourn time back to its target', () => {
  // 1 ms of service, a packet each 0.95 ms.
  const gap = 0.95 * MILLISECOND
  const count = 14_000
  const packets = Array.from({ length: count }, (_, i) => [i * gap, 1000] as const)
  const sojourns = (changes: Parameters<typeof bothWays>[0]): number[] =>
    arrivals({ rate: 8e6, ...changes }, packets).map((time, i) => time - i * gap - MILLISECOND)
  const plain = sojourns({})
  const thinned = sojourns({ codel: CODEL })
  assert.ok((plain.at(-1) as number) > 0.049 * count * MILLISECOND)
  const most = Math.max(...thinned.filter(Number.isFinite))
  assert.ok(most < 0.15 * SECOND, `${most}`)
  const best = Math.min(...thinned.slice(-4000))
  assert.ok(best < CODEL.target, `${best}`)
})

test('without overload CoDel is a queue like any other', () => {
  const packets = Array.from({ length: 200 }, (_, i) => [Math.floor(i / 4) * 5e6, 1000] as const)
  const plain = arrivals({ rate: 8e6 }, packets)
  assert.deepEqual(arrivals({ rate: 8e6, codel: CODEL }, packets), plain)
})

test('the limit of the queue holds before CoDel', () => {
  const queue = { limit: 3, unit: 'packets' as const }
  const packets = Array.from({ length: 6 }, () => [0, 1000] as const)
  assert.deepEqual(
    arrivals({ rate: 8e6, codel: CODEL, queue }, packets),
    arrivals({ rate: 8e6, queue }, packets),
  )
})
