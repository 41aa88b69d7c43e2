import type { Run } from '../run.ts'
import { connectChart } from './connect.ts'
import { latencyChart } from './latency.ts'
import { overheadChart } from './overhead.ts'
import type { Chart } from './theme.ts'
import { throughputChart } from './throughput.ts'
import { timelineChart } from './timeline.ts'
import { wakeChart } from './wake.ts'
import { wireChart } from './wire.ts'

/** Every chart of a report, in the order in which it is shown. A new chart is one file and one line here. */
const CHARTS: readonly ((run: Run) => Chart | null)[] = [
  latencyChart,
  overheadChart,
  wireChart,
  connectChart,
  wakeChart,
  throughputChart,
  timelineChart,
]

/** The charts for which the run has data. */
export const chartsOf = (run: Run): Chart[] =>
  CHARTS.map((chart) => chart(run)).filter((chart) => chart !== null)
