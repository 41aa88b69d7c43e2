import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Problems, type Problem } from './problem.ts'
import { decode, MOST_BYTES, readYaml, type RawMapping } from './read.ts'

const tree = (text: string): RawMapping => {
  const problems = new Problems()
  const raw = readYaml(text, problems)
  assert.deepEqual(problems.list, [])
  assert.ok(raw)
  return raw
}

const problemsOf = (text: string): readonly Problem[] => {
  const problems = new Problems()
  readYaml(text, problems)
  return problems.list
}

test('keeps the place and the source of every value', () => {
  const raw = tree('# a comment\nversion: 1.30\nlist:\n  - a\n  - "b"\n')
  assert.deepEqual(raw.entries.get('version'), {
    key: { line: 2, column: 1 },
    value: { kind: 'scalar', value: 1.3, source: '1.30', line: 2, column: 10 },
  })
  const list = raw.entries.get('list')?.value
  assert.ok(list?.kind === 'sequence')
  assert.deepEqual(
    list.items.map((item) => [item.line, item.column]),
    [
      [4, 5],
      [5, 5],
    ],
  )
})

test('yes, no and on are text, as in YAML 1.2', () => {
  const raw = tree('a: yes\nb: on\nc: true\n')
  const values = [...raw.entries.values()].map(
    ({ value }) => value.kind === 'scalar' && value.value,
  )
  assert.deepEqual(values, ['yes', 'on', true])
})

test('a key without a value has the place of the key', () => {
  const value = tree('a: 1\nb:\n').entries.get('b')?.value
  assert.deepEqual(value, { kind: 'scalar', value: null, source: '', line: 2, column: 1 })
})

test('a key named __proto__ is an ordinary key', () => {
  assert.deepEqual([...tree('__proto__: 1\n').entries.keys()], ['__proto__'])
})

test('refuses keys that are not text, and directives', () => {
  assert.match(problemsOf('1: a\n')[0]?.message ?? '', /found the key 1; allowed: text as a key/u)
  assert.match(problemsOf('? [a]\n: b\n')[0]?.message ?? '', /found a list as a key/u)
  assert.match(problemsOf('%YAML 1.1\n---\na: yes\n')[0]?.message ?? '', /%YAML directive/u)
})

test('refuses nesting that would exhaust the stack', () => {
  assert.match(problemsOf(`a: ${'['.repeat(10_000)}`)[0]?.message ?? '', /nested too deep/u)
})

test('refuses a file over 1 MiB before reading it', () => {
  const problems = new Problems()
  assert.equal(decode(new Uint8Array(MOST_BYTES + 1), problems), undefined)
  assert.match(problems.list[0]?.message ?? '', /at most 1 MiB/u)
})

test('reads a file with a byte order mark', () => {
  const text = decode(new TextEncoder().encode('\ufeffa: 1\n'), new Problems())
  assert.equal(text, 'a: 1\n')
})

test('any text gives a tree or a problem, never an exception', () => {
  const yamlish = fc.stringMatching(/^[a-z:\-[\]{}&*!|>"'#%\n\t ]{0,40}$/u)
  fc.assert(
    fc.property(fc.oneof(fc.string(), yamlish), (text) => {
      const problems = new Problems()
      const raw = readYaml(text, problems)
      assert.ok(raw !== undefined || problems.list.length > 0)
    }),
  )
})
