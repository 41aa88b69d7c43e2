/** report.html: one page that holds everything, opens without a network, and says so in its own security policy. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { TimelineEvent } from '../core/link-profile.ts'
import { eventName, isInstant } from '../core/timeline.ts'
import { formatQuantity } from '../core/units.ts'
import type { Chart } from './charts/theme.ts'
import { list, plural } from './format.ts'
import { type Html, escape, section } from './html.ts'
import { audit, environment, mapping, method, validity } from './page-conditions.ts'
import { findings, overhead, summary } from './page-results.ts'
import { STYLE } from './page-style.ts'
import { tcpOrQuic } from './page-tcp-or-quic.ts'
import type { Run } from './run.ts'

const POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"

const span = (time: number): string => formatQuantity(time, 'duration')

/** The browser builds of Vega, without their pointers to source maps. */
const bundles = async (): Promise<string[]> => {
  const { resolve } = createRequire(import.meta.url)
  return Promise.all(
    ['vega', 'vega-lite', 'vega-embed'].map(async (name) => {
      const text = await readFile(join(dirname(resolve(name)), `${name}.min.js`), 'utf8')
      return text.replace(/\n\/\/# sourceMappingURL=\S*\s*$/, '\n')
    }),
  )
}

/** JSON inside a script element: `<` could end it. */
const embedded = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c')

/** `ast` makes Vega interpret expressions, because the policy forbids eval. The editor action would leave the page. */
const START = `
const options = { mode: 'vega-lite', ast: true, renderer: 'svg', tooltip: true,
  actions: { export: true, source: false, compiled: false, editor: false } }
for (const element of document.querySelectorAll('script[type="application/json"]')) {
  const chart = document.getElementById('chart-' + element.dataset.chart)
  vegaEmbed(chart, JSON.parse(element.textContent), { ...options, downloadFileName: element.dataset.chart })
    .then(() => { chart.dataset.drawn = 'yes' }, (error) => { chart.textContent = 'This chart could not be drawn: ' + error.message })
}`

const figure = (chart: Chart): Html => {
  // The page brings the version of Vega-Lite that it was made with; the schema is for files.
  const { $schema: _, ...spec } = chart.spec
  return [
    `<figure><div class="chart" id="chart-${chart.name}" role="img" aria-label="${escape(chart.title)}"><noscript>This chart needs JavaScript; charts/${chart.name}.svg shows it too.</noscript></div>`,
    `<figcaption>${escape(chart.caption)}</figcaption></figure>`,
    `<script type="application/json" data-chart="${chart.name}">${embedded(spec)}</script>`,
  ].join('')
}

/** Runs of releases before the timeline have none. */
const timelineWords = (timeline: readonly TimelineEvent[]): string[] => {
  const words = timeline.map((event) => {
    const lasts = isInstant(event) || event.for === null ? '' : ` for ${span(event.for)}`
    return `${eventName(event)} at ${span(event.at)}${lasts}`
  })
  return words.length === 0 ? [] : [`Timeline: ${list(words)}.`]
}

const header = (run: Run): Html => {
  const { scenario } = run
  const names = (items: readonly { readonly name: string }[]): string =>
    list(items.map((item) => item.name))
  const facts = [
    `Stacks: ${names(scenario.stacks)}.`,
    `Links: ${names(scenario.links)}.`,
    `Devices: ${list(scenario.devices.map(String))}.`,
    `Workload: ${names(scenario.workloads)}.`,
    ...timelineWords(scenario.timeline ?? []),
    `${plural(scenario.repetitions, 'repetition')}, seed ${scenario.seed}.`,
  ]
  return `<header><p class="kicker">thingbench · ${escape(scenario.name)}</p><h1>${escape(scenario.title)}</h1><p class="meta">${escape(facts.join(' '))}</p></header>`
}

/** A section without a body is left out. */
const SECTIONS: readonly (readonly [id: string, title: string, body: (run: Run) => Html])[] = [
  ['findings', 'Findings', findings],
  ['summary', 'Summary', summary],
  ['tcp-or-quic', 'TCP or QUIC?', tcpOrQuic],
]
const AFTER_CHARTS: typeof SECTIONS = [
  ['overhead', 'Security overhead, explained', overhead],
  ['validity', 'Validity and warnings', validity],
  ['audit', 'Fairness audit', audit],
  ['mapping', 'The same workload in each protocol', mapping],
  ['environment', 'Environment', environment],
  ['method', 'Method', method],
]

interface Section {
  readonly id: string
  readonly title: string
  readonly body: Html
}

const writtenOf = (run: Run, sections: typeof SECTIONS): Section[] =>
  sections
    .map(([id, title, body]) => ({ id, title, body: body(run) }))
    .filter(({ body }) => body !== '')

const navigation = (sections: readonly Section[]): Html => {
  const links = sections.map(({ id, title }) => `<a href="#${id}">${escape(title)}</a>`)
  return `<nav aria-label="Sections">${links.join(' ')}</nav>`
}

/** The page as a string; the same run gives the same bytes. */
export const reportPage = async (run: Run, charts: readonly Chart[]): Promise<Html> => {
  const scripts = charts.length > 0 ? [...(await bundles()), START] : []
  const drawn = { id: 'charts', title: 'Charts', body: charts.map(figure).join('\n') }
  const sections = [
    ...writtenOf(run, SECTIONS),
    ...(charts.length > 0 ? [drawn] : []),
    ...writtenOf(run, AFTER_CHARTS),
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>${escape(run.scenario.title)} · thingbench</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${header(run)}
${navigation(sections)}
${sections.map(({ id, title, body }) => section(id, title, body)).join('\n')}
<footer>Written by thingbench from ${escape(run.folder.split('/').at(-1) ?? '')}. This page loads nothing from the network.</footer>
</main>
${scripts.map((script) => `<script>${script}</script>`).join('\n')}
</body>
</html>
`
}
