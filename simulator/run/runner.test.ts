/** What a run does, and in which order, when it begins and when it is continued. Its cells are unsupported, so no process is started. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Outcome, Scenario } from '../core/types.ts'
import { attemptKey, finishedAttempts, parseRows } from '../measure/rows.ts'
import { folderProfiles, parseScenario, PROFILES } from '../scenario/load.ts'
import { Announcer } from './announcer.ts'
import { Audit } from './audit.ts'
import { catalogue } from './catalogue.ts'
import { blocksOf } from './order.ts'
import type { RunEvent } from './progress.ts'
import { runBlocks } from './runner.ts'
import { Store } from './store.ts'

const root = mkdtempSync(join(tmpdir(), 'thingbench-runner-'))
after(() => rmSync(root, { recursive: true }))

const TEXT = `thingbench: 1
stacks: [mqtt-tcp, coap-udp, xmpp-tcp]
links: [lan]
devices: 2
workload: { interval: 1 s }
repetitions: 2
`

const asked = parseScenario(Buffer.from(TEXT), 'x.yaml', catalogue, folderProfiles(PROFILES))
/** No CoAP or XMPP has that, and MQTT's is not built yet here. */
const scenario: Scenario = {
  ...asked,
  stacks: asked.stacks.map((stack) => Object.assign({}, stack, { security: 'ipsec' })),
}
const blocks = blocksOf(scenario)
const [first = [], second = []] = blocks
const ids = blocks.flat().map(({ id }) => id)

const run = async (finished: ReadonlyMap<string, Outcome>, repeats = true) => {
  const store = new Store(mkdtempSync(join(root, 'run-')))
  writeFileSync(join(store.folder, 'rows.ndjson'), '')
  const started: string[] = []
  const places: number[] = []
  const progress = (event: RunEvent): void => {
    if (event.event !== 'cell-started') return
    started.push(attemptKey(event.cell, event.attempt))
    places.push(event.number)
    assert.equal(event.total, ids.length)
  }
  const outcomes = await runBlocks({
    scenario,
    blocks,
    context: {} as never,
    store,
    idle: { busy: 0 },
    repeats,
    audit: new Audit(),
    finished,
    describe: () => Promise.resolve(),
    announcer: new Announcer(progress, scenario, blocks.flat(), finished),
    signal: new AbortController().signal,
  })
  const rows = readFileSync(join(store.folder, 'rows.ndjson'), 'utf8')
  return { outcomes, started, places, rows, folder: store.folder }
}

const NONE = { measured: 0, unsupported: 0, censored: 0, invalid: 0, failed: 0 }

test('a new run runs every cell once, in the order of its blocks', async () => {
  const { outcomes, started, places, rows, folder } = await run(new Map())
  assert.deepEqual(started, ids)
  assert.deepEqual(places, [1, 2, 3, 4, 5, 6])
  assert.deepEqual(outcomes, { ...NONE, unsupported: 6 })
  assert.deepEqual([...finishedAttempts(parseRows(rows, folder)).keys()], ids)
  assert.deepEqual(new Set(readdirSync(join(folder, 'cells'))), new Set(ids))
})

test('a continued run goes on where it was interrupted, and counts what was finished', async () => {
  for (let at = 0; at <= ids.length; at++) {
    const finished = new Map(ids.slice(0, at).map((id) => [id, 'censored' as const]))
    const { outcomes, started, places } = await run(finished)
    assert.deepEqual(started, ids.slice(at))
    assert.deepEqual(places, [1, 2, 3, 4, 5, 6].slice(at))
    assert.deepEqual(outcomes, { ...NONE, censored: at, unsupported: 6 - at })
  }
})

test('an invalid cell is repeated at the end of its block, also when it was invalid before the interruption', async () => {
  const [a, b, c] = first.map(({ id }) => id) as [string, string, string]
  const rest = second.map(({ id }) => id)
  const finished = new Map<string, Outcome>([
    [a, 'invalid'],
    [b, 'invalid'],
    [c, 'measured'],
  ])
  const neither = await run(finished)
  assert.deepEqual(neither.started, [`${a}.attempt2`, `${b}.attempt2`, ...rest])
  assert.deepEqual(neither.places, [1, 2, 4, 5, 6])
  assert.deepEqual(neither.outcomes, { ...NONE, measured: 1, unsupported: 5 })
  const one = await run(finished.set(`${a}.attempt2`, 'invalid'))
  assert.deepEqual(one.started, [`${b}.attempt2`, ...rest])
  assert.deepEqual(one.outcomes, { ...NONE, measured: 1, invalid: 1, unsupported: 4 })
})

test('where nothing is to be repeated, an invalid cell stays one', async () => {
  const finished = new Map<string, Outcome>(first.map(({ id }) => [id, 'invalid']))
  const { started, outcomes } = await run(finished, false)
  assert.deepEqual(
    started,
    second.map(({ id }) => id),
  )
  assert.deepEqual(outcomes, { ...NONE, invalid: first.length, unsupported: second.length })
})
