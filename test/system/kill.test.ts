/**
 * Processes of a run are killed at random moments, again and again: the runner, the link, the fleet, the consumer, the server.
 * What was finished stays readable, a run whose runner was killed goes on with --resume, and in the end nothing is left.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../../simulator/core/random.ts'
import { parseRows } from '../../simulator/measure/rows.ts'
import type { RunDocument } from '../../simulator/run/run-document.ts'
import { Command, type Process } from './command.cases.ts'
import { skipReason } from './run-scenario.cases.ts'

/** Another seed for each day; the one of a failure can be given again. */
const SEED = Number(process.env.THINGBENCH_TEST_SEED ?? Math.floor(Date.now() / 86_400_000))
const KILLS = Number(process.env.THINGBENCH_TEST_KILLS ?? (process.env.CI === 'true' ? 50 : 10))
/** A guard against a run that cannot be killed; 50 take 5 minutes. Milliseconds. */
const BUDGET = 1_200_000

/** What a newcomer runs, with two repetitions of the six stacks. */
const QUICKSTART = [
  join(import.meta.dirname, '..', '..', 'scenarios', 'quickstart.yaml'),
  '--repetitions',
  '2',
]
const CELLS = 12

/** Each takes its turn. The texts are in the command line of the process, also while it is still a tool that becomes the server. */
const VICTIMS = {
  runner: ['cli/main.ts'],
  link: ['link-process.ts'],
  fleet: ['fleet-process.ts'],
  consumer: ['consumer-process.ts'],
  server: ['mosquitto.conf', 'prosody.cfg.lua'],
} as const
type Victim = keyof typeof VICTIMS
const ORDER = Object.keys(VICTIMS) as Victim[]

/** Longer than a cell takes, and than it takes from the start to the first cell. */
const LONGEST: Readonly<Record<Victim, number>> = {
  runner: 12_000,
  link: 8500,
  fleet: 7500,
  consumer: 7700,
  server: 8000,
}

/** Everything that the test knows while it kills. */
class Killing {
  readonly #command: Command
  readonly #random = new Random(SEED)
  /** Network namespaces of all runs so far. */
  readonly #namespaces = new Set<string>()
  readonly counts: Record<Victim, number> = { runner: 0, link: 0, fleet: 0, consumer: 0, server: 0 }
  #told = ''
  /** Runs that were begun, each in a folder of its own. */
  #runs = 0
  /** Starts that continued a run. */
  resumed = 0
  /** Starts that said that they cleaned up. */
  cleaned = 0

  constructor(command: Command) {
    this.#command = command
  }

  get kills(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0)
  }

  get out(): string {
    return join(this.#command.folder, `run${this.#runs}`)
  }

  get document(): RunDocument | null {
    const path = join(this.out, 'run.json')
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as RunDocument) : null
  }

  /** Continues what was interrupted, or begins a new run where that is complete or was killed before it had a run.json. */
  start(): void {
    const { document } = this
    if (document === null || document.ended === 'complete') {
      this.#runs++
      return this.#command.start(['run', ...QUICKSTART, '--out', this.out, '--json'])
    }
    this.resumed++
    this.#command.start(['run', '--resume', this.out, '--json'])
  }

  /** After the runner has ended, however it did. */
  async ended(): Promise<void> {
    const command = this.#command
    // Killed, done, or done with failed cells.
    const { code, stderr } = await command.ended(240)
    assert.ok(code === null || code === 0 || code === 1, stderr)
    await command.nothingAlive(this.#namespaces)
    assert.doesNotMatch(command.stderr, /defect|^ +at /m)
    if (this.#told !== command.stderr && /cleaned up after a run/.test(command.stderr))
      this.cleaned++
    this.#told = command.stderr
    this.rowsAreWhole()
  }

  /** Every attempt that counts as finished has all its rows, and run.json is not torn. */
  rowsAreWhole(): void {
    const path = join(this.out, 'rows.ndjson')
    if (!existsSync(path)) return
    const attempts = Map.groupBy(
      parseRows(readFileSync(path, 'utf8'), this.out),
      ({ cell, attempt }) => `${cell} ${attempt}`,
    )
    for (const [attempt, rows] of attempts) {
      const [verdict] = rows.slice(-1)
      assert.equal(verdict?.metric, 'outcome', attempt)
      const failed = verdict.outcome === 'failed'
      const metrics = new Set(rows.map(({ metric }) => metric))
      assert.equal(metrics.size, rows.length, `${attempt}: each metric once`)
      for (const metric of ['latency.p50', 'ack.p50', 'cpu.total_us_per_message'])
        assert.equal(metrics.has(metric), !failed, `${attempt}: ${metric}`)
    }
    assert.notEqual(this.document?.schema, undefined)
  }

  /** Kills the victim at a random moment of its life; false when there was none before the run was over. */
  async kill(victim: Victim): Promise<boolean> {
    const command = this.#command
    const found = await this.#appears(victim)
    if (found === null) return false
    await sleep(this.#random.uniform() * LONGEST[victim])
    const still = command.processes().some(({ pid }) => pid === found.pid)
    if (!still) return false
    for (const namespace of command.namespaces()) this.#namespaces.add(namespace)
    process.kill(found.pid, 'SIGKILL')
    this.counts[victim]++
    if (victim === 'runner') await this.ended()
    return true
  }

  async #appears(victim: Victim): Promise<Process | null> {
    const texts: readonly string[] = VICTIMS[victim]
    while (!this.#command.hasEnded) {
      const found = this.#command
        .processes()
        .find(({ command }) => texts.some((text) => command.includes(text)))
      if (found) return found
      await sleep(20)
    }
    return null
  }
}

describe(
  'a quickstart whose processes are killed at random moments',
  { skip: skipReason() },
  () => {
    it(`survives ${KILLS} kills (THINGBENCH_TEST_SEED=${SEED})`, async (t) => {
      await using command = await Command.create()
      const killing = new Killing(command)
      const begin = performance.now()
      const isTime = (): boolean => performance.now() - begin < BUDGET
      let turn = 0
      while (killing.kills < KILLS && isTime()) {
        if (command.hasEnded) {
          if (command.pid !== 0) await killing.ended()
          killing.start()
        }
        if (await killing.kill(ORDER[turn % ORDER.length] as Victim)) turn++
      }
      const { counts, kills, resumed } = killing
      t.diagnostic(`seed ${SEED}, ${JSON.stringify(counts)}, ${resumed} resumptions`)
      assert.equal(kills, KILLS, `only ${kills} kills in ${BUDGET / 1000} s`)
      assert.ok(Math.min(...Object.values(counts)) >= Math.floor(kills / 5))
      if (command.hasEnded) killing.start()
      await killing.ended()
      const { document } = killing
      assert.equal(document?.ended, 'complete')
      const outcomes = Object.values(document.outcomes ?? {}).reduce((sum, n) => sum + n, 0)
      assert.equal(outcomes, CELLS)
      const rows = parseRows(readFileSync(join(killing.out, 'rows.ndjson'), 'utf8'), killing.out)
      assert.equal(new Set(rows.map(({ cell }) => cell)).size, CELLS)
      assert.deepEqual(command.temporaryFiles(), [])
      assert.deepEqual(command.lockFiles(), [])
      t.diagnostic(`${killing.cleaned} starts cleaned up what a killed run had left`)
    })
  },
)
