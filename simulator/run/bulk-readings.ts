/** What became of the large messages of a cell (docs/method.md, "Large messages"). */
import { settle } from '../fleet/ledger.ts'
import { bulkPlanOf } from '../fleet/schedule-bulk.ts'
import { Histogram } from '../measure/histogram.ts'
import type { CellReports } from './cell-reports.ts'
import { reading, seriesReadings, type Reading } from './reading.ts'

/** None where the workload has no large messages, or nobody receives them. */
export const bulkReadings = ({ cell, fleet, consumer }: CellReports): Reading[] => {
  const plan = bulkPlanOf(cell.workload, cell.stack)
  if (plan === null || fleet.bulkLedger === undefined || consumer?.bulk === undefined) return []
  const { ledger, duration, bytes } = consumer.bulk
  const flags = (base64: string): Uint8Array => Buffer.from(base64, 'base64')
  const { intended, lost, notSent } = settle(flags(fleet.bulkLedger), flags(ledger))
  const offered = intended / plan.parts
  const durations = Histogram.fromJSON(duration)
  return [
    reading('bulk.offered', offered, offered),
    reading('bulk.delivered', durations.count, offered),
    reading('bulk.delivered_bytes', bytes, offered),
    reading('bulk.lost', lost, intended),
    reading('bulk.not_sent', notSent, intended),
    ...seriesReadings('bulk.duration', ['mean', 'max'], durations, offered - durations.count),
  ]
}

/** Warning of what is given per message and has the large ones in it. */
export const WITH_BULK = 'with the bytes and the work of large messages'
