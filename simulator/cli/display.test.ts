import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from '../core/clock.ts'
import type { Screen } from './live-block.ts'
import { displayOn, isLive, LineDisplay, LiveDisplay } from './display.ts'
import { cellEnded, cellStarted, phase, progress, runStarted } from './run-events.cases.ts'

/** As much of a terminal as undoes what LiveBlock writes. */
class Terminal implements Screen {
  readonly isTTY = true
  readonly columns: number
  #rows = ['']
  /** Rows that go on with the one before. */
  readonly #wrapped = new Set<number>()
  #row = 0
  #column = 0
  constructor(columns: number) {
    this.columns = columns
  }
  write(text: string): void {
    // oxlint-disable-next-line no-control-regex
    for (const [one, up, erase] of text.matchAll(/\u001B\[(?:(\d+)A|([JK])|\?25[hl])|./gsu)) {
      if (up) this.#row -= Number(up)
      else if (erase) this.#erase(erase)
      else if (one === '\r') this.#column = 0
      else if (one === '\n') this.#next()
      else if (one.length === 1) this.#put(one)
      assert.ok(this.#row >= 0, 'above the top')
    }
  }
  #put(character: string): void {
    if (this.#column === this.columns) {
      this.#next()
      this.#wrapped.add(this.#row)
    }
    const row = this.#rows[this.#row] ?? ''
    this.#rows[this.#row] = row.slice(0, this.#column) + character + row.slice(this.#column + 1)
    this.#column++
  }
  #next(): void {
    this.#column = 0
    this.#rows[++this.#row] ??= ''
  }
  #erase(what: string): void {
    this.#rows[this.#row] = this.#rows[this.#row]?.slice(0, this.#column) ?? ''
    if (what === 'J') this.#rows.length = this.#row + 1
  }
  /** What is shown; the cursor must rest on an empty row, below all others. */
  get lines(): string[] {
    const rows = this.#rows.slice(0, this.#row)
    assert.deepEqual(this.#rows.slice(this.#row).join(''), '')
    assert.equal(this.#column, 0)
    return rows.reduce<string[]>(
      (lines, row, at) =>
        this.#wrapped.has(at) ? [...lines.slice(0, -1), lines.at(-1) + row] : [...lines, row],
      [],
    )
  }
}

test('a stream is painted on when it is a terminal with a width that knows how', () => {
  const stream = (isTTY: boolean, columns?: number) => ({
    isTTY,
    write: () => {},
    ...(columns === undefined ? {} : { columns }),
  })
  for (const columns of [20, 80, 200]) assert.equal(isLive(stream(true, columns), 'xterm'), true)
  assert.equal(isLive(stream(true, 0), 'xterm'), false)
  assert.equal(isLive(stream(true), 'xterm'), false)
  assert.equal(isLive(stream(true, 80), 'dumb'), false)
  assert.equal(isLive(stream(false, 80), 'xterm'), false)
  assert.equal(isLive(stream(true, 80), undefined), true)
  assert.ok(displayOn(stream(true, 80), 'xterm') instanceof LiveDisplay)
  assert.ok(displayOn(stream(true, 0), 'xterm') instanceof LineDisplay)
})

const ENDED = '[7/36] mqtt-tls.lte-m.100.telemetry.r02  measured  latency p50 54.20 ms  p99 81.30 ms  delivered 1.000' // prettier-ignore

/** The whole screen after each step of a run. */
const screens = (columns: number): string[][] => {
  const terminal = new Terminal(columns)
  let now = 0
  const display = new LiveDisplay(terminal, () => now)
  const seen: string[][] = []
  const look = (): void => void seen.push(terminal.lines)
  display.tell(runStarted())
  look()
  now = 2 * SECOND
  display.tell(cellStarted())
  display.tell(phase('connect', 15, true))
  look()
  now = 5 * SECOND
  display.tell(phase('measure', 4))
  display.tell(progress())
  look()
  display.tell(cellEnded({ outcome: 'invalid', reasons: ['another program'], notes: ['a note'] }))
  display.tell(cellStarted(2))
  look()
  display.tell(cellEnded())
  display.say('thingbench: SIGINT: ending')
  display.busy('making tables and charts')
  look()
  display.clear()
  look()
  return seen
}

test('on 80 columns a run looks like this', () => {
  const invalid = [ENDED.replace('measured', 'invalid'), '    another program', '    a note']
  const last = [...invalid, ENDED, 'thingbench: SIGINT: ending']
  assert.deepEqual(screens(80), [
    ['quickstart: 36 cells, about 5 min 11 s', '    looking at the idle machine'],
    [
      '[7/36] mqtt-tls.lte-m.100.telemetry.r02  connect, at most 15 s left',
      '    about 4 min 12 s left for the whole run',
    ],
    [
      '[7/36] mqtt-tls.lte-m.100.telemetry.r02  measure, 4 s left',
      '    100/100 devices  285 msg/s  latency p99 81.23 ms  no errors',
      '    about 4 min 10 s left for the whole run',
    ],
    [
      ...invalid,
      '[7/36] mqtt-tls.lte-m.100.telemetry.r02 again  starting',
      '    about 4 min 12 s left for the whole run',
    ],
    [...last, 'making tables and charts'],
    last,
  ])
})

test('on 20 columns what is painted is cut, and what stays is whole', () => {
  const [beginning, , measuring, , , end] = screens(20)
  assert.deepEqual(beginning, ['quickstart: 36 cel…', '    looking at the…'])
  assert.deepEqual(measuring, ['[7/36] mqtt-tls.lt…', '    100/100 device…', '    about 4 min 10…'])
  assert.ok(end?.includes(ENDED))
})

test('200 columns show no more than 80 do, where it fits', () => {
  assert.deepEqual(screens(200), screens(80))
})

test('elsewhere there is one plain line for each cell that has ended, with its reasons', () => {
  let text = ''
  const display = new LineDisplay({ write: (more: string) => (text += more) })
  for (const event of [runStarted(), cellStarted(), phase('measure', 4), progress()])
    display.tell(event)
  display.busy()
  assert.equal(text, '')
  display.tell(cellEnded({ reasons: ['one'], notes: ['two'] }))
  display.say('thingbench: a word')
  display.clear()
  assert.equal(text, `${ENDED}\n    one\n    two\nthingbench: a word\n`)
})

test('a cell that has no latency is told with its acknowledgements, one without figures with its outcome', () => {
  let text = ''
  const display = new LineDisplay({ write: (more: string) => (text += more) })
  const metrics = { 'latency.p50': null, 'latency.p99': null, 'ack.p50': 104, 'ack.p99': 12345.6, 'delivery.ratio': null } // prettier-ignore
  display.tell(cellEnded({ metrics }))
  display.tell(cellEnded({ metrics: { ...metrics, 'ack.p50': null, 'ack.p99': null }, outcome: 'failed', attempt: 2 })) // prettier-ignore
  const cell = '[7/36] mqtt-tls.lte-m.100.telemetry.r02'
  assert.equal(text, `${cell}  measured  ack p50 104.0 ms  p99 12346 ms\n${cell} again  failed\n`)
})
