/** What a run tells while it runs: plain lines on standard error for people, or one JSON event per line on standard output. */
import type { Verdict } from '../core/types.ts'
import type { CellResult } from '../run/cell.ts'
import type { Progress } from '../run/runner.ts'

/** One line per cell: number, what ran, verdict, and the three figures one looks for. */
export const lineProgress = (): Progress => {
  let prefix = ''
  return {
    cellStarted(cell, number, total, attempt) {
      prefix = `[${number}/${total}] ${cell.id}${attempt > 1 ? ' again' : ''}`
      if (process.stderr.isTTY) process.stderr.write(`${prefix} ...\r`)
    },
    cellEnded(_cell, verdict, result) {
      const figures = result === null ? '' : figuresOf(result)
      const why = [...verdict.reasons, ...verdict.notes].map((r) => `\n    ${r}`).join('')
      process.stderr.write(`${prefix}  ${verdict.outcome}${figures}${why}\n`)
    },
  }
}

const figuresOf = ({ readings }: CellResult): string => {
  const value = (metric: string): number | null =>
    readings.find((r) => r.metric === metric)?.value ?? null
  const shown = (label: string, number: number | null, unit: string): string =>
    number === null ? '' : `  ${label} ${number.toPrecision(4)}${unit}`
  return (
    shown('latency p50', value('latency.p50') ?? value('ack.p50'), ' ms') +
    shown('p99', value('latency.p99') ?? value('ack.p99'), ' ms') +
    shown('delivered', value('delivery.ratio'), '')
  )
}

export const jsonProgress = (): Progress => {
  const tell = (event: unknown): void => void process.stdout.write(`${JSON.stringify(event)}\n`)
  return {
    cellStarted: (cell, number, total) =>
      tell({ event: 'cell-started', cell: cell.id, number, total }),
    cellEnded: (cell, verdict: Verdict) => tell({ event: 'cell-ended', cell: cell.id, ...verdict }),
  }
}
