import type { Group } from '../rows.ts'
import type { Run } from '../run.ts'
import {
  type Bar,
  arrange,
  emptyBar,
  lengthOf,
  panelWidth,
  stackedBars,
  withRoomForText,
} from './panels.ts'
import { type Chart, page } from './theme.ts'
import { average, bounded } from './values.ts'

const COLOURS = { transport: '#b9c4cf', security: '#e07b39', application: '#4c78a8' }

/** Means of per-device differences: each phase is cumulative, so a phase's own share is the step from the one before. */
const barOf = (group: Group): Bar | null => {
  const transport = average(group, 'connect.transport.mean')
  const security = average(group, 'connect.security.mean')
  const application = average(group, 'connect.application.mean')
  if (transport === null || security === null || application === null) return null
  return {
    group,
    pieces: [
      { part: 'transport', value: transport },
      { part: 'security', value: Math.max(0, security - transport) },
      { part: 'application', value: Math.max(0, application - security) },
    ],
    text: `${bounded(group, application)} ms`,
  }
}

/** How long a device takes to connect, by phase. Null when no group has connect times. */
export const connectChart = (run: Run): Chart | null => {
  const bars = run.conditions.map((c) => c.groups.map((group) => barOf(group) ?? emptyBar(group)))
  const totals = bars.flat().map(lengthOf)
  if (Math.max(0, ...totals) === 0) return null
  const title = 'How long does a device take to connect, and with what?'
  const caption =
    'Each bar is the mean time from the first packet until the application is ready, over devices and repetitions. Its pieces are means of per-device differences, so they add up: reaching the transport, the security handshake, the application’s own greeting. UDP has no transport piece, plain stacks have no security piece.'
  return {
    name: 'connect',
    title,
    caption,
    spec: page(
      run,
      title,
      'Mean time from the first packet to application ready, by phase',
      arrange(run, (condition) => {
        return stackedBars(bars[run.conditions.indexOf(condition)] ?? [], {
          width: panelWidth(run),
          most: withRoomForText(Math.max(...totals)),
          axis: 'milliseconds',
          parts: 'phase',
          legend: true,
          colours: COLOURS,
          names: true,
        })
      }),
    ),
  }
}
