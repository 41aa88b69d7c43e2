/** What stays of a cell on a terminal or in a log. */
import type { CellEnded, CellPlace } from '../run/progress.ts'

/** One line: number, what ran, verdict, and the three figures one looks for; reasons and notes are indented under it. */
export const endedCell = (ended: CellEnded): string => {
  const why = [...ended.reasons, ...ended.notes].map((reason) => `\n    ${reason}`)
  return `${nameOf(ended)}  ${ended.outcome}${figuresOf(ended.metrics)}${why.join('')}`
}

/** "[7/36] mqtt-tls.lte-m.100.telemetry.r02 again" */
export const nameOf = ({ cell, number, total, attempt }: CellPlace): string =>
  `[${number}/${total}] ${cell}${attempt > 1 ? ' again' : ''}`

/** Four digits, and never an exponent. */
export const figure = (value: number): string =>
  value >= 1000 ? String(Math.round(value)) : value.toPrecision(4)

const figuresOf = (metrics: CellEnded['metrics']): string => {
  const shown = (label: string, value: number | null, unit: string): string =>
    value === null ? '' : `  ${label} ${figure(value)}${unit}`
  const time = metrics['latency.p50'] === null ? 'ack' : 'latency'
  return (
    shown(`${time} p50`, metrics[`${time}.p50`], ' ms') +
    shown('p99', metrics[`${time}.p99`], ' ms') +
    shown('delivered', metrics['delivery.ratio'], '')
  )
}
