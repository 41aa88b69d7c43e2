/** The first half of the page: what came out. */
import type { Outcome } from '../core/types.ts'
import { show } from './cells.ts'
import { columnsOf } from './columns.ts'
import {
  type PairedResult,
  QUANTITIES,
  type Quantity,
  baselineOf,
  comparePaired,
  droppedWords,
} from './compare.ts'
import { findingsOf } from './findings.ts'
import { changes, number, plural, range, withUnit } from './format.ts'
import { type Html, escape, note, paragraph, table } from './html.ts'
import { type Condition, type Group, observe } from './rows.ts'
import { type Run, fullLabelOf } from './run.ts'
import { centreOf } from './summary.ts'

/** What a claim rests on stands in brackets, and is set back. */
export const withEvidence = (sentence: string): Html =>
  escape(sentence).replace(/\(([^()]*)\)/g, '<span class="ev">($1)</span>')

const MEANING: Readonly<Record<Outcome, string>> = {
  measured: '',
  censored: 'the instrument was saturated, so its values are lower bounds and are not compared.',
  invalid: 'something outside the experiment disturbed it, so its values are not compared.',
  failed: 'it has no values; the reasons are under Validity and warnings.',
  unsupported: 'it cannot do what was asked, or is not installed; it has no values.',
}

/** One paragraph per stack that has a baseline, under its condition. */
export const findings = (run: Run): Html => {
  const all = findingsOf(run)
  if (all.length === 0)
    return paragraph('No stack of this run has a baseline to be compared with; see the table.')
  return run.conditions
    .map((condition) => {
      const own = all.filter((finding) => finding.condition === condition)
      const bounds = condition.groups
        .filter((group) => group.outcome !== 'measured')
        .map((group) => paragraph(`${group.stack} is ${group.outcome}: ${MEANING[group.outcome]}`))
      const text = own.map(({ sentences }) => `<p>${sentences.map(withEvidence).join(' ')}</p>`)
      const title = run.conditions.length > 1 ? `<h3>${escape(fullLabelOf(condition))}</h3>` : ''
      return title + text.join('') + bounds.join('')
    })
    .join('')
}

const tagOf = (group: Group): Html => {
  const valid = group.cells.filter((cell) => cell.outcome === 'measured').length
  const share = `${valid} of ${group.cells.length} valid`
  const kind = group.outcome === 'measured' ? '' : ' warn'
  return `<span class="tag${kind}">${group.outcome}</span><small>${share}</small>`
}

const summaryTable = (condition: Condition): Html => {
  const shown = columnsOf(condition)
  const columns = [
    { heading: 'stack' },
    ...shown.map(({ heading: [what, statistic, unit] }) => ({
      heading: `${escape(what)}<small>${escape(statistic)}, ${escape(unit)}</small>`,
      numeric: true,
    })),
    { heading: 'outcome' },
  ]
  const rows = condition.groups.map((group) => [
    `${escape(group.stack)}<small>${escape(group.broker)}</small>`,
    ...shown.map((column) => {
      const { main, aside } = show(group, column)
      return `${escape(main)}${aside === '' ? '' : `<small>${escape(aside)}</small>`}`
    }),
    tagOf(group),
  ])
  return table(
    columns,
    rows,
    `Summary of ${fullLabelOf(condition)}`,
    (row) => condition.groups[row]?.outcome !== 'measured',
  )
}

/** The table of the terminal, once per condition. */
export const summary = (run: Run): Html => {
  const legend =
    'Medians over repetitions; below each, the order-statistic interval of the median (from 6 repetitions, at least 95 %), the parts of a sum, or “exact” where every repetition gave the same bytes. ≥: the instrument was saturated and the truth is at least this. (brackets): invalid, printed for inspection only. lost: the percentile falls among messages that never arrived. –: not measured. CPU is that of this implementation on this machine.'
  return `${run.conditions
    .map((condition) => {
      const repetitions = Math.max(...condition.groups.map((group) => group.cells.length))
      return `<h3>${escape(fullLabelOf(condition))}, n = ${plural(repetitions, 'repetition')}</h3>${summaryTable(condition)}`
    })
    .join('')}${note(legend)}`
}

const strengthTag = (result: PairedResult): Html => {
  if (result.lost) return '<span class="tag warn">falls among the lost</span>'
  const text = result.strength === 'few' ? 'under 3 pairs' : result.strength
  const kind = result.strength === 'claim' ? '' : ' weak'
  return `<span class="tag${kind}">${text}</span>`
}

const middle = (group: Group, quantity: Quantity): string => {
  const { value } = centreOf(observe(group.counted, quantity.metrics, quantity.further))
  return value === null ? '–' : number(value)
}

const comparisonRow = (quantity: Quantity, result: PairedResult): Html[] => {
  const { difference, differenceInterval, ratio, ratioInterval } = result
  const bounds = (text: string): string => `<small>${escape(text)}</small>`
  const exact = result.exact ? 'exact' : ''
  return [
    escape(quantity.words),
    `${middle(result.baseline, quantity)} ${quantity.unit}`,
    `${middle(result.stack, quantity)} ${quantity.unit}`,
    difference === null
      ? '–'
      : escape(`${difference > 0 ? '+' : ''}${withUnit(difference, quantity.unit)}`) +
        bounds(exact || (differenceInterval ? range(differenceInterval) : '')),
    ratio === null
      ? '–'
      : escape(`×${ratio.toPrecision(3)}`) +
        bounds(exact || (ratioInterval ? changes(ratioInterval) : '')),
    String(result.pairs),
    result.p === null ? '–' : result.p.toPrecision(2),
    strengthTag(result),
  ]
}

const LAYERS = [
  'ip',
  'transport',
  'security',
  'framing',
  'application',
  'payload',
  'retransmission',
]

/** "50 B more per message = 0 IP + 0 transport + 50 security + ..." */
const explainedSum = (stack: Group, baseline: Group): Html => {
  const parts = LAYERS.map((layer) => {
    const metric = `wire.layer_bytes_per_message.${layer}`
    const result = comparePaired(stack, baseline, [metric])
    return result?.difference === null || result === null
      ? null
      : { layer, bytes: result.difference }
  })
  if (parts.includes(null)) return ''
  const known = parts.filter((part) => part !== null)
  const total = known.reduce((sum, part) => sum + part.bytes, 0)
  const terms = known
    .filter((part) => Math.abs(part.bytes) >= 0.005)
    .map(({ layer, bytes }) => `${number(bytes)} B ${layer}`)
  return paragraph(
    `Where the bytes go: ${number(total)} B per message = ${terms.length > 0 ? terms.join(' + ').replaceAll('+ −', '− ') : 'no difference in any layer'}.`,
  )
}

/** What pairing bought, for the quantity that varies most from repetition to repetition. */
const gainWords = (
  results: readonly { readonly quantity: Quantity; readonly result: PairedResult }[],
): string | null => {
  const latency = results.find(({ quantity }) => quantity.name === 'latency p50')
  const gain = latency?.result.pairingGain ?? null
  if (gain === null) return null
  const size = gain > 1000 ? 'over 1 000' : number(gain)
  return `Pairing by repetition: the variance of the latency comparison is that of independent repetitions divided by ${size}.`
}

const comparisonTable = (stack: Group, baseline: Group, label: string): Html => {
  const results = QUANTITIES.flatMap((quantity) => {
    const result = comparePaired(stack, baseline, quantity.metrics, quantity.further)
    return result ? [{ quantity, result }] : []
  })
  const first = results[0]?.result
  if (!first) return ''
  const columns = [
    { heading: 'quantity' },
    { heading: escape(baseline.stack), numeric: true },
    { heading: escape(stack.stack), numeric: true },
    { heading: 'difference<small>95 % interval</small>', numeric: true },
    { heading: 'ratio<small>95 % interval</small>', numeric: true },
    { heading: 'n<small>pairs</small>', numeric: true },
    { heading: 'p<small>sign-flip</small>', numeric: true },
    { heading: 'strength' },
  ]
  const dropped = droppedWords(first)
  const notes = [dropped && `Repetitions ${dropped}.`, gainWords(results)].filter(
    (text) => text !== null,
  )
  return [
    `<h3>${escape(`${stack.stack} against ${baseline.stack} · ${label}`)}</h3>`,
    table(
      columns,
      results.map(({ quantity, result }) => comparisonRow(quantity, result)),
      `${stack.stack} against ${baseline.stack}`,
    ),
    explainedSum(stack, baseline),
    ...notes.map(note),
  ].join('')
}

/** Every stack against the baseline of its protocol: an explained sum. */
export const overhead = (run: Run): Html => {
  const tables = run.conditions.flatMap((condition) =>
    condition.groups.map((stack) => {
      const baseline = baselineOf(run, condition, stack)
      return baseline ? comparisonTable(stack, baseline, fullLabelOf(condition)) : ''
    }),
  )
  const shown = tables.filter((html) => html !== '')
  if (shown.length === 0)
    return paragraph('Nothing can be compared: no stack and its baseline are both measured.')
  return (
    paragraph(
      `Each protected stack is compared with the plain stack of the same protocol, repetition by repetition, in ${plural(run.conditions.length, 'condition')}. Both sides of a pair saw the same channel. Differences and ratios carry 95 % Student t intervals (ratios on logarithms); a claim needs at least 6 pairs, an interval that excludes no change, agreement of the sign-flip test (p < 0.05) and a relevant effect: times over 1 % and 0.5 ms and over the instrument’s own error, CPU over 10 %, bytes any.`,
    ) + shown.join('')
  )
}
