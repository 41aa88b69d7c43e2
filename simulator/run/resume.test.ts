import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Scenario } from '../core/types.ts'
import { readScenario } from '../scenario/load.ts'
import { Audit } from './audit.ts'
import { catalogue } from './catalogue.ts'
import { narrow, type Narrowing } from './narrow.ts'
import { openRun, sameQuestion } from './resume.ts'
import type { RunDocument } from './run-document.ts'
import { Store } from './store.ts'

const root = mkdtempSync(join(tmpdir(), 'thingbench-resume-'))
after(() => rmSync(root, { recursive: true }))

const TEXT = `thingbench: 1
stacks: [mqtt-tcp, coap-udp]
links: [lan]
devices: 3
workload: { interval: 1 s }
repetitions: 2
`
const FILE = join(root, 'question.yaml')
writeFileSync(FILE, TEXT)

const processors = { server: null, fleet: null, link: null, consumer: null }
const start = { command: 'thingbench run question.yaml', environment: {}, processors }

const documentOf = (scenario: Scenario, options: Narrowing): RunDocument => ({
  schema: 1,
  ...start,
  scenario: scenario.name,
  title: scenario.title,
  digest: scenario.digest,
  options,
  seed: scenario.seed,
  repetitions: scenario.repetitions,
  timeline: [],
  resumptions: [],
  outcomes: null,
  ended: 'interrupted',
  audit: new Audit().toJSON(),
})

let runs = 0

/** A run that was interrupted before its first cell ended. */
const interrupted = async (options: Narrowing = {}): Promise<string> => {
  const scenario = narrow(readScenario(FILE, catalogue), options)
  const store = await Store.create(scenario, join(root, `run${++runs}`), root)
  await store.writeRun(documentOf(scenario, options))
  return store.folder
}

const changed = (text: string): string => {
  const file = join(root, 'changed.yaml')
  writeFileSync(file, text)
  return file
}

test('the question is read again from the folder, with its name and the options of the first start', async () => {
  const run = await openRun(await interrupted({ only: ['coap-udp'], repetitions: 1 }))
  const scenario = await sameQuestion(run, null, {})
  assert.equal(scenario.name, 'question')
  assert.equal(scenario.digest, run.scenario.digest)
  assert.deepEqual(
    scenario.stacks.map(({ name }) => name),
    ['coap-udp'],
  )
})

test('the same file is the same question, wherever it lies', async () => {
  const run = await openRun(await interrupted())
  const moved = changed(`name: question\n${TEXT}`)
  assert.equal((await sameQuestion(run, FILE, {})).digest, run.document.digest)
  assert.equal((await sameQuestion(run, moved, {})).digest, run.document.digest)
})

test('a changed scenario is refused with every path, the old and the new value', async () => {
  const run = await openRun(await interrupted())
  const file = changed(
    `name: question\n${TEXT.replace('devices: 3', 'devices: [3, 5]').replace('1 s', '500 ms')}`,
  )
  await assert.rejects(sameQuestion(run, file, {}), {
    code: 'TB_RESUME_CHANGED',
    message: new RegExp(
      `${file} asks something else than it began with: 2 differences .*\\n` +
        '  devices\\[1\\]: it was nothing, and is now 5\\n' +
        '  workloads\\[0\\]\\.interval: it was 1000000000, and is now 500000000\\n',
    ),
  })
})

test('options that change the question are refused too', async () => {
  const run = await openRun(await interrupted({ seed: 7 }))
  await assert.rejects(sameQuestion(run, FILE, { seed: 8 }), {
    code: 'TB_RESUME_CHANGED',
    message: /1 difference .*\n {2}seed: it was 7, and is now 8\n/,
  })
  await assert.rejects(sameQuestion(run, FILE, { only: ['coap-udp'] }), {
    code: 'TB_RESUME_CHANGED',
    message: /stacks\[1\]/,
  })
})

test('a folder that holds no run is refused, with what is missing or broken', async () => {
  const run = await interrupted()
  const refused = async (problem: RegExp, folder = run): Promise<void> =>
    assert.rejects(openRun(folder), { code: 'TB_RESUME_NO_RUN', message: problem })
  await refused(/it is no folder/, join(root, 'nowhere'))
  await refused(/it is no folder/, FILE)
  await refused(/run\.json is missing/, root)
  const spoil = async (file: string, text: string, problem: RegExp): Promise<void> => {
    const path = join(run, file)
    const old = readFileSync(path)
    writeFileSync(path, text)
    await refused(problem)
    writeFileSync(path, old)
  }
  await spoil('run.json', '{', /run\.json is not JSON/)
  await spoil('run.json', 'null', /run\.json is not as this release/)
  await spoil('run.json', '{"schema":2}', /run\.json is not as this release/)
  await spoil('scenario.resolved.json', '', /scenario\.resolved\.json is not JSON/)
  rmSync(join(run, 'rows.ndjson'))
  await refused(/rows\.ndjson is missing/)
})

test('what an attempt left that was cut off is dropped, finished ones stay byte for byte', async () => {
  const folder = await interrupted()
  const row = (cell: string, attempt: number, metric: string, outcome: string): string =>
    `${JSON.stringify({ cell, attempt, metric, outcome, n: 1 })}\n`
  const whole = row('a', 1, 'latency.p50', 'invalid') + row('a', 1, 'outcome', 'invalid')
  const torn = row('b', 1, 'latency.p50', 'measured') + row('b', 1, 'latency.p99', 'measured')
  for (let cut = 0; cut <= torn.length; cut += 7) {
    writeFileSync(join(folder, 'rows.ndjson'), whole + torn.slice(0, cut))
    const finished = await new Store(folder).dropUnfinished()
    assert.deepEqual([...finished], [['a', 'invalid']])
    assert.equal(readFileSync(join(folder, 'rows.ndjson'), 'utf8'), whole)
  }
  // Cut off between the last line and its end.
  writeFileSync(join(folder, 'rows.ndjson'), whole.trimEnd())
  assert.equal((await new Store(folder).dropUnfinished()).size, 1)
  assert.equal(readFileSync(join(folder, 'rows.ndjson'), 'utf8'), whole)
})
