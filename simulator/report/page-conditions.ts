/** The second half of the page: under which conditions, and how far to trust it. */
import { cautionsOf } from '../core/cautions.ts'
import { METRICS } from '../measure/metrics.ts'
import { level, plural } from './format.ts'
import { type Html, details, escape, flattened, paragraph, table, words } from './html.ts'
import { describeResumptions } from './resumed.ts'
import { type Group, observe } from './rows.ts'
import { type Run, fullLabelOf } from './run.ts'
import { centreOf, reasonsOf } from './summary.ts'
import { medianInterval } from '../measure/statistics.ts'

const groupsOf = (run: Run): Group[] => run.conditions.flatMap((condition) => condition.groups)

/** Warnings of single metrics, each with the metrics that carry it. */
const metricWarnings = (group: Group): string[] => {
  const found = new Map<string, Set<string>>()
  for (const cell of group.counted)
    for (const row of cell.rows.values())
      for (const warning of row.warnings) {
        const text = warning.replace(/\d[\d.,]*/g, '…')
        found.set(text, (found.get(text) ?? new Set()).add(row.metric))
      }
  return [...found].map(([text, metrics]) => `${[...metrics].join(', ')}: ${text}`)
}

const doubtRows = (run: Run): Html[][] =>
  run.conditions.flatMap((condition) =>
    condition.groups.flatMap((group) => {
      const reasons = reasonsOf(group)
      const valid = group.cells.filter((cell) => cell.outcome === 'measured').length
      if (reasons.length === 0 && valid === group.cells.length) return []
      const kind = group.outcome === 'measured' ? '' : ' warn'
      return [
        [
          escape(group.stack),
          escape(fullLabelOf(condition)),
          `<span class="tag${kind}">${group.outcome}</span>`,
          `${valid} of ${group.cells.length}`,
          reasons.map(escape).join('<br>') || '–',
        ],
      ]
    }),
  )

/** Error bars of the instrument, from the probes: the median over all cells that counted. */
const instrument = (run: Run): Html => {
  const cells = groupsOf(run).flatMap((group) => group.counted)
  const parts = ['probe.error.p50', 'probe.error.p99', 'schedule_delay.p99'].flatMap((metric) => {
    const { value, n } = centreOf(observe(cells, [metric]))
    return value === null
      ? []
      : [`${metric} ${value.toPrecision(2)} ms (median of ${plural(n, 'cell')})`]
  })
  return parts.length === 0 ? '' : paragraph(`The instrument’s own error: ${parts.join('; ')}.`)
}

/** Which cells can be trusted, and what they warn of. */
export const validity = (run: Run): Html => {
  const cells = groupsOf(run).flatMap((group) => group.cells)
  const counts = ['measured', 'censored', 'invalid', 'failed', 'unsupported']
    .map((outcome) => ({
      outcome,
      count: cells.filter((cell) => cell.outcome === outcome).length,
    }))
    .filter(({ count }) => count > 0)
    .map(({ outcome, count }) => `${count} ${outcome}`)
  const rows = doubtRows(run)
  const agree = run.document.audit?.channels_agree
  const warnings = groupsOf(run).flatMap((group) =>
    metricWarnings(group).map(
      (text) => `<li>${escape(`${group.stack}, ${group.link}: ${text}`)}</li>`,
    ),
  )
  return [
    paragraph(
      cells.length === 0
        ? 'No cell was finished.'
        : `Of ${plural(cells.length, 'cell')} (one stack in one condition in one repetition): ${counts.join(', ')}. A group is measured when at least half of its repetitions are valid. Only repetitions that are valid on both sides are compared.`,
    ),
    agree === undefined
      ? ''
      : paragraph(
          agree
            ? 'All stacks of a repetition met the same channel: its digests agree.'
            : 'Warning: stacks of a repetition did not meet the same channel; its digests differ.',
        ),
    ...cautionsOf({ ...run.scenario, timeline: run.scenario.timeline ?? [] }).map(paragraph),
    ...describeResumptions(run.document).map(paragraph),
    instrument(run),
    rows.length === 0
      ? paragraph('No cell gave a reason for doubt.')
      : table(
          ['stack', 'condition', 'outcome', 'valid', 'reasons'].map((heading) => ({ heading })),
          rows,
          'Reasons for doubt',
        ),
    warnings.length === 0
      ? ''
      : details(`Warnings of single metrics (${warnings.length})`, `<ul>${warnings.join('')}</ul>`),
  ].join('')
}

/** What differs between the stacks besides the question, and what is the same for all. */
export const audit = (run: Run): Html => {
  const found = run.document.audit
  if (!found?.stacks) return paragraph('This run holds no fairness audit.')
  const stacks = run.scenario.stacks.map((stack) => stack.name)
  const rows = Object.entries(found.stacks).map(([property, values]) => {
    const cells = stacks.map((stack) => (values[stack] === undefined ? '–' : words(values[stack])))
    const differs = new Set(cells).size > 1
    const mark = differs ? '<span class="tag">differs</span>' : '<span class="tag weak">same</span>'
    return [escape(property), mark].concat(cells.map(escape))
  })
  const tcp = Object.entries(found.tcp ?? {}).map(([name, value]) => `${name} ${words(value)}`)
  return [
    paragraph(
      'What was not asked for but may still explain a difference, as it was when the cells ran.',
    ),
    table(
      [
        { heading: 'property' },
        { heading: '' },
        ...stacks.map((stack) => ({ heading: escape(stack) })),
      ],
      rows,
      'Fairness audit',
    ),
    tcp.length === 0 ? '' : paragraph(`TCP in both namespaces: ${tcp.join(', ')}.`),
  ].join('')
}

/** How the neutral verbs of the workload are spoken in each protocol. */
export const mapping = (run: Run): Html => {
  const found = run.document.audit?.mapping ?? {}
  const protocols = Object.keys(found)
  const verbs = [...new Set(protocols.flatMap((protocol) => Object.keys(found[protocol] ?? {})))]
  if (verbs.length === 0) return paragraph('This run holds no mapping.')
  return table(
    [{ heading: 'verb' }, ...protocols.map((protocol) => ({ heading: escape(protocol) }))],
    verbs.map((verb) =>
      [verb, ...protocols.map((protocol) => words(found[protocol]?.[verb] ?? '–'))].map(escape),
    ),
    'Verbs and protocols',
  )
}

/** Everything else that run.json knows. */
export const environment = (run: Run): Html => {
  const rest = Object.entries(run.document).filter(([name]) => name !== 'audit')
  return table(
    [{ heading: 'condition' }, { heading: 'value' }],
    flattened(Object.fromEntries(rest)).map(([name, value]) => [
      escape(name),
      `<code>${escape(value)}</code>`,
    ]),
    'Environment',
  )
}

/** How the numbers are made: the statistics, then every metric that this run holds. */
export const method = (run: Run): Html => {
  const present = new Set(
    groupsOf(run).flatMap((group) => group.counted.flatMap((cell) => [...cell.rows.keys()])),
  )
  const n = run.scenario.repetitions
  const interval = medianInterval(Array.from({ length: n }, (_, i) => i))
  const levels = interval
    ? `with ${n} repetitions it covers the median with ${level(interval.level)}.`
    : `it needs 6 repetitions; this run has ${n}.`
  const definitions = Object.entries(METRICS)
    .filter(([name]) => present.has(name))
    .map(
      ([name, metric]) =>
        `<dt>${escape(name)} <span class="ev">${escape(metric.unit)}</span></dt><dd>${escape(metric.meaning)}</dd>`,
    )
  return [
    paragraph(
      `The unit of all statistics is the repetition, never the message: ${plural(n, 'repetition')}, the cells of each in random order, seed ${run.scenario.seed}. The interval of a median is made of order statistics; ${levels} Comparisons are paired by repetition: Student t intervals on logarithms of ratios, and a sign-flip test. Where none of n messages was lost, the loss ratio is under 3/n (95 %). An undelivered message is later than every delivered one.`,
    ),
    paragraph(
      'CPU times and rates are those of this implementation: our own sessions and the named servers, on this machine. They are never “of the protocol”.',
    ),
    details(
      `Definitions of the metrics in this run (${definitions.length})`,
      `<dl>${definitions.join('')}</dl>`,
    ),
  ].join('')
}
