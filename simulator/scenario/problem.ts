/** What is wrong with a scenario, as data: every problem of a file is collected and told at once. */
import { ThingbenchError } from '../core/errors.ts'
import { nearest } from './near.ts'

/** A place in the file, both from 1. */
export interface Spot {
  readonly line: number
  readonly column: number
}

export interface Problem extends Spot {
  /** Where in the scenario, such as `stacks[1].tls.version`; empty for the file as a whole. */
  readonly path: string
  readonly found: string
  readonly allowed: string
  /** A whole sentence or two, without the position and the path. */
  readonly message: string
}

/** How a problem is told; what is missing is filled in. */
export interface Finding {
  readonly found: string
  readonly allowed: string
  /** What was written and what could have been meant: makes "Did you mean ...?". */
  readonly near?: { readonly word: string; readonly among: readonly string[] }
  readonly advice?: string
  /** Replaces "found ...; allowed: ...". */
  readonly message?: string
}

/** Collects the problems of one file. */
export class Problems {
  readonly list: Problem[] = []

  add(spot: Spot, path: string, finding: Finding): void {
    const { found, allowed } = finding
    const guess = finding.near ? nearest(finding.near.word, finding.near.among) : undefined
    const sentences = [
      finding.message ?? `found ${found}; allowed: ${allowed}.`,
      ...(guess === undefined ? [] : [`Did you mean "${guess}"?`]),
      ...(finding.advice === undefined ? [] : [finding.advice]),
    ]
    const { line, column } = spot
    this.list.push({ line, column, path, found, allowed, message: sentences.join(' ') })
  }

  /** Something of the format that has no engine yet. `instead` is a sentence: what to do now. */
  planned(spot: Spot, path: string, what: string, instead: string): void {
    const message = `not available yet: ${what}. ${instead}`
    this.add(spot, path, { found: what, allowed: instead, message })
  }

  /** The one error that tells them all, in the order of the file; its `cause` is the list. */
  error(file: string): ThingbenchError {
    const cause = this.list.toSorted((a, b) => a.line - b.line || a.column - b.column)
    const count = cause.length === 1 ? '1 problem' : `${cause.length} problems`
    return new ThingbenchError(
      'TB_SCENARIO_INVALID',
      { file, count, list: listed(cause) },
      { cause },
    )
  }
}

const listed = (problems: readonly Problem[]): string => {
  const places = problems.map(({ line, column }) => `${line}:${column}`)
  const width = Math.max(...places.map((place) => place.length))
  return problems
    .map(({ path, message }, i) => {
      const where = path === '' ? '' : `${path}: `
      return `  ${(places[i] ?? '').padEnd(width)}  ${where}${message}`
    })
    .join('\n')
}
