import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cut, LiveBlock } from './live-block.ts'

/** A screen of that size that keeps what is written to it; `drawn` gives it and forgets. */
const screenOf = (columns: number, rows = 24) => {
  let text = ''
  return {
    columns,
    rows,
    write: (more: string) => (text += more),
    drawn(): string {
      const all = text
      text = ''
      return all
    },
  }
}

const HIDE = '\u001B[?25l'
const SHOW = '\u001B[?25h'

test('a text is cut to its width, with an ellipsis as its last character', () => {
  const text = 'mqtt-tls.lte-m.100'
  assert.deepEqual(
    [200, 18, 17, 8, 2, 1, 0, -1].map((width) => cut(text, width)),
    [text, text, 'mqtt-tls.lte-m.1…', 'mqtt-tl…', 'm…', '…', '', ''],
  )
})

test('lines are painted in one write, below what was there; the cursor is visible before and after', () => {
  const screen = screenOf(80)
  new LiveBlock(screen).paint(['one', 'two'])
  assert.equal(screen.drawn(), `${HIDE}one\u001B[K\ntwo\u001B[K\n\u001B[J${SHOW}`)
})

test('the next lines are painted over them, also when there are fewer', () => {
  const screen = screenOf(80)
  const block = new LiveBlock(screen)
  block.paint(['one', 'two', 'three'])
  screen.drawn()
  block.paint(['four'])
  assert.equal(screen.drawn(), `${HIDE}\r\u001B[3Afour\u001B[K\n\u001B[J${SHOW}`)
  block.paint(['five'])
  assert.equal(screen.drawn(), `${HIDE}\r\u001B[1Afive\u001B[K\n\u001B[J${SHOW}`)
})

test('lines stay one column short of the width', () => {
  for (const [columns, painted] of [
    [1, ''],
    [2, '…'],
    [20, '[1/36] mqtt-tls.lt…'],
    [80, '[1/36] mqtt-tls.lte-m.100.telemetry.r01'],
    [200, '[1/36] mqtt-tls.lte-m.100.telemetry.r01'],
  ] as const) {
    const screen = screenOf(columns)
    new LiveBlock(screen).paint(['[1/36] mqtt-tls.lte-m.100.telemetry.r01'])
    assert.equal(screen.drawn(), `${HIDE}${painted}\u001B[K\n\u001B[J${SHOW}`)
  }
})

test('on a low terminal only as many lines are painted as can be painted over', () => {
  const screen = screenOf(80, 3)
  new LiveBlock(screen).paint(['one', 'two', 'three'])
  assert.equal(screen.drawn(), `${HIDE}one\u001B[K\ntwo\u001B[K\n\u001B[J${SHOW}`)
})

test('when the terminal was made narrower, the rows that it wrapped are painted over too', () => {
  const screen = screenOf(80)
  const block = new LiveBlock(screen)
  block.paint(['x'.repeat(50), '', 'y'.repeat(20)])
  screen.drawn()
  screen.columns = 20
  block.paint(['z'.repeat(30)])
  assert.equal(
    screen.drawn(),
    `${HIDE}\r\u001B[5A${'z'.repeat(18)}…\u001B[K\n\u001B[J${SHOW}`,
    '3 + 1 + 1 rows',
  )
})

test('what stays takes the place of the block, whole', () => {
  const screen = screenOf(20)
  const block = new LiveBlock(screen)
  block.write('before')
  assert.equal(screen.drawn(), 'before\u001B[K\n\u001B[J')
  block.paint(['one', 'two'])
  screen.drawn()
  block.write('a line that is longer than the terminal is wide')
  assert.equal(
    screen.drawn(),
    '\r\u001B[2Aa line that is longer than the terminal is wide\u001B[K\n\u001B[J',
  )
  block.paint(['three'])
  assert.equal(screen.drawn(), `${HIDE}three\u001B[K\n\u001B[J${SHOW}`)
})

test('clearing leaves the cursor where the block began, and does so once', () => {
  const screen = screenOf(80)
  const block = new LiveBlock(screen)
  block.clear()
  assert.equal(screen.drawn(), '')
  block.paint(['one', 'two'])
  screen.drawn()
  block.clear()
  assert.equal(screen.drawn(), '\r\u001B[2A\u001B[K\n\u001B[K\n\u001B[2A')
  block.clear()
  assert.equal(screen.drawn(), '')
})
