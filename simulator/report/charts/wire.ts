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
const LAYERS = {
  ip: '#d5dbe2',
  transport: '#aab6c4',
  security: '#e07b39',
  framing: '#8a6bb0',
  application: '#4c78a8',
  payload: '#6aa84f',
  retransmission: '#a8323e',
}

const PER_MESSAGE = 'wire.bytes_per_message'

const barOf = (group: Group, layers: boolean): Bar | null => {
  const up = middle(group, `${PER_MESSAGE}.up`)
  const down = middle(group, `${PER_MESSAGE}.down`)
  if (up === null || down === null) return null
  const parts = layers ? Object.keys(LAYERS) : Object.keys(DIRECTIONS)
  const pieces = parts.map((part) => ({
    part,
    value: layers
      ? (middle(group, `wire.layer_bytes_per_message.${part}`) ?? 0)
      : part === 'up'
        ? up
        : down,
  }))
  return {
    group,
    pieces,
    text: `${bounded(group, up + down)} B = ${number(up)} up + ${number(down)} down`,
  }
}

/** Bytes on the wire per message, by layer where every group knows them, by direction otherwise. Null when there are none. */
export const wireChart = (run: Run): Chart | null => {
  const groups = run.conditions.flatMap((condition) => condition.groups)
  const counted = groups.filter((group) => middle(group, `${PER_MESSAGE}.up`) !== null)
  if (counted.length === 0) return null
  const layers = counted.every(
    (group) => middle(group, 'wire.layer_bytes_per_message.payload') !== null,
  )
  const bars = run.conditions.map((condition) =>
    condition.groups.map((group) => barOf(group, layers) ?? emptyBar(group)),
  )
  const totals = bars.flat().map(lengthOf)
  const title = 'How many bytes does one message put on the wire?'
  const caption = `Median bytes of whole IP packets per intended message in both directions, acknowledgements and retransmissions included, counted where the sender puts them on the link.${
    layers
      ? ' The pieces are the layers; orange is what security adds to each message.'
      : ' The pieces are the two directions.'
  }`
  return {
    name: 'wire',
    title,
    caption,
    spec: page(
      run,
      title,
      `Whole IP packets in both directions, ${layers ? 'by layer' : 'by direction'}`,
      arrange(run, (condition) => {
        return stackedBars(bars[run.conditions.indexOf(condition)] ?? [], {
          width: panelWidth(run, 660, 340),
          most: withRoomForText(Math.max(...totals), 0.8),
          axis: 'bytes per message',
          parts: layers ? 'layer' : 'direction',
          legend: true,
          colours: layers ? LAYERS : DIRECTIONS,
          names: true,
        })
      }),
    ),
  }
}
