/** rows.ndjson: how attempts at cells follow one another in it, and what a run that was killed leaves there. */
import { ThingbenchError } from '../core/errors.ts'
import type { Measurement, Outcome } from '../core/types.ts'

/** The metric of an attempt's last line. Without it the attempt was cut off, and its other lines count for nothing. */
export const OUTCOME = 'outcome'

/** Names one attempt at one cell. */
export const attemptKey = (cell: string, attempt: number): string =>
  attempt === 1 ? cell : `${cell}.attempt${attempt}`

/** @throws ThingbenchError TB_RESULTS_UNREADABLE for a line that is no measurement; a torn last line, left by a kill, is skipped. */
const parseLines = (text: string, folder: string): Measurement[] => {
  const lines = text.split('\n')
  const rows: Measurement[] = []
  for (const [at, line] of lines.entries()) {
    if (line.trim() === '') continue
    try {
      rows.push(JSON.parse(line) as Measurement)
    } catch (cause) {
      if (at === lines.length - 1) break
      const problem = `line ${at + 1} of rows.ndjson is not JSON`
      throw new ThingbenchError('TB_RESULTS_UNREADABLE', { folder, problem }, { cause })
    }
  }
  return rows
}

/** How the attempts ended that have, in their order; keys are `attemptKey`s. */
export const finishedAttempts = (rows: readonly Measurement[]): Map<string, Outcome> =>
  new Map(
    rows
      .filter(({ metric }) => metric === OUTCOME)
      .map(({ cell, attempt, outcome }) => [attemptKey(cell, attempt), outcome]),
  )

/**
 * The rows of all attempts that were finished. Of what a killed run leaves, a torn last line and the lines of an attempt
 * without outcome are left out.
 * @throws ThingbenchError TB_RESULTS_UNREADABLE for any other line that is no JSON
 */
export const parseRows = (text: string, folder: string): Measurement[] => {
  const rows = parseLines(text, folder)
  const finished = finishedAttempts(rows)
  return rows.filter(({ cell, attempt }) => finished.has(attemptKey(cell, attempt)))
}
