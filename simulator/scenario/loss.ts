/** Loss of a link: a share, a share in bursts, or a list of packets. */
import type { Loss } from '../core/link-profile.ts'
import { formatQuantity } from '../core/units.ts'
import { list, optional, record } from './containers.ts'
import { either } from './either.ts'
import { formOf } from './forms.ts'
import { located, refined, scalarOr, type Located, type Rule } from './rule.ts'
import { integer, quantity } from './scalars.ts'

const MOST_LOSS = 0.95
const LONGEST_BURST = 60e9
const HIGHEST_PACKET = 1_000_000

const ratio = quantity('ratio', 0, MOST_LOSS)

/** Each packet by itself. */
const independent: Rule<Loss> = refined(ratio, (value) => ({
  kind: 'time',
  ratio: value,
  burst: 0,
}))

const burstFields = {
  mean: optional('Mean fraction of packets lost.', ratio),
  burst: optional(
    'Mean length of a bad period, in which every packet is lost; in packets, it depends on the traffic.',
    located(
      either(
        { dimension: 'duration', least: 1e6, most: LONGEST_BURST },
        { dimension: 'packets', least: 1 },
      ),
    ),
  ),
}

const inBursts = (
  mean: number,
  { value, ...place }: Located<{ value: number; unit: 'duration' | 'packets' }>,
  problems: Parameters<Rule<Loss>['read']>[2],
): Loss | undefined => {
  if (value.unit === 'duration') return { kind: 'time', ratio: mean, burst: value.value }
  // A good run is at least one packet long: 1 - mean of the packets are in good runs, as many as there are bad ones.
  const least = Math.ceil(mean / (1 - mean) - 1e-9)
  if (value.value >= least) return { kind: 'packets', ratio: mean, burst: value.value }
  problems.add(place, place.path, {
    found: `${value.value} packets with a mean of ${formatQuantity(mean, 'ratio')}`,
    allowed: `${least} packets or more with this mean, because at least one packet lies between two bursts`,
  })
  return undefined
}

const bursts: Rule<Loss> = refined(record(burstFields), ({ mean, burst }, node, path, problems) => {
  const form = formOf(node, path, problems, { bursts: { needs: ['mean', 'burst'] } })
  if (!form || mean === undefined || burst === undefined) return undefined
  return inBursts(mean, burst, problems)
})

const packetNumbers: Rule<readonly number[]> = refined(
  list(located(integer(1, HIGHEST_PACKET)), 'a list of packet numbers, such as [3, 7]'),
  (items, _node, _path, problems) => {
    const seen = new Set<number>()
    for (const { value, path, ...spot } of items) {
      if (seen.has(value))
        problems.add(spot, path, {
          found: `${value} for the second time`,
          allowed: 'each number once',
        })
      seen.add(value)
    }
    return [...seen].toSorted((a, b) => a - b)
  },
)

const burstsOrList: Rule<Loss> = refined(
  record({
    ...burstFields,
    packets: optional(
      'Exactly these packets of each device, counted from 1 from its first on.',
      packetNumbers,
    ),
  }),
  ({ mean, burst, packets }, node, path, problems) => {
    const form = formOf(node, path, problems, {
      bursts: { needs: ['mean', 'burst'] },
      list: { needs: ['packets'] },
    })
    if (form === 'list') return packets === undefined ? undefined : { kind: 'list', packets }
    if (!form || mean === undefined || burst === undefined) return undefined
    return inBursts(mean, burst, problems)
  },
)

export const loss: Rule<Loss> = scalarOr(independent, burstsOrList)

/** What loss can become on the way: a list counts from a device's first packet, so that it cannot. */
export const changedLoss: Rule<Loss> = scalarOr(independent, bursts)
