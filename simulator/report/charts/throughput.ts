import { percent } from '../format.ts'
import type { Condition, Group } from '../rows.ts'
import { type Run, labelOf } from '../run.ts'
import { type Bar, emptyBar, lengthOf, stackedBars, withRoomForText } from './panels.ts'
import { type Chart, INK, type Spec, page, panelTitle } from './theme.ts'
import { bounded, middle } from './values.ts'

const RATE = { delivered: '#4c78a8' }
const PROCESSES = { broker: '#4c78a8', consumer: '#9db8d2', fleet: '#c9cfd6', link: '#e3d5c1' }

const offeredOf = (group: Group): number => middle(group, 'throughput.offered') ?? 0

const rateOf = (group: Group): Bar | null => {
  const delivered = middle(group, 'throughput.delivered')
  if (delivered === null) return null
  const ratio = middle(group, 'delivery.ratio')
  const share = ratio === null ? '' : ` · ${percent(ratio)}`
  return {
    group,
    pieces: [{ part: 'delivered', value: delivered }],
    text: `${bounded(group, delivered)} msg/s${share}`,
    textFrom: offeredOf(group),
  }
}

const costOf = (group: Group): Bar => {
  const pieces = Object.keys(PROCESSES).map((part) => ({
    part,
    value: middle(group, `cpu.${part}_us_per_message`) ?? 0,
  }))
  const total = pieces.reduce((sum, piece) => sum + piece.value, 0)
  return { group, pieces, text: total === 0 ? 'no data' : `${bounded(group, total)} us` }
}

/** A black tick where the offered rate is: what is missing up to it was not delivered in the window. */
const offeredTicks = (groups: readonly Group[]): Spec => ({
  data: {
    values: groups
      .map((group) => ({ stack: group.stack, offered: offeredOf(group) }))
      .filter(({ offered }) => offered > 0),
  },
  mark: { type: 'tick', color: INK, thickness: 2, size: 24, tooltip: true },
  encoding: {
    y: { field: 'stack', type: 'nominal', sort: groups.map((group) => group.stack) },
    x: { field: 'offered', type: 'quantitative' },
  },
})

const largest = (bars: readonly Bar[]): number => Math.max(...bars.map(lengthOf))

/** The ends of both axes, the same in all panels. */
interface Ends {
  readonly rate: number
  readonly cost: number
}

/** Rate and cost of one condition, side by side; the legend of the processes stands only under the last pair. */
const pair = (run: Run, condition: Condition, ends: Ends): Spec[] => {
  const { groups } = condition
  const rates = groups.map((group) => rateOf(group) ?? emptyBar(group))
  const left = stackedBars(rates, {
    width: 340,
    most: ends.rate,
    axis: 'messages per second (tick: offered)',
    parts: 'rate',
    legend: false,
    colours: RATE,
    names: true,
  })
  const right = stackedBars(groups.map(costOf), {
    width: 300,
    most: ends.cost,
    axis: 'CPU time, us per message',
    parts: 'process',
    legend: condition === run.conditions.at(-1),
    colours: PROCESSES,
    names: false,
  })
  const label = labelOf(run, condition)
  const title = (text: string): Spec => (label === '' ? {} : { title: panelTitle(text) })
  return [
    { ...title(label), ...left, layer: [...(left['layer'] as Spec[]), offeredTicks(groups)] },
    { ...title(' '), ...right },
  ]
}

/** Messages delivered against messages offered, beside the CPU time of every process. Null without throughput. */
export const throughputChart = (run: Run): Chart | null => {
  const groups = run.conditions.flatMap((condition) => condition.groups)
  const rates = groups.map(rateOf).filter((bar) => bar !== null)
  if (rates.length === 0) return null
  const ends = {
    rate: withRoomForText(Math.max(largest(rates), ...groups.map(offeredOf)), 0.75),
    cost: withRoomForText(largest(rates.map((bar) => costOf(bar.group))), 0.5),
  }
  const title = 'Was everything delivered, and with how much CPU?'
  const caption =
    'Left: median messages per second that reached the consumer; the black tick is what the schedule offered, the percentage is the share of intended messages that were delivered. Right: CPU time of each process per message. Both belong together: a rate says nothing without its cost. CPU is that of this implementation on this machine, never of the protocol.'
  return {
    name: 'throughput',
    title,
    caption,
    spec: page(run, title, 'Delivered rate beside the CPU time of every process', {
      columns: 2,
      spacing: { row: 26, column: 44 },
      resolve: { scale: { color: 'independent' } },
      concat: run.conditions.flatMap((condition) => pair(run, condition, ends)),
    }),
  }
}
