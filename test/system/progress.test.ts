/** What a run shows while it runs: in a terminal, in a pipe, and to programs. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Event } from '../events.ts'
import { isEvent, SCHEMAS } from '../events.ts'
import { Command } from './command.cases.ts'
import { skipReason } from './run-scenario.cases.ts'
import { noTerminal, Terminal } from './terminal.cases.ts'

const SIZE = { columns: 80, rows: 30 }
const CELL = 'coap-udp.quick.5.telemetry'

/** Cells of one stack that needs no server: 20 messages a second. */
const scenario = (repetitions: number, measure = '3 s'): string => `
thingbench: 1
name: watched
stacks: [coap-udp]
links: [{ name: quick, delay: 5 ms }]
devices: 5
workload: { interval: 250 ms, payload: 50 B, reliability: acknowledged }
phases: { ramp: 500 ms, warmup: 500 ms, measure: ${measure}, drain: 1 s, connect_deadline: 10 s }
repetitions: ${repetitions}
thresholds: [{ metric: latency.p50, below: 1 ms }]
`

/** Rows of the live block. */
const BLOCK =
  /^watched: |^ {4}looking at| {2}(?:starting|connect,|warm-up,|measure,|drain,|close$)|^ {4}\d+\/\d+ devices|left for the whole run$|^(?:ending the running|making tables)|…$/u
/** The line of a cell that has ended. */
const ENDED = new RegExp(
  String.raw`^\[\d/\d\] ${CELL}\.r0\d(?: again)?  (?:measured|censored|invalid)  latency p50 \S+ ms(?:  p99 \S+ ms)?  delivered \S+$`,
  'u',
)

const started = async (command: Command, measure: string, size = SIZE): Promise<Terminal> => {
  const file = await command.scenario(scenario(1, measure))
  const terminal = await Terminal.start(command, ['run', file, '--out', command.out], size)
  await terminal.row(/measure, \d+ s left/u)
  return terminal
}

/** Nothing is left of the block, and the cursor is there. */
const isClean = (terminal: Terminal): void => {
  const rows = terminal.rows()
  assert.deepEqual(rows.filter((row) => BLOCK.test(row)), [], rows.join('\n')) // prettier-ignore
  assert.ok(terminal.cursorIsVisible())
}

/** Waits until no process of the command is left. */
const gone = async (command: Command): Promise<void> => {
  const deadline = performance.now() + 20_000
  while (command.processes().length > 0) {
    assert.ok(performance.now() < deadline, JSON.stringify(command.processes()))
    await sleep(50)
  }
}

describe('a run in a terminal', { skip: skipReason() || noTerminal() }, () => {
  it('shows the cell that is running in place, and leaves a line for each that has ended', async () => {
    await using command = await Command.create()
    const file = await command.scenario(scenario(2))
    const terminal = await Terminal.start(command, ['run', file, '--out', command.out], SIZE)
    const seen = new Set<string>()
    const code = await terminal.until('the run to end', 60, () => {
      const rows = terminal.rows()
      const block = rows.filter((row) => BLOCK.test(row))
      for (const row of block) seen.add(row)
      assert.ok(block.length <= 3, rows.join('\n'))
      assert.deepEqual(rows.slice(rows.length - block.length), terminal.ending() === null ? block : [], rows.join('\n')) // prettier-ignore
      return terminal.ending() ?? undefined
    })
    assert.equal(code, 99)
    const all = [...seen].join('\n')
    for (const wanted of [
      /^watched: 2 cells, about \d+ s$/mu,
      new RegExp(`^\\[1/2\\] ${CELL}.r0\\d  measure, [1-3] s left$`, 'mu'),
      /^ {4}5\/5 devices {2}\d+ msg\/s {2}latency p99 [\d.]+ ms {2}no errors$/mu,
      /^ {4}about \d+ s left for the whole run$/mu,
      /^making tables and charts$/mu,
    ])
      assert.match(all, wanted)
    isClean(terminal)
    const rows = terminal.rows()
    assert.ok(rows.filter((row) => ENDED.test(row)).length >= 2, rows.join('\n'))
    assert.ok(rows.some((row) => row.startsWith('report: ')))
  })

  it('cuts what it shows in place to a narrow terminal, until that becomes wider', async () => {
    await using command = await Command.create()
    const file = await command.scenario(scenario(1, '8 s'))
    const words = ['run', file, '--out', command.out]
    const terminal = await Terminal.start(command, words, { columns: 20, rows: 30 })
    await terminal.row(/^ {4}5\/5 devices {2}\d…$/u)
    const [cell, , left] = terminal.rows().slice(-3)
    assert.equal(cell, '[1/1] coap-udp.qui…')
    assert.match(String(left), /^ {4}about \d+ s lef/u)
    terminal.resize(SIZE)
    await terminal.row(/latency p99 [\d.]+ ms {2}no errors$/u)
    assert.equal(await terminal.ended(), 99)
    isClean(terminal)
  })

  it('that is interrupted by Ctrl-C leaves a clean screen', async () => {
    await using command = await Command.create()
    const terminal = await started(command, '30 s')
    terminal.type('C-c')
    assert.equal(await terminal.ended(20), 3)
    isClean(terminal)
    const text = terminal.rows().join('\n')
    assert.match(text, /^(?:\^C)?thingbench: SIGINT: ending the running cell/mu)
    assert.match(text, /^thingbench: Interrupted by SIGINT\./mu)
  })

  it('that fails leaves a clean screen', async () => {
    await using command = await Command.create()
    const terminal = await started(command, '3 s')
    await rm(command.out, { recursive: true })
    assert.equal(await terminal.ended(20), 1)
    isClean(terminal)
    assert.match(terminal.rows().join('\n'), /^thingbench: /mu)
  })

  it('that is killed leaves the cursor', async () => {
    await using command = await Command.create()
    const terminal = await started(command, '30 s')
    process.kill((await command.running('cli/main.ts')).pid, 'SIGKILL')
    assert.equal(await terminal.ended(20), 128 + 9)
    assert.ok(terminal.cursorIsVisible())
  })

  it('that is closed ends in order, and what was finished is kept', async () => {
    await using command = await Command.create()
    const terminal = await started(command, '30 s')
    terminal.close()
    await gone(command)
    assert.equal((await command.json('run.json'))['ended'], 'interrupted')
    assert.ok(command.has('report.html'))
  })

  it('that cannot be painted on has plain lines', async () => {
    await using command = await Command.create()
    const file = await command.scenario(scenario(1, '1 s'))
    const words = ['run', file, '--out', command.out]
    const terminal = await Terminal.start(command, words, SIZE, 'dumb')
    await terminal.until('the run to end', 60, () => {
      assert.deepEqual(terminal.rows().filter((row) => BLOCK.test(row)), []) // prettier-ignore
      return terminal.ending() ?? undefined
    })
    assert.ok(terminal.rows().some((row) => ENDED.test(row)))
  })
})

describe('a run in a pipe', { skip: skipReason() }, () => {
  it('writes one plain line for each cell, with its reasons indented', async () => {
    await using command = await Command.create()
    const file = await command.scenario(scenario(2, '1 s'))
    const { code, stdout, stderr } = await command.run(['run', file, '--out', command.out])
    assert.equal(code, 99, stderr)
    // eslint-disable-next-line no-control-regex
    assert.doesNotMatch(stdout + stderr, /[\u0000-\u0009\u000B-\u001F\u007F]/u)
    const lines = stderr.trimEnd().split('\n')
    assert.ok(lines.filter((line) => ENDED.test(line)).length >= 2)
    const others = lines.filter((line) => !ENDED.test(line) && !/^ {4}\S/u.test(line))
    assert.equal(others.length, 1, stderr)
    assert.match(String(others), /^thingbench: threshold crossed: latency\.p50/u)
    assert.match(stdout, /^report: .*report\.html$/mu)
  })
})

/** All events of an ended command; every line of its standard output must be one. */
const eventsOf = (stdout: string): Event[] =>
  stdout.trimEnd().split('\n').map((line) => isEvent(JSON.parse(line))) // prettier-ignore

const LETTERS: Readonly<Record<string, string>> = {
  'run-started': 'R',
  'cell-started': '(',
  phase: 'p',
  progress: '.',
  'cell-ended': ')',
  report: 't',
  error: 'e',
  'run-ended': 'E',
}

const order = (events: readonly Event[]): string =>
  events.map(({ event }) => LETTERS[event] ?? '?').join('')

describe('a run for programs', { skip: skipReason() }, () => {
  let out = ''
  let events: Event[] = []
  const of = (name: string): Event[] => events.filter(({ event }) => event === name)

  before(async () => {
    await using command = await Command.create()
    out = command.out
    const file = await command.scenario(scenario(2))
    const { code, stdout, stderr } = await command.run(['run', file, '--out', out, '--json'])
    assert.equal(code, 99, stderr)
    events = eventsOf(stdout)
  })

  it('tells events in the order of docs/events.md, each at least once, and nothing else', () => {
    // Five phases; a cell is run again when something else took the machine.
    assert.match(order(events), /^R(?:\((?:\.*p){5}\.*\)){2,4}tE$/u)
    const seen = new Set(events.map(({ event }) => event))
    assert.deepEqual(new Set(SCHEMAS.keys()).difference(seen), new Set(['plan', 'error']))
    const phases = of('phase').slice(0, 5).map((event) => event['phase']) // prettier-ignore
    assert.deepEqual(phases, ['connect', 'warm-up', 'measure', 'drain', 'close'])
    const elapsed = events.map((event) => Number(event['elapsed_s']))
    assert.deepEqual(
      elapsed,
      elapsed.toSorted((a, b) => a - b),
    )
  })

  it('names its cells, its folder, its report, and how it ended', () => {
    const cells = new Set(of('cell-started').map(({ cell }) => cell))
    assert.deepEqual(cells, new Set([`${CELL}.r01`, `${CELL}.r02`]))
    const named = new Set(events.flatMap(({ cell }) => (cell === undefined ? [] : [cell])))
    assert.deepEqual(named, cells)
    const [report] = of('report') as [Event]
    assert.deepEqual([report['folder'], report['page']], [out, join(out, 'report.html')])
    assert.match(String(report['thresholds_crossed']), /^latency\.p50 below 1 ms: it is/u)
    const { folder, ended, exit, outcomes } = of('run-ended')[0] as Event
    assert.deepEqual([folder, ended, exit], [out, 'complete', 99])
    const counts: number[] = Object.values(outcomes as object)
    assert.equal(counts.reduce((sum, n) => sum + n), 2) // prettier-ignore
  })

  it('tells how devices connect and messages arrive, every two seconds', () => {
    const end = events.findIndex(({ event }) => event === 'cell-ended')
    const progress = events.slice(0, end).filter(({ event }) => event === 'progress')
    // From connect to close it is 4 s; the first event comes at once.
    assert.ok(progress.length >= 2 && progress.length <= 5, `${progress.length} events`)
    const last = progress.at(-1) as Event
    assert.deepEqual([last['devices'], last['connected'], last['failed']], [5, 5, 0])
    const rates = progress.map((event) => Number(event['delivered_per_s']))
    assert.ok(Math.max(...rates) > 10 && Math.max(...rates) < 40, `${rates.join()} of 20 msg/s`)
    assert.ok(Number(last['latency_p99_ms']) >= 5, JSON.stringify(last))
    const delivered = progress.map((event) => Number(event['delivered']))
    assert.deepEqual(
      delivered,
      delivered.toSorted((a, b) => a - b),
    )
    assert.ok(Number(last['delivered']) > 0 && Number(last['delivered']) <= 60)
    const left = progress.map((event) => Number(event['run_remaining_s']))
    assert.deepEqual(
      left,
      left.toSorted((a, b) => b - a),
    )
  })

  it('tells of an interruption, and what was finished is in the report', async () => {
    await using command = await Command.create()
    const file = await command.scenario(scenario(1, '30 s'))
    command.start(['run', file, '--out', command.out, '--json'])
    await command.running('fleet-process.ts')
    command.signalGroup('SIGINT')
    const { code, stdout, stderr } = await command.ended(20)
    assert.equal(code, 3)
    const told = eventsOf(stdout)
    assert.match(order(told), /^R\([p.]*teE$/u)
    const [report, error, ended] = told.slice(-3) as [Event, Event, Event]
    assert.ok(existsSync(String(report['page'])))
    assert.deepEqual(report['thresholds_crossed'], [])
    assert.equal(error['code'], 'TB_INTERRUPTED')
    assert.ok(stderr.includes(`thingbench: ${String(error['message'])}\n`))
    assert.deepEqual([ended['ended'], ended['exit']], ['interrupted', 3])
  })

  it('ends in order when nobody reads its events any more', async () => {
    await using command = await Command.create()
    const file = await command.scenario(scenario(1, '30 s'))
    const words = ['run', file, '--out', command.out, '--json']
    const { stdout, stderr } = await command.run(words, {
      before: ['sh', '-c', '"$0" "$@" | head -n 1'],
    })
    assert.equal(order(eventsOf(stdout)), 'R')
    assert.match(stderr, /^thingbench: Interrupted by SIGPIPE\./mu)
    assert.doesNotMatch(stderr, /defect|^ +at /mu)
    assert.equal((await command.json('run.json'))['ended'], 'interrupted')
    await command.nothingLeft(new Set())
  })
})
