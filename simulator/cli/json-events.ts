/** `thingbench run --json`: events for programs, one JSON object per line (docs/events.md, docs/events.schema.json). */
import { Parser } from 'yargs/helpers'
import type { Nanoseconds } from '../core/clock.ts'
import { monotonic, SECOND } from '../core/clock.ts'
import type { Outcome } from '../core/types.ts'
import type { RunEvent } from '../run/progress.ts'
import type { Display } from './display.ts'

/** What `--dry-run` tells. */
export interface PlanEvent {
  readonly event: 'plan'
  readonly scenario: string
  readonly title: string
  readonly cells: readonly {
    readonly cell: string
    readonly number: number
    readonly messages: number
    readonly expected_s: number
  }[]
  readonly expected_s: number
}

export interface ReportEvent {
  readonly event: 'report'
  readonly folder: string
  readonly page: string
  readonly thresholds_crossed: readonly string[]
}

export interface ErrorEvent {
  readonly event: 'error'
  /** A code of docs/errors.md; null: a defect of thingbench. */
  readonly code: string | null
  readonly message: string
}

export interface RunEnded {
  readonly event: 'run-ended'
  readonly folder: string | null
  readonly ended: 'complete' | 'interrupted' | 'failed'
  readonly outcomes: Readonly<Record<Outcome, number>>
  readonly exit: number
}

export type ProgramEvent = RunEvent | PlanEvent | ReportEvent | ErrorEvent | RunEnded

/** Whether the words ask for events. It must be known also when they are wrong otherwise. */
export const asksForEvents = (words: readonly string[]): boolean => {
  const { _: commands, json, help } = Parser([...words], { boolean: ['json', 'help', 'dry-run', 'setup', 'capture'] }) // prettier-ignore
  return commands[0] === 'run' && json === true && help !== true
}

export class JsonEvents implements Display {
  readonly #write: (line: string) => void
  readonly #clock: () => Nanoseconds
  readonly #start: Nanoseconds
  /** Cell -> how its last attempt ended. */
  readonly #outcomes = new Map<string, Outcome>()
  #folder: string | null = null
  #ended: RunEnded['ended'] = 'complete'

  constructor(write: (line: string) => void, clock: () => Nanoseconds = monotonic) {
    this.#write = write
    this.#clock = clock
    this.#start = clock()
  }

  readonly tell = (event: ProgramEvent): void => {
    if (event.event === 'run-started') this.#folder = event.folder
    if (event.event === 'cell-ended') this.#outcomes.set(event.cell, event.outcome)
    const elapsed_s = Math.round((this.#clock() - this.#start) / (SECOND / 1000)) / 1000
    const head = { event: event.event, schema: 1, elapsed_s }
    this.#write(`${JSON.stringify({ ...head, ...event })}\n`)
  }

  /** Lines are for people: they go where people look. */
  say(line: string): void {
    process.stderr.write(`${line}\n`)
  }

  busy(): void {}

  clear(): void {}

  failed(code: string | null, message: string): void {
    this.#ended = code === 'TB_INTERRUPTED' ? 'interrupted' : 'failed'
    this.tell({ event: 'error', code, message })
  }

  /** The last event, whatever happened. */
  end(exit: number): void {
    const outcomes = { measured: 0, unsupported: 0, censored: 0, invalid: 0, failed: 0 }
    for (const outcome of this.#outcomes.values()) outcomes[outcome]++
    const ended = this.#ended
    this.tell({ event: 'run-ended', folder: this.#folder, ended, outcomes, exit })
  }
}
