/** A run that was interrupted, killed and continued leaves what an uninterrupted one leaves. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Measurement } from '../../simulator/core/types.ts'
import { parseRows } from '../../simulator/measure/rows.ts'
import type { RunDocument } from '../../simulator/run/run-document.ts'
import { Command } from './command.cases.ts'
import { skipReason } from './run-scenario.cases.ts'

const SCENARIO = `
thingbench: 1
name: resumed
stacks: [mqtt-tls, coap-udp]
links: [{ name: quick, delay: 5 ms, loss: 1 % }]
devices: 3
workload: { interval: 200 ms, payload: 50 B, reliability: acknowledged }
phases: { ramp: 100 ms, warmup: 200 ms, measure: 1 s, drain: 1 s, connect_deadline: 10 s }
repetitions: 2
`
const CELLS = 4

const files = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    statSync(join(folder, file)).isFile(),
  )

/** A run as data, without what differs by chance: values, and which cells had to be repeated. */
const structureOf = (folder: string) => {
  const document = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as RunDocument
  const all = parseRows(readFileSync(join(folder, 'rows.ndjson'), 'utf8'), folder)
  const rows = all.filter(({ attempt }) => attempt === 1)
  const cells = [...new Set(rows.map(({ cell }) => cell))]
  return {
    document,
    rows: all,
    compared: {
      files: files(folder)
        .filter((file) => !file.includes('.attempt2'))
        .sort(),
      // In the order in which they ran.
      cells: cells.map((cell) => {
        const own = rows.filter((row) => row.cell === cell)
        return { cell, metrics: own.map(({ metric }) => metric) }
      }),
      fields: Object.keys(document),
      ended: document.ended,
      counted: Object.values(document.outcomes ?? {}).reduce((sum, count) => sum + count, 0),
      audit: {
        properties: Object.keys(document.audit.stacks).sort(),
        // Functions of the seeds.
        channels: document.audit.channels,
        agree: document.audit.channels_agree,
        mapping: document.audit.mapping,
        tcp: Object.keys(document.audit.tcp),
      },
    },
  }
}

const said = ({ code, stderr }: { code: number | null; stderr: string }, wanted: number): void => {
  assert.equal(code, wanted, stderr)
  assert.doesNotMatch(stderr, /defect|^ +at /m)
}

/** Interrupts a run that is measuring its cell of that number. */
const interrupt = async (command: Command, number: number, signal: NodeJS.Signals) => {
  await command.cellStarted(number)
  await command.running('fleet-process.ts')
  const namespaces = command.namespaces()
  process.kill(command.pid, signal)
  const ending = await command.ended(15)
  await command.nothingAlive(namespaces)
  return ending
}

const finishedRows = (command: Command): Measurement[] =>
  parseRows(readFileSync(join(command.out, 'rows.ndjson'), 'utf8'), command.out)

/** What the program says is found in files and in messages. */
const holdsNoKey = (folder: string): void => {
  for (const file of files(folder))
    assert.doesNotMatch(readFileSync(join(folder, file), 'latin1'), /PRIVATE KEY/, file)
}

describe('run --resume', { skip: skipReason() }, () => {
  it('after Ctrl-C and kill -9 gives what an uninterrupted run gives', async () => {
    await using whole = await Command.create()
    const { code } = await whole.run([
      'run',
      await whole.scenario(SCENARIO),
      '--out',
      whole.out,
      '--json',
    ])
    assert.equal(code, 0, whole.stderr)

    await using command = await Command.create()
    const file = await command.scenario(SCENARIO)
    command.start(['run', file, '--out', command.out, '--json'])
    const first = await interrupt(command, 2, 'SIGINT')
    said(first, 3)
    assert.match(first.stderr, new RegExp(`thingbench run --resume ${command.out}$`, 'm'))
    const kept = finishedRows(command)
    assert.ok(kept.length > 0)
    // As if it had been killed while it wrote.
    const [row] = kept.slice(-1)
    const torn = JSON.stringify({ ...row, cell: 'torn', metric: 'ack.p50' })
    await appendFile(join(command.out, 'rows.ndjson'), `${torn}\n${torn.slice(0, 40)}`)

    command.start(['run', '--resume', command.out, '--json'])
    await interrupt(command, 3, 'SIGKILL')
    assert.deepEqual(finishedRows(command).slice(0, kept.length), kept)

    const last = await command.run(['run', file, '--resume', command.out, '--json'])
    said(last, 0)
    const [a, b] = [structureOf(whole.out), structureOf(command.out)]
    assert.deepEqual(b.compared, a.compared)
    assert.equal(a.compared.counted, CELLS)
    assert.deepEqual(b.rows.slice(0, kept.length), kept)
    assert.equal(b.document.resumptions.length, 2)
    assert.match(b.document.resumptions[0]?.command ?? '', /^thingbench run --resume /)
    assert.match(
      readFileSync(join(command.out, 'report.html'), 'utf8'),
      /This run was interrupted and continued 2.times/,
    )
    holdsNoKey(command.out)
    assert.deepEqual(command.temporaryFiles(), [])
    assert.deepEqual(command.lockFiles(), [])

    // There is nothing left to do.
    const before = readFileSync(join(command.out, 'run.json'), 'utf8')
    const again = await command.run(['run', '--resume', command.out])
    said(again, 0)
    assert.match(again.stderr, /is complete: there is nothing left to measure/)
    assert.equal(readFileSync(join(command.out, 'run.json'), 'utf8'), before)
  })

  it('refuses another question, with every difference, and leaves the folder as it is', async () => {
    await using command = await Command.create()
    const file = await command.scenario(SCENARIO)
    command.start(['run', file, '--only', 'coap-udp', '--out', command.out, '--json'])
    await interrupt(command, 1, 'SIGINT')
    const state = (): string[] =>
      files(command.out).map((name) => `${name} ${readFileSync(join(command.out, name), 'base64')}`)
    const before = state()
    await writeFile(file, SCENARIO.replace('200 ms', '300 ms').replace('loss: 1 %', 'loss: 2 %'))
    const changed = await command.run(['run', file, '--resume', command.out])
    said(changed, 2)
    assert.match(changed.stderr, /links\[0\]\.up\.loss\.ratio: it was 0\.01, and is now 0\.02/)
    assert.match(changed.stderr, /workloads\[0\]\.interval: it was 200000000, and is now 300000000/)
    // The options of the first start hold on: the stack that was left out is no difference.
    assert.doesNotMatch(changed.stderr, /stacks/)
    const more = await command.run(['run', '--resume', command.out, '--repetitions', '3'])
    said(more, 2)
    assert.match(more.stderr, /repetitions: it was 2, and is now 3/)
    assert.deepEqual(state(), before)
  })

  it('refuses what is no run, and usage that makes no sense', async () => {
    await using command = await Command.create()
    const file = await command.scenario(SCENARIO)
    for (const [words, message] of [
      [['run', '--resume', command.folder], /no run to continue in .*: run\.json is missing/],
      [['run', '--resume', file], /it is no folder/],
      [['run', '--resume', command.out], /it is no folder/],
      [['run', file, '--resume'], /Wrong usage/],
      [['run'], /Wrong usage: run needs a scenario, or --resume/],
    ] as const) {
      const ending = await command.run(words)
      said(ending, 2)
      assert.match(ending.stderr, message)
    }
  })
})

describe('a second run on the machine', { skip: skipReason() }, () => {
  it('is refused with the process and the folder of the first, which goes on', async () => {
    await using command = await Command.create()
    const file = await command.scenario(SCENARIO)
    command.start(['run', file, '--only', 'coap-udp', '--out', command.out, '--json'])
    await command.cellStarted(1)
    await using other = await Command.create()
    const env = { THINGBENCH_LOCKS: command.folder }
    const refused = await other.run(['run', file, '--out', other.out], { env })
    said(refused, 1)
    assert.match(
      refused.stderr,
      new RegExp(`process ${command.pid}, since 20.*, results in ${command.out}\\)`),
    )
    assert.ok(!other.has('.'))
    said(await command.ended(), 0)
  })
})
