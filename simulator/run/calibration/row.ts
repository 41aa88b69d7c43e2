import type { Interval } from '../../measure/statistics.ts'
import type { Way } from './asked.ts'

/** Asked against measured. */
export interface Row {
  readonly profile: string
  readonly way: Way | 'both'
  readonly quantity: string
  readonly unit: 'ms' | 'kbit/s' | '%' | 'packets'
  readonly asked: number
  readonly measured: number
  /** With 95 %, where chance has a part in it. */
  readonly interval: Interval | null
  /** In words. */
  readonly tolerance: string
  readonly ok: boolean
}
