/**
 * Feeds a parser with random and with mutated valid bytes, and bounds what that may cost. Every choice follows from one seed.
 * A failing input is made smaller before it is shown, by replaying the inputs since its subject was made.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { Random } from '../../simulator/core/random.ts'

/** A parser in some state of its life. `feed` throws where a promise is broken. */
export interface Subject {
  feed(input: Uint8Array, random: Random): void
  /** It has ended, so that the next input needs another one. */
  over(): boolean
  /** How often it took something as valid: without any, the inputs did not come far. */
  accepted(): number
  /** Valid inputs for just this subject, beside those of the corpus. */
  readonly samples?: readonly Uint8Array[]
}

export interface Target {
  /** Also the folder of its corpus. */
  readonly name: string
  /** Inputs until it is replaced by a fresh one, if it lives so long. */
  readonly lifetime: number
  readonly longestRandom: number
  fresh(random: Random): Subject
}

export interface Figures {
  readonly seed: number
  readonly inputs: number
  readonly subjects: number
  readonly accepted: number
  /** Seconds of processor time. */
  readonly cpu: number
  /** Milliseconds. */
  readonly slowest: number
  /** MiB that were added after the first tenth: to the process, and to the objects and buffers that are still reachable. */
  readonly growth: Memory
}

/** MiB. */
export interface Memory {
  readonly resident: number
  readonly reachable: number
}

const CORPUS = join(import.meta.dirname, '..', 'fixtures', 'corpus')

/** The valid inputs of a parser, and those that once failed. */
export const corpusOf = (name: string): Uint8Array[] => {
  const folder = join(CORPUS, name)
  const files = readdirSync(folder).filter((file) => file.endsWith('.bin'))
  return files.toSorted().map((file) => Uint8Array.from(readFileSync(join(folder, file))))
}

const randomBytes = (random: Random, most: number): Uint8Array => {
  // Short ones often: what ends a session early hides the rest.
  const length = random.integer(random.integer(4) === 0 ? most : Math.min(most, 16)) + 1
  return Uint8Array.from({ length }, () => random.integer(256))
}

/** Values at which lengths and counters turn over. */
const EDGES = [0, 1, 0x7f, 0x80, 0xfe, 0xff]
const pick = <T>(random: Random, items: readonly T[]): T => items[random.integer(items.length)] as T

const mutateOnce = (bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array => {
  const at = random.integer(bytes.length + 1)
  const upTo = Math.min(bytes.length, at + 1 + random.integer(16))
  const copy = Uint8Array.from(bytes)
  switch (random.integer(8)) {
    case 0:
      if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << random.integer(8))
      return copy
    case 1:
      if (at < copy.length) copy[at] = random.integer(256)
      return copy
    case 2:
      if (at < copy.length) copy[at] = pick(random, EDGES)
      return copy
    case 3: // dropped
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(upTo)])
    case 4: // said twice
      return Buffer.concat([bytes.subarray(0, upTo), bytes.subarray(at)])
    case 5: // put in
      return Buffer.concat([bytes.subarray(0, at), randomBytes(random, 8), bytes.subarray(at)])
    case 6: // cut off
      return copy.subarray(0, at)
    default: // goes on as another
      return Buffer.concat([
        bytes.subarray(0, at),
        other.subarray(random.integer(other.length + 1)),
      ])
  }
}

/** Longer ones are not worth their time. */
const LONGEST = 8192

/** One valid input, or several in a row, with up to four changes. */
export const mutated = (valid: readonly Uint8Array[], random: Random): Uint8Array => {
  let bytes = pick(random, valid)
  while (random.integer(4) === 0 && bytes.length < LONGEST / 4)
    bytes = Buffer.concat([bytes, pick(random, valid)])
  for (let changes = 1 + random.integer(4); changes > 0; changes--)
    bytes = mutateOnce(bytes, pick(random, valid), random)
  return bytes.subarray(0, LONGEST)
}

/** An input, and the seed of what else is chosen while it is fed. */
interface Step {
  readonly bytes: Uint8Array
  readonly seed: number
}

const failureOf = (target: Target, seed: number, steps: readonly Step[]): unknown => {
  try {
    const subject = target.fresh(new Random(seed))
    for (const step of steps) {
      if (subject.over()) break
      subject.feed(step.bytes, new Random(step.seed))
    }
    return null
  } catch (error) {
    return error
  }
}

/** Leaves out inputs, then pieces of inputs, for as long as the same error stays. Bounded by a number of attempts. */
export const shrink = (target: Target, seed: number, steps: readonly Step[]): readonly Step[] => {
  let best = steps
  let attempts = 2000
  const wanted = String(failureOf(target, seed, best)).split('\n')[0]
  const better = (candidate: readonly Step[]): boolean => {
    if (attempts-- <= 0) return false
    if (String(failureOf(target, seed, candidate)).split('\n')[0] !== wanted) return false
    best = candidate
    return true
  }
  for (let size = best.length >> 1; size >= 1; size >>= 1)
    for (let at = 0; at + size <= best.length;)
      if (!better([...best.slice(0, at), ...best.slice(at + size)])) at += size
  for (let i = 0; i < best.length; i++)
    for (let size = (best[i]?.bytes.length ?? 0) >> 1; size >= 1; size >>= 1)
      for (let at = 0; at + size <= (best[i]?.bytes.length ?? 0);) {
        const { bytes, seed: own } = best[i] as Step
        const less = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)])
        if (!better(best.with(i, { bytes: less, seed: own }))) at += size
      }
  return best
}

const describeFailure = (target: Target, seed: number, steps: readonly Step[], error: unknown) => {
  const replayed = failureOf(target, seed, steps) !== null
  const shown = replayed ? shrink(target, seed, steps) : steps.slice(-1)
  const hex = shown.map(({ bytes, seed }) => `  ${Buffer.from(bytes).toString('hex')} (${seed})`)
  const how = replayed
    ? `the smallest inputs that do it, subject ${seed}:`
    : 'it does not happen again on a fresh subject; the last input was:'
  return new Error(`${target.name}: ${String(error)}\n${how}\n${hex.join('\n')}`, { cause: error })
}

const collectGarbage = (() => {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
})()

/** The memory of buffers is given back in turns of the event loop. */
const memoryNow = async (): Promise<Memory> => {
  collectGarbage()
  await sleep(100)
  collectGarbage()
  const { rss, heapUsed, external } = process.memoryUsage()
  return { resident: rss / 2 ** 20, reachable: (heapUsed + external) / 2 ** 20 }
}

/** Nothing in this thread can end a parser that never returns: another thread shows its input and ends the process. */
const WATCHDOG = `
const { workerData: { shared, seconds } } = require('node:worker_threads')
const state = new Int32Array(shared, 0, 2)
let last = -1, since = Date.now()
setInterval(() => {
  const count = Atomics.load(state, 0)
  if (count !== last) { last = count; since = Date.now(); return }
  if (count < 0 || Date.now() - since < seconds * 1000) return
  const input = Buffer.from(new Uint8Array(shared, 8, Atomics.load(state, 1)))
  require('node:fs').writeSync(2, 'no return in ' + seconds + ' s; the input: ' + input.toString('hex') + '\\n')
  process.kill(process.pid, 'SIGKILL')
}, 500)
`

export class Watchdog implements Disposable {
  readonly #shared = new SharedArrayBuffer(8 + LONGEST)
  readonly #state = new Int32Array(this.#shared, 0, 2)
  readonly #input = new Uint8Array(this.#shared, 8)
  readonly #worker: Worker
  #count = 0

  /** @param seconds that one input may take */
  constructor(seconds: number) {
    this.rest()
    const workerData = { shared: this.#shared, seconds }
    this.#worker = new Worker(WATCHDOG, { eval: true, workerData, execArgv: [] })
    this.#worker.unref()
  }

  note(input: Uint8Array): void {
    this.#input.set(input)
    Atomics.store(this.#state, 1, input.length)
    Atomics.store(this.#state, 0, ++this.#count & 0x7fffffff)
  }

  /** Nothing is being parsed. */
  rest(): void {
    Atomics.store(this.#state, 0, -1)
  }

  [Symbol.dispose](): void {
    void this.#worker.terminate()
  }
}

/**
 * Feeds `count` inputs from `next` and gives the figures; throws the smallest failing input as hex.
 * @param next the following input for the subject
 */
export const bombard = async (
  target: Target,
  seed: number,
  count: number,
  next: (subject: Subject, random: Random) => Uint8Array,
  watchdog: Watchdog,
): Promise<Figures> => {
  const random = new Random(seed)
  let [subjects, accepted, slowest] = [0, 0, 0]
  let early = await memoryNow()
  let subject: Subject | null = null
  let subjectSeed = 0
  let steps: Step[] = []
  const cpu = process.cpuUsage()
  for (let i = 0; i < count; i++) {
    if (i === Math.floor(count / 10)) early = await memoryNow()
    if (i % 4096 === 0) await turn()
    if (subject === null) {
      subjectSeed = random.integer(2 ** 31)
      subject = target.fresh(new Random(subjectSeed))
      subjects++
      steps = []
    }
    const step = { bytes: next(subject, random), seed: random.integer(2 ** 31) }
    steps.push(step)
    watchdog.note(step.bytes)
    const begin = performance.now()
    try {
      subject.feed(step.bytes, new Random(step.seed))
    } catch (error) {
      watchdog.rest()
      throw describeFailure(target, subjectSeed, steps, error)
    }
    slowest = Math.max(slowest, performance.now() - begin)
    if (!subject.over() && steps.length < target.lifetime) continue
    accepted += subject.accepted()
    subject = null
  }
  watchdog.rest()
  accepted += subject?.accepted() ?? 0
  steps = []
  subject = null
  const used = process.cpuUsage(cpu)
  const late = await memoryNow()
  return {
    seed,
    inputs: count,
    subjects,
    accepted,
    cpu: (used.user + used.system) / 1e6,
    slowest,
    growth: {
      resident: late.resident - early.resident,
      reachable: late.reachable - early.reachable,
    },
  }
}

/** Random bytes, whatever the subject. */
export const randomInputs =
  (target: Target) =>
  (_: Subject, random: Random): Uint8Array =>
    randomBytes(random, target.longestRandom)

/** Changed inputs of the corpus, and as often of the subject's own samples where it has some. */
export const mutatedInputs = (corpus: readonly Uint8Array[]) => {
  assert.ok(corpus.length > 0, 'the corpus is empty')
  return (subject: Subject, random: Random): Uint8Array => {
    const own = subject.samples ?? []
    return mutated(own.length > 0 && random.integer(2) === 0 ? own : corpus, random)
  }
}
