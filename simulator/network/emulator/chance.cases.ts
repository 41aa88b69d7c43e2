/** What holds for everything in a link that happens by chance. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MILLISECOND, SECOND, type Nanoseconds } from '../../core/clock.ts'
import { Channel, DOWN, UP, type DirectionIndex } from './channel.ts'
import { Epochs } from './epochs.ts'
import { correlation } from './theory.cases.ts'

const DEVICES = 3
const LENGTH = 200

/** What becomes of a device's next packet, as a number. */
export type Ask = (device: number, now: Nanoseconds, length: number) => number

export interface ChanceCase {
  readonly name: string
  readonly of: (channel: Channel) => Ask
  /** Not a function of time, but of the packets that came before: the first cases do not hold, and need not. */
  readonly ofTraffic?: boolean
}

interface Place {
  readonly seed?: number
  readonly direction?: DirectionIndex
  /** When connecting began, warm-up began, and t0. */
  readonly plan?: readonly [Nanoseconds, Nanoseconds, Nanoseconds]
}

export const channelOf = (place: Place = {}, devices = DEVICES): Channel => {
  const { seed = 7, direction = UP, plan = [0, 0, 0] } = place
  const epochs = new Epochs()
  epochs.connect(plan[0])
  epochs.plan(plan[1], plan[2])
  return new Channel(seed, direction, devices, epochs)
}

/** Every twentieth of packets that are 50 ms apart, so that none has to do with the one before it. */
const sample = (ask: Ask, device: number, from: Nanoseconds, count = 2000): number[] =>
  Array.from({ length: count }, (_, i) => {
    let last = 0
    for (let k = 0; k < 20; k++) last = ask(device, from + (20 * i + k) * 50 * MILLISECOND, LENGTH)
    return last
  })

/** Two samples have nothing to do with each other, though each varies. */
export const assertUnrelated = (a: readonly number[], b: readonly number[]): void => {
  const found = correlation(a, b)
  assert.ok(Math.abs(found) < 4 / Math.sqrt(a.length), `correlation ${found}`)
}

const ofTime = (name: string, of: (channel: Channel) => Ask): void => {
  test(`${name}: the answer does not depend on the traffic before`, () => {
    const other = fc.array(
      fc.record({
        gap: fc.integer({ min: 0, max: 100e6 }),
        device: fc.integer({ min: 0, max: DEVICES - 1 }),
        length: fc.integer({ min: 20, max: 1500 }),
      }),
      { maxLength: 50 },
    )
    fc.assert(
      fc.property(fc.integer(), other, (seed, packets) => {
        const [quiet, busy] = [of(channelOf({ seed })), of(channelOf({ seed }))]
        let now = 0
        for (const packet of packets) busy(packet.device, (now += packet.gap), packet.length)
        // The next slot but one, where nothing has been asked yet, and where nothing waits for others any more.
        const start = (Math.floor(now / (10 * MILLISECOND)) + 2) * 10 * MILLISECOND
        for (let i = 0; i < 20; i++) {
          const at = start + i * 3 * MILLISECOND
          assert.equal(busy(1, at, LENGTH), quiet(1, at, LENGTH))
        }
      }),
      { numRuns: 100 },
    )
  })

  test(`${name}: the measured window meets the same, whenever it begins`, () => {
    const window = (connect: Nanoseconds, t0: Nanoseconds): number[] => {
      const ask = of(channelOf({ plan: [connect, t0 - SECOND, t0] }))
      for (let t = connect; t < t0 - 2 * SECOND; t += 7 * MILLISECOND) ask(0, t, LENGTH)
      return Array.from({ length: 500 }, (_, i) =>
        ask(0, t0 - SECOND + i * 4 * MILLISECOND, LENGTH),
      )
    }
    assert.deepEqual(window(0, 3 * SECOND), window(5 * SECOND, 60 * SECOND))
  })
}

export const chanceCases = ({ name, of, ofTraffic = false }: ChanceCase): void => {
  if (!ofTraffic) ofTime(name, of)

  test(`${name}: an equal seed gives equal answers, another seed others`, () => {
    const answers = (seed: number): number[] => sample(of(channelOf({ seed })), 0, 0)
    assert.deepEqual(answers(1), answers(1))
    assertUnrelated(answers(1), answers(2))
  })

  test(`${name}: devices have nothing to do with each other`, () => {
    const ask = of(channelOf())
    const devices = Array.from({ length: DEVICES }, (_, device) => sample(ask, device, 0))
    assertUnrelated(devices[0] as number[], devices[1] as number[])
    assertUnrelated(devices[1] as number[], devices[2] as number[])
  })

  test(`${name}: the two directions have nothing to do with each other`, () => {
    const [up, down] = ([UP, DOWN] as const).map((direction) => of(channelOf({ direction })))
    assertUnrelated(sample(up as Ask, 0, 0), sample(down as Ask, 0, 0))
  })

  test(`${name}: connecting and running have nothing to do with each other`, () => {
    const connecting = of(channelOf({ plan: [0, 1e6 * SECOND, 1e6 * SECOND] }))
    const running = of(channelOf({ plan: [0, 0, 0] }))
    assertUnrelated(sample(connecting, 0, 0), sample(running, 0, 0))
  })
}
