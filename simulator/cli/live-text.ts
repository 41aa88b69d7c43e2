/** What the live block says of a run: from its events and the time to at most three lines. */
import type { Nanoseconds } from '../core/clock.ts'
import { SECOND } from '../core/clock.ts'
import { formatSpan } from '../core/units.ts'
import type { CellPlace, CellProgress, Phase, RunEvent, RunStarted } from '../run/progress.ts'
import { figure, nameOf } from './progress.ts'

const INDENT = '    '

export class LiveText {
  #run: RunStarted | null = null
  #cell: CellPlace | null = null
  #phase: Phase | null = null
  #progress: CellProgress | null = null
  /** When the phase and the run end, as far as is known. */
  #phaseEnds: Nanoseconds = NaN
  #runEnds: Nanoseconds = NaN
  #busy: string | null = null

  tell(event: RunEvent, now: Nanoseconds): void {
    switch (event.event) {
      case 'run-started':
        this.#run = event
        break
      case 'cell-started':
        this.#cell = event
        this.#phase = null
        this.#progress = null
        this.#busy = null
        this.#runEnds = now + event.run_remaining_s * SECOND
        break
      case 'phase':
        this.#phase = event
        this.#phaseEnds = now + (event.lasts_s ?? NaN) * SECOND
        break
      case 'progress':
        this.#progress = event
        this.#runEnds = now + event.run_remaining_s * SECOND
        break
      case 'cell-ended':
        this.#cell = null
    }
  }

  /** What is done instead of a cell; until the next one starts. */
  busy(what: string): void {
    this.#busy = what
  }

  lines(now: Nanoseconds): string[] {
    if (this.#busy !== null) return [this.#busy]
    if (this.#cell !== null)
      return [
        `${nameOf(this.#cell)}  ${this.#phaseText(now)}`,
        ...(this.#progress === null ? [] : [`${INDENT}${progressText(this.#progress)}`]),
        `${INDENT}about ${span(this.#runEnds - now)} left for the whole run`,
      ]
    return this.#run === null ? [] : beginning(this.#run)
  }

  #phaseText(now: Nanoseconds): string {
    if (this.#phase === null) return 'starting'
    const { phase, lasts_s, at_most } = this.#phase
    if (lasts_s === null) return phase
    return `${phase}, ${at_most ? 'at most ' : ''}${span(this.#phaseEnds - now)} left`
  }
}

/** Whole seconds, and never less than none. */
const span = (time: Nanoseconds): string =>
  formatSpan(Math.max(0, Math.ceil(time / SECOND)) * SECOND)

const beginning = ({ scenario, cells, finished, expected_s }: RunStarted): string[] => [
  [
    `${scenario}: ${counted(cells, 'cell')}`,
    ...(finished > 0 ? [`${finished} finished before`] : []),
    `about ${span(expected_s * SECOND)}`,
  ].join(', '),
  `${INDENT}looking at the idle machine`,
]

const counted = (n: number, one: string): string => `${n} ${n === 1 ? one : `${one}s`}`

/** "98/100 devices  285 msg/s  latency p99 81.20 ms  2 devices failed" */
const progressText = (p: CellProgress): string =>
  [
    `${p.connected}/${p.devices} devices`,
    // Where nobody stands behind the server, acknowledgements are all that is known.
    ...(p.delivered === null
      ? shown(p.acknowledged > 0 ? p.acknowledged_per_s : null, 'ack/s', p.ack_p99_ms, 'ack')
      : shown(p.delivered_per_s, 'msg/s', p.latency_p99_ms, 'latency')),
    errorsText(p),
  ].join('  ')

const shown = (
  rate: number | null,
  unit: string,
  p99: number | null,
  time: string,
): readonly string[] => [
  ...(rate === null ? [] : [`${rate < 10 ? rate.toFixed(1) : Math.round(rate)} ${unit}`]),
  ...(p99 === null ? [] : [`${time} p99 ${figure(p99)} ms`]),
]

const errorsText = (p: CellProgress): string => {
  const errors = [
    [p.failed, 'device', 'failed'],
    [p.connections_ended, 'connection', 'ended'],
    [p.messages_given_up, 'message', 'given up'],
  ] as const
  const found = errors.filter(([n]) => n > 0)
  if (found.length === 0) return 'no errors'
  return found.map(([n, one, how]) => `${counted(n, one)} ${how}`).join(', ')
}
