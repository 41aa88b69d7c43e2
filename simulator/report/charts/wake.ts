import { number } from '../format.ts'
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
import { bounded, middle } from './values.ts'

const DIRECTIONS = { up: '#4c78a8', down: '#a9c1dc' }

const barOf = (group: Group): Bar | null => {
  const up = middle(group, 'wire.wake_bytes.up')
  const down = middle(group, 'wire.wake_bytes.down')
  if (up === null || down === null) return null
  const time = middle(group, 'wake.first_delivery.p50')
  const after = time === null ? '' : `, in ${bounded(group, time)} ms`
  return {
    group,
    pieces: [
      { part: 'up', value: up },
      { part: 'down', value: down },
    ],
    text: `${bounded(group, up + down)} B = ${number(up)} up + ${number(down)} down${after}`,
  }
}

/** What a wake-up costs until its first message is delivered. Null where no device sleeps. */
export const wakeChart = (run: Run): Chart | null => {
  const bars = run.conditions.map((c) => c.groups.map((group) => barOf(group) ?? emptyBar(group)))
  const totals = bars.flat().map(lengthOf)
  if (Math.max(0, ...totals) === 0) return null
  const title = 'What does it take from a wake-up to the first delivery?'
  const caption =
    'Bytes of whole IP packets from the intended wake-up of a device until the first message that had become due during its sleep is delivered, in both directions, and the median of that time. Connecting is most of it.'
  return {
    name: 'wake',
    title,
    caption,
    spec: page(
      run,
      title,
      'Whole IP packets from the wake-up until the first delivery, by direction',
      arrange(run, (condition) =>
        stackedBars(bars[run.conditions.indexOf(condition)] ?? [], {
          width: panelWidth(run, 660, 340),
          most: withRoomForText(Math.max(...totals), 0.9),
          axis: 'bytes per wake-up',
          parts: 'direction',
          legend: true,
          colours: DIRECTIONS,
          names: true,
        }),
      ),
    ),
  }
}
