/** The rate of a link: constant, a token bucket, or recorded delivery opportunities. */
import type { DirectionProfile } from '../core/link-profile.ts'
import { optional, record } from './containers.ts'
import { formOf } from './forms.ts'
import { refined, scalarOr, type Rule } from './rule.ts'
import { limit, quantity } from './scalars.ts'
import { deliveryTrace } from './trace.ts'

type Rate = Pick<DirectionProfile, 'rate' | 'rateBurst' | 'trace'>

const LEAST_RATE = 50

export const plainRate = limit('rate', LEAST_RATE)

/** `folder`: from where paths of traces count. */
export const rateRule = (folder: string): Rule<Rate> => {
  const fields = record({
    mean: optional('Bits of IP packets per second in the long run.', quantity('rate', LEAST_RATE)),
    burst: optional('Bytes that may leave at once after a pause.', quantity('size', 576)),
    trace: optional(
      'File of recorded delivery opportunities (mahimahi: one integer a line, milliseconds), seen from the scenario file.',
      deliveryTrace(folder),
    ),
  })
  const detailed: Rule<Rate> = refined(fields, ({ mean, burst, trace }, node, path, problems) => {
    const form = formOf(node, path, problems, {
      bucket: { needs: ['mean', 'burst'] },
      trace: { needs: ['trace'] },
    })
    if (form === 'trace') return trace && { rate: null, rateBurst: 0, trace }
    if (!form || mean === undefined || burst === undefined) return undefined
    return { rate: mean, rateBurst: burst, trace: null }
  })
  const constant: Rule<Rate> = refined(plainRate, (rate) => ({ rate, rateBurst: 0, trace: null }))
  return scalarOr(constant, detailed)
}
