/** The disk of the results becomes full in the middle of a run: what is finished is kept, and the run goes on when there is room again. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parseRows } from '../../simulator/measure/rows.ts'
import type { RunDocument } from '../../simulator/run/run-document.ts'
import { Command } from './command.cases.ts'
import { skipReason } from './run-scenario.cases.ts'

const SCENARIO = `
thingbench: 1
name: full
stacks: [mqtt-tls, coap-udp]
links: [{ name: quick, delay: 5 ms }]
devices: 3
workload: { interval: 250 ms, payload: 50 B, reliability: acknowledged }
phases: { ramp: 100 ms, warmup: 200 ms, measure: 2 s, drain: 1 s, connect_deadline: 10 s }
repetitions: 2
`
const CELLS = 4
const MIB = 2 ** 20
/** What the four cells are said to need is a little less. */
const SIZE = 8 * MIB

/** A mount namespace with a small disk in it, which lives as long as this is not disposed. */
interface SmallDisk extends AsyncDisposable {
  /** To be put before a command that shall see it. */
  readonly enter: readonly string[]
  /** Where we see its files. */
  readonly seen: string
  /** Takes all room that is left. */
  fill(): Promise<void>
  /** Gives it back. */
  free(): Promise<void>
}

const smallDisk = async (folder: string, size = SIZE): Promise<SmallDisk> => {
  await mkdir(folder)
  const script = `mount -t tmpfs -o size=${size} none "$1" && echo mounted && exec cat`
  const holder = spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  const seen = `/proc/${holder.pid}/root${folder}`
  const filler = join(seen, 'filler')
  return {
    enter: ['nsenter', `--mount=/proc/${holder.pid}/ns/mnt`, '--'],
    seen,
    fill: async () => {
      assert.throws(() => writeFileSync(filler, new Uint8Array(2 * size)), { code: 'ENOSPC' })
      assert.ok((await stat(filler)).size > 0)
    },
    free: () => rm(filler),
    [Symbol.asyncDispose]: async () => {
      holder.stdin.end()
      await once(holder, 'exit')
    },
  }
}

const rowsIn = (folder: string) =>
  parseRows(readFileSync(join(folder, 'rows.ndjson'), 'utf8'), folder)

const documentIn = (folder: string): RunDocument =>
  JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as RunDocument

describe('a run on a small disk', { skip: skipReason() }, () => {
  it('that is filled in its second cell keeps the first, and goes on when there is room', async () => {
    await using command = await Command.create()
    const file = await command.scenario(SCENARIO)
    const folder = join(command.folder, 'disk')
    await using disk = await smallDisk(folder)
    const out = join(folder, 'run')
    const seen = join(disk.seen, 'run')
    command.start(['run', file, '--out', out, '--json'], { before: disk.enter })
    await command.cellStarted(2)
    await disk.fill()
    const { code, stderr } = await command.ended()
    assert.equal(code, 1, stderr)
    assert.match(stderr, /There is no space left in \S+disk\/run \(ENOSPC/)
    assert.match(stderr, /type: thingbench run --resume \S+disk\/run$/m)
    assert.doesNotMatch(stderr, /defect|^ +at /m)
    const finished = new Set(rowsIn(seen).map(({ cell }) => cell))
    assert.ok(finished.size >= 1 && finished.size < CELLS, `${finished.size} cells are kept`)
    assert.match(await readFile(join(seen, 'rows.ndjson'), 'utf8'), /\n$/)
    assert.equal(documentIn(seen).ended, 'failed')
    assert.deepEqual(
      (await readdir(seen)).filter((name) => /^\.|\.new$/.test(name)),
      [],
    )
    await command.nothingLeft(new Set())

    await disk.free()
    const resumed = await command.run(['run', '--resume', out, '--json'], { before: disk.enter })
    assert.equal(resumed.code, 0, resumed.stderr)
    assert.equal(new Set(rowsIn(seen).map(({ cell }) => cell)).size, CELLS)
    assert.equal(documentIn(seen).ended, 'complete')
    assert.ok(existsSync(join(seen, 'report.html')))
  })

  it('that is too small is refused before the first cell', async () => {
    await using command = await Command.create()
    const file = await command.scenario(SCENARIO)
    const folder = join(command.folder, 'disk')
    await using disk = await smallDisk(folder, 2 * MIB)
    const { code, stderr } = await command.run(['run', file, '--out', join(folder, 'run')], {
      before: disk.enter,
    })
    assert.equal(code, 2, stderr)
    assert.match(stderr, /results take about \d+ MiB, and their disk has 2 MiB left/)
    assert.deepEqual(await readdir(disk.seen), [])
  })

  it('whose report does not fit any more says how to make it later', async () => {
    await using command = await Command.create()
    const file = await command.scenario(SCENARIO.replace('[mqtt-tls, coap-udp]', '[coap-udp]'))
    const folder = join(command.folder, 'disk')
    await using disk = await smallDisk(folder)
    const out = join(folder, 'run')
    const first = await command.run(['run', file, '--out', out], { before: disk.enter })
    assert.equal(first.code, 0, first.stderr)
    await rm(join(disk.seen, 'run', 'report.html'))
    await disk.fill()
    const full = await command.run(['report', out], { before: disk.enter })
    assert.equal(full.code, 1)
    assert.match(full.stderr, /no space left.*type: thingbench report \S+disk\/run$/m)
  })
})

describe('a run with too few open files', { skip: skipReason() }, () => {
  it('is refused before the first cell, with the command that allows more', async () => {
    await using command = await Command.create()
    const file = await command.scenario(SCENARIO.replace('devices: 3', 'devices: 900'))
    // Without the capability to go beyond the hard limit.
    const before = ['prlimit', '--nofile=500:500', 'setpriv', '--bounding-set=-sys_resource', '--inh-caps=-sys_resource'] // prettier-ignore
    const { code, stderr } = await command.run(['run', file, '--out', command.out], { before })
    assert.equal(code, 2, stderr)
    assert.match(stderr, /needs 973 open files in one process, and 500 are allowed; up to 430 dev/)
    assert.match(stderr, /sudo prlimit --pid \$\$ --nofile=973:973/)
    assert.equal(existsSync(command.out), false)
  })
})
