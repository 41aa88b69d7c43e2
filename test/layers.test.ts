import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..', 'simulator')

/** What each folder may import besides itself (docs/architecture.md). `*` in run and cli stands for what is spelt out there. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  native: ['core'],
  scenario: ['core', 'native'],
  network: ['core', 'native'],
  measure: ['core', 'native'],
  security: ['core', 'native'],
  io: ['core', 'native'],
  transports: ['core', 'native', 'security'],
  protocols: ['core', 'transports', 'security'],
  brokers: ['core', 'native', 'security', 'transports', 'protocols', 'io', 'network', 'measure'],
  fleet: ['core', 'security', 'transports', 'protocols', 'io', 'measure'],
  run: ['core', 'native', 'scenario', 'network', 'measure', 'security', 'io', 'transports', 'protocols', 'brokers', 'fleet'],
  report: ['core', 'measure'],
  cli: ['core', 'scenario', 'run', 'report'],
} // prettier-ignore

/** Packages that only one place may know, so that they can be replaced there. */
const ONLY_IN: Readonly<Record<string, RegExp>> = {
  koffi: /^native\/(libc|openssl[\w-]*)\.ts$/,
  yargs: /^cli\//,
  yaml: /^(scenario|brokers\/runtimes\/container)\//,
  dockerode: /^brokers\/runtimes\/container\//,
  aedes: /^brokers\/aedes/,
  ws: /^(brokers\/aedes|fleet\/reference\/server\.cases)/,
  mqtt: /^fleet\/reference\//,
  vega: /^report\//,
  'vega-lite': /^report\//,
  '@resvg/resvg-js': /^report\//,
}

const files = globSync('**/*.ts', { cwd: root })
const imports = (file: string): string[] => {
  const text = readFileSync(join(root, file), 'utf8')
  return [
    ...text.matchAll(/(?:from|import\()\s*'([^']+)'/g),
    ...text.matchAll(/^import '([^']+)'/gm),
  ].map((m) => m[1] as string)
}

test('imports point down', () => {
  assert.ok(files.length > 50, 'the source was found')
  const wrong: string[] = []
  for (const file of files) {
    const folder = file.split('/')[0] as string
    const allowed = MAY_IMPORT[folder]
    assert.ok(allowed, `simulator/${folder} is not in the table of folders`)
    for (const name of imports(file)) {
      if (!name.startsWith('.')) continue
      const target = relative(root, join(root, dirname(file), name))
      if (target === '../package.json') continue
      const other = target.split('/')[0] as string
      if (other !== folder && !allowed.includes(other)) wrong.push(`${file} imports ${target}`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('docs/architecture.md shows this table', () => {
  const page = readFileSync(join(root, '..', 'docs', 'architecture.md'), 'utf8')
  const table = /^\| folder \| may import \|\n\|[-|]+\n((?:\|.*\n)+)/mu.exec(page)?.[1] ?? ''
  const words = (cell = ''): string[] => (cell.trim() === 'nothing' ? [] : cell.trim().split(', '))
  const shown = table
    .trim()
    .split('\n')
    .map((row) => row.split('|').slice(1, -1))
    .flatMap(([folders, allowed]) => words(folders).map((folder) => [folder, words(allowed)]))
  assert.deepEqual(Object.fromEntries(shown), MAY_IMPORT)
})

test('packages stay where they belong', () => {
  const wrong = files.flatMap((file) =>
    imports(file)
      .filter((name) => Object.hasOwn(ONLY_IN, name) && !(ONLY_IN[name] as RegExp).test(file))
      .map((name) => `${file} imports ${name}`),
  )
  assert.deepEqual(wrong, [])
})

test('no folder is a kitchen sink', () => {
  const names = new Set(files.flatMap((file) => file.split('/').slice(0, -1)))
  for (const name of ['utils', 'util', 'lib', 'common', 'helpers', 'misc'])
    assert.ok(!names.has(name), name)
})
