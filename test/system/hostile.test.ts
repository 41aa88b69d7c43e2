/**
 * What comes from the network or from a file is not to be trusted. Each parser survives 100 000 random inputs and 100 000
 * valid ones that were changed: nothing is thrown past its layer, nothing hangs, and the memory stays where it was.
 *
 * To repeat a failure: THINGBENCH_SEED=<the seed printed> node --test test/system/hostile.test.ts
 * A new failing input goes to test/fixtures/corpus/<parser>, named after what it broke.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { Target } from './hostile.cases.ts'
import { bombard, corpusOf, mutatedInputs, randomInputs, Watchdog } from './hostile.cases.ts'
import { PLAIN } from './hostile-plain.cases.ts'
import { SECURE } from './hostile-secure.cases.ts'
import { webSocket } from './hostile-websocket.cases.ts'

const INPUTS = 100_000
const SEED = Number(process.env.THINGBENCH_SEED ?? 20_261_122)
/** Milliseconds for one input; a slow machine, or a collection of garbage in the middle, included. */
const SLOWEST = 3000
/** Seconds of processor time for each kind of input of one parser. */
const CPU = 60
const CPU_IN_ALL = 180
/**
 * MiB. The process may keep what its heap once took: the collector gives back late. A leak of OpenSSL's memory shows here,
 * 20 KiB for each session: of one session in fifty it would be 35 MiB.
 */
const RESIDENT = 64
/** MiB after a collection of garbage: only caches may grow, a little. */
const REACHABLE = 2

const watchdog = new Watchdog(20)
let total = 0

after(() => watchdog[Symbol.dispose]())

for (const [index, target] of [...PLAIN, ...SECURE, webSocket].entries())
  describe(target.name, () => {
    const kinds = [
      ['random', randomInputs(target)],
      ['mutated', mutatedInputs(corpusOf(target.name))],
    ] as const
    for (const [kind, next] of kinds)
      it(`survives ${INPUTS} ${kind} inputs`, async (t) => {
        const seed = SEED + 2 * index + (kind === 'random' ? 0 : 1)
        const figures = await bombard(target, seed, INPUTS, next, watchdog)
        const { cpu, slowest, growth, subjects, accepted } = figures
        total += cpu
        t.diagnostic(
          `seed ${SEED} (${seed}): ${cpu.toFixed(1)} s of processor time, slowest input ${slowest.toFixed(1)} ms, ` +
            `memory ${growth.resident.toFixed(1)} MiB resident and ${growth.reachable.toFixed(2)} MiB reachable more, ` +
            `${subjects} subjects, ${accepted} accepted`,
        )
        assert.ok(slowest < SLOWEST, `one input took ${slowest} ms`)
        assert.ok(cpu < CPU, `${cpu} s`)
        assert.ok(growth.resident < RESIDENT, `the process grew by ${growth.resident} MiB`)
        assert.ok(growth.reachable < REACHABLE, `${growth.reachable} MiB stayed reachable`)
        if (kind === 'mutated') assert.ok(accepted > 100, `only ${accepted} were accepted`)
      })
  })

describe('the instrument itself', () => {
  /** Breaks where a 7 follows a 3, wherever they stand and whatever was fed before. */
  const fragile: Target = {
    name: 'fragile',
    lifetime: 100,
    longestRandom: 100,
    fresh: () => ({
      feed(input) {
        for (let i = 1; i < input.length; i++)
          if (input[i - 1] === 3 && input[i] === 7) throw new RangeError('37')
      },
      over: () => false,
      accepted: () => 0,
    }),
  }

  it('shows the smallest input that breaks a parser, and the same one for the same seed', async () => {
    const found = async (): Promise<string> => {
      const next = mutatedInputs([Uint8Array.from({ length: 200 }, (_, i) => i % 10)])
      const failing = bombard(fragile, 5, INPUTS, next, watchdog)
      return failing.then(
        () => assert.fail('it was not found'),
        (error: Error) => error.message,
      )
    }
    const message = await found()
    assert.match(message, /^fragile: RangeError: 37\nthe smallest .*\n {2}0307 \(\d+\)$/)
    assert.equal(await found(), message)
  })

  it('ends a parser that never returns, and shows its input', () => {
    const engine = join(import.meta.dirname, 'hostile.cases.ts')
    const program = `
      import { Watchdog } from '${engine}'
      new Watchdog(1).note(Uint8Array.of(0xca, 0xfe))
      for (;;);
    `
    const words = ['--input-type=module', '-e', program]
    const { signal, stderr } = spawnSync(process.execPath, words, { timeout: 30_000 })
    assert.equal(signal, 'SIGKILL')
    assert.match(stderr.toString(), /no return in 1 s; the input: cafe/)
  })
})

it('all of them together stay within three minutes of processor time', (t) => {
  t.diagnostic(`${total.toFixed(1)} s`)
  assert.ok(total > 0 && total < CPU_IN_ALL, `${total} s`)
})
