/** The pages of docs/ and README.md say what the program says: keys, defaults, files, columns, names, links between pages. */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { parse, stringify } from 'yaml'
import type { Measurement, Outcome } from '../simulator/core/types.ts'
import { Histogram } from '../simulator/measure/histogram.ts'
import { METRICS } from '../simulator/measure/metrics.ts'
import {
  CHURN,
  type Column,
  COMMAND,
  FAN_OUT,
  IDLE,
  MESSAGES,
  SLEEP,
  STORM,
} from '../simulator/report/columns.ts'
import { chartsOf } from '../simulator/report/charts/index.ts'
import { reportPage } from '../simulator/report/page.ts'
import { readRun } from '../simulator/report/run.ts'
import { summaryCsv } from '../simulator/report/summary.ts'
import { catalogue } from '../simulator/run/catalogue.ts'
import { folderProfiles, parseScenario, PROFILES } from '../simulator/scenario/load.ts'
import type { Problem } from '../simulator/scenario/problem.ts'
import { scenarioSchema } from '../simulator/scenario/schema.ts'
import { blocksOf, headingsOf, tablesOf } from './markdown.ts'

const ROOT = join(import.meta.dirname, '..')
const pageOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8')
const PAGES = ['README.md', 'CHANGELOG.md', ...globSync('docs/*.md', { cwd: ROOT }).toSorted()]
const profiles = folderProfiles(PROFILES)

/** What stands in backticks. */
const codes = (cell: string): string[] =>
  [...cell.matchAll(/`([^`]+)`/gu)].map((match) => match[1] as string)
/** The first column of all tables of a page that are headed so. */
const firstColumn = (file: string, heading: string): string[] =>
  tablesOf(pageOf(file))
    .filter((table) => table.head[0] === heading)
    .flatMap((table) => table.rows.map((row) => row[0] ?? ''))

// ---- links between pages ------------------------------------------------------------------------------------------

for (const file of PAGES)
  test(`every link of ${file} leads somewhere`, () => {
    const broken = [...pageOf(file).matchAll(/\]\(([^)\s]+)\)/gu)]
      .map((match) => match[1] as string)
      .filter((target) => !/^https?:/u.test(target))
      .filter((target) => {
        const [path = '', anchor] = target.split('#')
        const there = path === '' ? file : join(dirname(file), path)
        if (!existsSync(join(ROOT, there))) return true
        return anchor !== undefined && !headingsOf(pageOf(there)).includes(anchor)
      })
    assert.deepEqual(broken, [])
  })

// ---- scenarios ----------------------------------------------------------------------------------------------------

const BASE = {
  thingbench: 1,
  stacks: ['mqtt-tcp', 'mqtt-tls'],
  links: ['lan'],
  devices: 10,
  workload: { interval: '1 s' },
}

/** Beside it lies the trace that an example names. */
const EXAMPLE = join(ROOT, 'test/fixtures/example.yaml')

const problemsOf = (scenario: unknown): readonly Problem[] => {
  try {
    parseScenario(Buffer.from(stringify(scenario)), EXAMPLE, catalogue, profiles)
    return []
  } catch (error) {
    return (error as { cause: readonly Problem[] }).cause
  }
}

for (const file of PAGES)
  for (const [i, { text }] of blocksOf(pageOf(file), 'yaml').entries())
    test(`example ${i + 1} in ${file} is a scenario, or a part of one`, () => {
      const example = parse(text) as object
      const whole = 'thingbench' in example ? example : { ...BASE, ...example }
      assert.deepEqual(problemsOf(whole), [])
    })

interface Schema {
  readonly type?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly enum?: readonly (string | number)[]
  readonly const?: string | number | boolean
  readonly default?: string | number | boolean
  readonly minimum?: number
  readonly maximum?: number
  readonly pattern?: string
}

interface Key {
  readonly path: string
  readonly schema: Schema
  readonly required: boolean
}

/** Every key of a schema with its path: `stacks[].tls.version`. */
const keysOf = (schema: Schema, path = '', into: Key[] = []): Key[] => {
  for (const one of schema.anyOf ?? []) keysOf(one, path, into)
  if (schema.items) keysOf(schema.items, `${path}[]`, into)
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const own = path === '' ? name : `${path}.${name}`
    into.push({ path: own, schema: inner, required: schema.required?.includes(name) ?? false })
    keysOf(inner, own, into)
  }
  return into
}

const SCENARIOS_PAGE = 'docs/scenarios.md'
const KEYS = keysOf(scenarioSchema(catalogue, profiles))
/** The page says once for both directions what their keys are. */
const ONE_WAY = /^(links\[\]|links\[\]\.shared|timeline\[\]\.change)\.(?:up|down)\./u
const keyRows = new Map(
  tablesOf(pageOf(SCENARIOS_PAGE))
    .filter((table) => table.head[0] === 'key')
    .flatMap((table) => table.rows.map((row) => [codes(row[0] ?? '')[0], row] as const)),
)

const CIPHER_CELLS = tablesOf(pageOf(SCENARIOS_PAGE))
  .filter((table) => table.head[1]?.startsWith('suites') ?? false)
  .flatMap((table) => table.rows.flat())
  .join(' ')

test('docs/scenarios.md has every key of the format, and no other', () => {
  const paths = new Set(KEYS.map(({ path }) => path.replace(ONE_WAY, '$1.')))
  assert.deepEqual(new Set(keyRows.keys()), paths)
})

for (const { path, schema, required } of KEYS.filter((key) => !ONE_WAY.test(key.path)))
  test(`docs/scenarios.md says of ${path} what the reader says`, () => {
    const [, , allowed = '', standard = ''] = keyRows.get(path) ?? []
    assert.equal(standard === 'required', required)
    if (schema.default !== undefined) assert.equal(standard, `\`${String(schema.default)}\``)
    // Long lists stand elsewhere: cipher suites in a table of their own, metrics in the command.
    const words = path === 'thresholds[].metric' ? [] : (schema.enum ?? []).map(String)
    const shown = codes(path.endsWith('.cipher') ? CIPHER_CELLS : allowed)
    for (const word of words) assert.ok(shown.includes(word), word)
    if (schema.const !== undefined) assert.equal(allowed, `only \`${String(schema.const)}\``)
    const range = schema.anyOf?.find((one) => one.minimum !== undefined) ?? schema
    if (range.minimum !== undefined)
      assert.match(allowed, new RegExp(`\\b${range.minimum} to ${range.maximum}\\b`))
  })

/** Every path of keys in a value: `links[].loss.mean`. */
const pathsIn = (value: unknown, path = ''): string[] => {
  if (Array.isArray(value)) return value.flatMap((item) => pathsIn(item, `${path}[]`))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const own = path === '' ? key : `${path}.${key}`
    return [own].concat(pathsIn(inner, own))
  })
}

test('docs/scenarios.md has an example of every key of links, timeline, TCP and DTLS re-handshake', () => {
  const used = new Set(
    blocksOf(pageOf(SCENARIOS_PAGE), 'yaml').flatMap(({ text }) =>
      pathsIn(parse(text)).map((path) => path.replace(ONE_WAY, '$1.')),
    ),
  )
  const wanted = KEYS.map(({ path }) => path.replace(ONE_WAY, '$1.')).filter((path) =>
    /^(?:links|timeline|stacks\[\]\.tcp|stacks\[\]\.dtls\.rehandshake_after)/u.test(path),
  )
  assert.deepEqual(
    wanted.filter((path) => !used.has(path) && !/\.up$|\.down$/u.test(path)),
    [],
  )
})

/** Which stack has a use for a section of its mapping. */
const STACK_FOR: Readonly<Record<string, string>> = {
  tls: 'mqtt-tls',
  dtls: 'coap-dtls-psk',
  tcp: 'mqtt-tcp',
  mqtt: 'mqtt-tcp',
  coap: 'coap-udp',
}

/** The other keys without which a mapping is none, for those that have such. */
const BESIDE: Readonly<Record<string, object>> = {
  'links[].jitter': { deviation: '1 ms' },
  'links[].rate': { mean: '1 Mbit/s', burst: '9 kB' },
  'links[].loss': { mean: '1 %', burst: '1 s' },
  'links[].reorder': { share: '1 %', by: '1 ms' },
  'links[].policer': { rate: '9 packets/s', burst: '9 packets' },
  'links[].wake': { delay: '1 s', after: '9 s' },
  'workload.sleep': { awake: '1 s', asleep: '1 s' },
  'workload.churn': { share: '1 %' },
  'links[]': { name: 'one' },
  'timeline[].change.loss': { mean: '1 %', burst: '1 s' },
}

/** A scenario in which the key at `path` has `value`. */
const withValue = (path: string, value: string): unknown => {
  const parts = path.split('.')
  const nested = parts.reduceRight<unknown>((inner, key, i) => {
    const beside = BESIDE[parts.slice(0, i).join('.')] ?? {}
    const own = { ...beside, [key.replace('[]', '')]: inner }
    return parts[i - 1]?.endsWith('[]') ? [own] : own
  }, value) as Record<string, object>
  const [top = '', key = ''] = parts
  const [item] = Object.values(nested).flat()
  if (top === 'stacks[]') return { ...BASE, stacks: [{ stack: STACK_FOR[key], ...item }] }
  if (top === 'timeline[]') {
    const kind = ['change', 'rebind'].includes(key) ? {} : { blackout: 'all' }
    return { ...BASE, timeline: [{ at: '1 s', ...kind, ...item }] }
  }
  if (top === 'workload') return { ...BASE, workload: { ...BASE.workload, ...nested[top] } }
  return { ...BASE, ...nested }
}

/** The units of a quantity, from the pattern of the schema. */
const unitsOf = (schema: Schema): string[] =>
  /\(([^()]+)\)\$$/u
    .exec(
      [schema, ...(schema.anyOf ?? [])].find((one) => one.pattern?.startsWith('^[0-9]+'))
        ?.pattern ?? '',
    )?.[1]
    ?.split('|') ?? []

const RANGE = /\d \S+ to \d|\d \S+ or more/u

for (const { path, schema } of KEYS) {
  const units = unitsOf(schema)
  if (units.length === 0 || ONE_WAY.test(path)) continue
  test(`docs/scenarios.md gives the range of ${path}`, () => {
    const [, , allowed = ''] = keyRows.get(path) ?? []
    const key = path.split('.').at(-1) as string
    const ranges = [`0 ${units[0]}`, `999 ${units.at(-1)}`]
      .flatMap((value) => problemsOf(withValue(path, value)))
      .filter((problem) => problem.path.endsWith(key) && RANGE.test(problem.allowed))
      .map((problem) => problem.allowed)
    assert.equal(ranges.length > 0, RANGE.test(allowed), 'a range is given where there is one')
    for (const range of ranges)
      assert.ok(allowed.includes(range), `${range} is not in "${allowed}"`)
  })
}

// ---- results ------------------------------------------------------------------------------------------------------

const RESULTS_PAGE = 'docs/results.md'

/** The names in the first column of the tables in one section. */
const namesIn = (section: string, heading: string): string[] => {
  const text = pageOf(RESULTS_PAGE)
    .split(/^## /mu)
    .find((part) => part.startsWith(`${section}\n`))
  return tablesOf(text ?? '')
    .filter((table) => table.head[0] === heading)
    .flatMap((table) => table.rows.map((row) => codes(row[0] ?? '')[0] ?? ''))
}

test('docs/results.md has the columns of summary.csv, in their order', () => {
  assert.deepEqual(namesIn('summary.csv', 'column'), summaryCsv([]).trim().split(','))
})

/** The compiler sees to it that no field is forgotten here. */
const MEASUREMENT: Readonly<Record<keyof Measurement, true>> = {
  schema: true, cell: true, group: true, scenario: true, stack: true, broker: true, link: true, workload: true,
  devices: true, repetition: true, attempt: true, outcome: true, metric: true, unit: true, value: true, n: true,
  warnings: true,
} // prettier-ignore

test('docs/results.md has the fields of a measurement', () => {
  assert.deepEqual(namesIn('rows.ndjson', 'field'), Object.keys(MEASUREMENT))
})

test('docs/results.md has the fields of a histogram', () => {
  assert.deepEqual(namesIn('histograms.json', 'field'), Object.keys(new Histogram().toJSON()))
})

// ---- README -------------------------------------------------------------------------------------------------------

const README = pageOf('README.md')
const exampleRun = await readRun(join(ROOT, 'test/fixtures/run-small'))

const columnName = ({ heading: [what, statistic, unit] }: Column): string =>
  `${what} ${statistic}, ${unit}`

test('README.md explains every column of the table', () => {
  assert.deepEqual(firstColumn('README.md', 'column'), [...MESSAGES.map(columnName), 'outcome'])
})

test('docs/results.md explains the columns of other workloads', () => {
  const usual = new Set(MESSAGES.map(columnName))
  const others = [...COMMAND, ...FAN_OUT, ...SLEEP, ...CHURN, ...STORM, ...IDLE].map(columnName)
  assert.deepEqual(
    firstColumn('docs/results.md', 'column of the table'),
    [...new Set(others)].filter((name) => !usual.has(name)),
  )
})

test('README.md explains every outcome', () => {
  const outcomes: Readonly<Record<Outcome, true>> = {
    measured: true,
    censored: true,
    invalid: true,
    failed: true,
    unsupported: true,
  }
  assert.deepEqual(firstColumn('README.md', 'outcome'), Object.keys(outcomes))
})

test('README.md explains every chart and every part of the report', async () => {
  const charts = chartsOf(exampleRun)
  const rows = tablesOf(README).find((table) => table.head[0] === 'chart')?.rows ?? []
  assert.deepEqual(
    rows.map(([name, title]) => [name, title]),
    charts.map(({ name, title }) => [name, title]),
  )
  const [text = ''] = (await reportPage(exampleRun, charts)).split('</main>')
  const titles = [...text.matchAll(/<h2>([^<]+)<\/h2>/gu)]
  assert.deepEqual(
    firstColumn('README.md', 'part'),
    titles.map((match) => match[1]),
  )
})

test('README.md names the stacks and servers of the catalogue', () => {
  const rows = tablesOf(README).find((table) => table.head[0] === 'stack')?.rows ?? []
  assert.deepEqual(
    rows.map(([name = '', title, servers = '']) => [codes(name)[0], title, codes(servers)]),
    catalogue.stacks.map(({ name, title, brokers }) => [name, title, brokers]),
  )
})

test('pages name only metrics that exist', () => {
  const families = new Set(Object.keys(METRICS).map((name) => name.split('.')[0]))
  for (const file of PAGES)
    for (const code of codes(pageOf(file).replaceAll(/^```[^]*?^```$/gmu, ''))) {
      const family = /^(\w+)\.[\w.*{},]+$/u.exec(code)?.[1] ?? ''
      if (!families.has(family) || code.endsWith('.ts')) continue
      const wanted = code
        .replaceAll(/\{([\w,]+)\}/gu, (_, words: string) => `(${words.replaceAll(',', '|')})`)
        .replaceAll('.', String.raw`\.`)
        .replaceAll('*', '.+')
      const known = Object.keys(METRICS).some((name) => new RegExp(`^${wanted}`, 'u').test(name))
      assert.ok(known, `${file} names ${code}`)
    }
})
