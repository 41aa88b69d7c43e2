/** run.json: the conditions of a run (docs/results.md). */
import type { TimelineEvent } from '../core/link-profile.ts'
import type { Outcome } from '../core/types.ts'
import type { AuditJson } from './audit.ts'
import type { Narrowing } from './narrow.ts'
import type { Processors } from './processors.ts'

/** One start of a run: where, with which versions, and on which processors. */
export interface Start {
  /** As typed. */
  readonly command: string
  readonly environment: Readonly<Record<string, unknown>>
  readonly processors: Processors
}

export interface RunDocument extends Start {
  readonly schema: 1
  readonly scenario: string
  readonly title: string
  readonly digest: string
  /** Those of the command line that changed the question. */
  readonly options: Narrowing
  readonly seed: number
  readonly repetitions: number
  readonly timeline: readonly TimelineEvent[]
  /** The starts after the first one, which continued what was interrupted. */
  readonly resumptions: readonly Start[]
  /** How many cells ended how; null before the end. */
  readonly outcomes: Readonly<Record<Outcome, number>> | null
  /** Null while it runs, and when it was killed. */
  readonly ended: 'complete' | 'interrupted' | 'failed' | null
  readonly audit: AuditJson
}
