import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from '../core/clock.ts'
import { asksForEvents, JsonEvents } from './json-events.ts'
import { cellEnded, cellStarted, runStarted } from './run-events.cases.ts'

/** Events of a command that began at 100 s, each told a second after the one before. */
const telling = () => {
  const lines: string[] = []
  let now = 100 * SECOND
  const events = new JsonEvents(
    (line) => lines.push(line),
    () => now,
  )
  return {
    events,
    lines,
    later: () => void (now += SECOND),
    /** The last event. */
    last: () => JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>,
  }
}

const NONE = { measured: 0, unsupported: 0, censored: 0, invalid: 0, failed: 0 }

test('an event is one line: its name, the version and the time come first', () => {
  const { events, lines, later } = telling()
  later()
  events.tell(cellStarted())
  assert.deepEqual(lines, [
    '{"event":"cell-started","schema":1,"elapsed_s":1,"cell":"mqtt-tls.lte-m.100.telemetry.r02","number":7,"total":36,"attempt":1,"expected_s":8,"run_remaining_s":252}\n',
  ])
})

test('a run ends with its folder, its exit code, and how the last attempts at its cells ended', () => {
  const { events, last } = telling()
  events.tell(runStarted())
  events.tell(cellEnded({ outcome: 'invalid' }))
  events.tell(cellEnded({ outcome: 'censored', attempt: 2 }))
  events.tell(cellEnded({ cell: 'other' }))
  events.end(0)
  const { folder, ended, outcomes, exit } = last()
  assert.deepEqual(
    [folder, ended, outcomes, exit],
    ['/tmp/run', 'complete', { ...NONE, measured: 1, censored: 1 }, 0],
  )
})

test('an error is told, then the end', () => {
  for (const [code, how] of [
    ['TB_INTERRUPTED', 'interrupted'],
    ['TB_OUT_NOT_EMPTY', 'failed'],
    [null, 'failed'],
  ] as const) {
    const { events, last } = telling()
    events.failed(code, 'why')
    assert.deepEqual(last(), { event: 'error', schema: 1, elapsed_s: 0, code, message: 'why' })
    events.end(3)
    const { folder, ended, outcomes, exit } = last()
    assert.deepEqual([folder, ended, outcomes, exit], [null, how, NONE, 3])
  }
})

test('events are asked for by run --json alone, also when the words are wrong otherwise', () => {
  const asks = (words: string): boolean => asksForEvents(words.split(' '))
  for (const words of [
    'run x.yaml --json',
    'run --json x.yaml',
    '--json run x.yaml',
    'run x.yaml --only a b --json',
    'run x.yaml --json=true',
    'run x.yaml --json --fast',
    'run --json',
  ])
    assert.equal(asks(words), true, words)
  for (const words of [
    'run x.yaml',
    'run x.yaml --no-json',
    'run x.yaml --json=false',
    'run x.yaml --json --help',
    'check x.yaml --json',
    '--json',
    'run x.yaml -- --json',
  ])
    assert.equal(asks(words), false, words)
})
