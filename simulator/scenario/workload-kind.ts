/** What every kind of workload tells the reader of scenarios. */
import type { Nanoseconds } from '../core/clock.ts'
import type { Bulk, Churn, Reliability, Sleep, Workload } from '../core/types.ts'
import { formatQuantity } from '../core/units.ts'
import { record, type Field, type Fields, type Values } from './containers.ts'
import { refined, type Located, type Rule } from './rule.ts'

/** What a scenario asks of one kind. The places are for checks against other sections; null: the kind has no such key. */
export interface Asked {
  /** Every combination of the values that are lists. */
  readonly workloads: readonly Workload[]
  /** From one message, or burst, of a device to the next. */
  readonly intervals: Located<readonly Nanoseconds[]> | null
  readonly payloads: Located<readonly number[]> | null
  readonly sleep?: Located<Omit<Sleep, 'kind'>> | undefined
  readonly churn?: Located<Omit<Churn, 'kind'>> | undefined
  readonly bulk?: Located<Omit<Bulk, 'every'>> | undefined
}

/** A value as a level's name tells it. */
export const level = (value: number, dimension: 'duration' | 'size'): string =>
  formatQuantity(value, dimension).replace(' ', '')

export interface AskedWorkload extends Asked {
  readonly reliability: Reliability
}

/** The keys that all kinds have. */
export interface CommonFields {
  readonly kind: Field<Workload['kind']>
  readonly reliability: Field<Reliability>
}

export interface WorkloadKind {
  readonly fields: Fields
  /** The whole mapping of this kind. */
  rule(common: CommonFields, synonyms: Readonly<Record<string, string>>): Rule<AskedWorkload>
}

/** @param fields the keys of the kind beside the common ones @param asked what their values ask for */
export const workloadKind = <F extends Fields>(
  fields: F,
  asked: (values: Values<F>) => Asked,
): WorkloadKind => ({
  fields,
  rule: (common, synonyms) => {
    const all = { kind: common.kind, ...fields, reliability: common.reliability }
    const whole = record(all, synonyms) as Rule<Values<F> & { readonly reliability: Reliability }>
    return refined(whole, (values) => ({ ...asked(values), reliability: values.reliability }))
  },
})
