/** docs/events.md, docs/events.schema.json and what `run --json` writes say the same. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isEvent, SCHEMAS } from './events.ts'
import { blocksOf, tablesOf } from './markdown.ts'

const ROOT = join(import.meta.dirname, '..')
const PAGE = readFileSync(join(ROOT, 'docs', 'events.md'), 'utf8')
const sections = PAGE.split(/^## /mu).slice(1)

const namesIn = (table = tablesOf(PAGE)[0]): (string | undefined)[] =>
  (table?.rows ?? []).map(([name]) => name?.slice(1, -1))

test('docs/events.md has every event, with its fields', () => {
  const common = namesIn()
  const documented = sections.map((section) => {
    const [title = ''] = section.split('\n')
    return [title, [...common, ...namesIn(tablesOf(section)[0])]]
  })
  const inSchema = [...SCHEMAS].map(([name, { properties }]) => [name, Object.keys(properties)])
  assert.deepEqual(documented, inSchema)
})

test('every field of an event is always there', () => {
  for (const [name, { required, properties }] of SCHEMAS)
    assert.deepEqual(required, Object.keys(properties), name)
})

test('the examples of docs/events.md are events', () => {
  const examples = blocksOf(PAGE, 'json')
  assert.ok(examples.length >= 4)
  for (const { text } of examples) isEvent(JSON.parse(text))
})

test('what is no event is told from one', () => {
  const started = { event: 'phase', schema: 1, elapsed_s: 1, cell: 'a', phase: 'drain', lasts_s: 1, at_most: true } // prettier-ignore
  isEvent(started)
  for (const wrong of [
    { ...started, phase: 'pause' },
    { ...started, lasts_s: -1 },
    { ...started, lasts_s: undefined },
    { ...started, more: 1 },
    { ...started, event: 'other' },
  ])
    assert.throws(() => isEvent(JSON.parse(JSON.stringify(wrong))), assert.AssertionError)
})

/** The events and the exit code of a command line. */
const eventsOf = async (...words: readonly string[]) => {
  const child = spawn(process.execPath, [join(ROOT, 'simulator/cli/main.ts'), ...words], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const code = await new Promise<number | null>((done) => child.once('close', done))
  const events = stdout.trimEnd().split('\n').map((line) => isEvent(JSON.parse(line))) // prettier-ignore
  return { code, stderr, events }
}

test('an error is an event, and its words are on standard error too', async () => {
  const [scenario, usage] = await Promise.all([
    eventsOf('run', 'no-such.yaml', '--json'),
    eventsOf('run', 'scenarios/quickstart.yaml', '--json', '--fast'),
  ])
  for (const [ending, said] of [
    [scenario, 'TB_SCENARIO_UNREADABLE'],
    [usage, 'TB_USAGE'],
  ] as const) {
    const [error, ended, ...more] = ending.events
    assert.equal(error?.event, 'error')
    assert.equal(error['code'], said)
    assert.equal(ending.stderr, `thingbench: ${String(error['message'])}\n`)
    assert.deepEqual([ended?.event, ended?.['exit'], ended?.['ended']], ['run-ended', 2, 'failed'])
    assert.deepEqual(more, [])
    assert.equal(ending.code, 2)
  }
})

test('a dry run is a plan', async () => {
  const words = ['run', 'scenarios/quickstart.yaml', '--only', 'coap-udp', 'mqtt-tcp', '--dry-run']
  const { code, stderr, events } = await eventsOf(...words, '--repetitions', '2', '--json')
  assert.deepEqual([code, stderr], [0, ''])
  const [plan, ended, ...more] = events
  assert.deepEqual([plan?.event, ended?.event, ended?.['exit']], ['plan', 'run-ended', 0])
  assert.ok(Array.isArray(plan?.['cells']) && plan['cells'].length === 4)
  assert.deepEqual(more, [])
})
