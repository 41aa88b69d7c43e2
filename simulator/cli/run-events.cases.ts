/** Events of an invented run, for the tests of those who show them. */
import type { CellEnded, CellStarted, RunEvent, RunStarted } from '../run/progress.ts'

const CELL = 'mqtt-tls.lte-m.100.telemetry.r02'
const PLACE = { cell: CELL, number: 7, total: 36, attempt: 1 }

export const runStarted = (finished = 0): RunStarted => ({
  event: 'run-started',
  scenario: 'quickstart',
  title: 'What does security cost?',
  folder: '/tmp/run',
  cells: 36,
  finished,
  expected_s: 310.4,
})

export const cellStarted = (attempt = 1): CellStarted => ({
  event: 'cell-started',
  ...PLACE,
  attempt,
  expected_s: 8,
  run_remaining_s: 252,
})

export const phase = (
  name: 'connect' | 'warm-up' | 'measure' | 'drain' | 'close',
  lasts_s: number | null,
  at_most = false,
): RunEvent => ({ event: 'phase', cell: CELL, phase: name, lasts_s, at_most })

type Told = Extract<RunEvent, { event: 'progress' }>

export const progress = (changed: Partial<Told> = {}): RunEvent => ({
  event: 'progress',
  cell: CELL,
  devices: 100,
  connected: 100,
  failed: 0,
  connections_ended: 0,
  messages_given_up: 0,
  delivered: 571,
  delivered_per_s: 285.4,
  latency_p99_ms: 81.234,
  acknowledged: 560,
  acknowledged_per_s: 284,
  ack_p99_ms: null,
  run_remaining_s: 250,
  ...changed,
})

export const cellEnded = (changed: Partial<CellEnded> = {}): CellEnded => ({
  event: 'cell-ended',
  ...PLACE,
  outcome: 'measured',
  reasons: [],
  notes: [],
  metrics: {
    'latency.p50': 54.2,
    'latency.p99': 81.3,
    'ack.p50': 104,
    'ack.p99': 160,
    'delivery.ratio': 1,
  },
  took_s: 8.2,
  ...changed,
})
