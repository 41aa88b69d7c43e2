/** What a run tells while it runs: the events of docs/events.md, for whoever shows them. Nothing that is measured depends on them. */
import type { Outcome } from '../core/types.ts'

export type PhaseName = 'connect' | 'warm-up' | 'measure' | 'drain' | 'close'

export interface RunStarted {
  readonly event: 'run-started'
  readonly scenario: string
  readonly title: string
  readonly folder: string
  /** Cells of the run, and how many of them an earlier start has finished. */
  readonly cells: number
  readonly finished: number
  readonly expected_s: number
}

/** Which attempt at which cell. Cells are counted from 1; attempt 2 repeats a cell that an outside cause made invalid. */
export interface CellPlace {
  readonly cell: string
  readonly number: number
  readonly total: number
  readonly attempt: number
}

export interface CellStarted extends CellPlace {
  readonly event: 'cell-started'
  readonly expected_s: number
  readonly run_remaining_s: number
}

export interface Phase {
  readonly event: 'phase'
  readonly phase: PhaseName
  /** How long it lasts; `at_most`: it ends as soon as there is nothing to wait for. Null: not known. */
  readonly lasts_s: number | null
  readonly at_most: boolean
}

/** Every two seconds. Null: nothing yet, or this stack has none. */
export interface CellProgress {
  readonly event: 'progress'
  readonly devices: number
  readonly connected: number
  readonly failed: number
  readonly connections_ended: number
  readonly messages_given_up: number
  readonly delivered: number | null
  readonly delivered_per_s: number | null
  readonly latency_p99_ms: number | null
  readonly acknowledged: number
  readonly acknowledged_per_s: number | null
  readonly ack_p99_ms: number | null
}

/** What a cell tells of itself. */
export type CellEvent = Phase | CellProgress

/** The metrics that one looks for first, in their units. */
export const HEADLINES = [
  'latency.p50',
  'latency.p99',
  'ack.p50',
  'ack.p99',
  'delivery.ratio',
] as const

export interface CellEnded extends CellPlace {
  readonly event: 'cell-ended'
  readonly outcome: Outcome
  readonly reasons: readonly string[]
  readonly notes: readonly string[]
  readonly metrics: Readonly<Record<(typeof HEADLINES)[number], number | null>>
  readonly took_s: number
}

type OfCell<Event> = Event & { readonly cell: string }

export type RunEvent =
  | RunStarted
  | CellStarted
  | OfCell<Phase>
  | (OfCell<CellProgress> & { readonly run_remaining_s: number })
  | CellEnded

export type Progress = (event: RunEvent) => void
