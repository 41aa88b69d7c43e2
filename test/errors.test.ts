import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ERRORS, ThingbenchError } from '../simulator/core/errors.ts'

const root = join(import.meta.dirname, '..')
const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')
const sections = [...page.matchAll(/^## (TB_\w+)$/gm)].map((m) => m[1] as string)

test('docs/errors.md has exactly the codes of the table, in alphabetical order', () => {
  assert.deepEqual(sections, Object.keys(ERRORS).sort())
})

/** One section of the page, without its heading. */
const sectionOf = (code: string): string => {
  const start = page.indexOf(`## ${code}\n`)
  const end = page.indexOf('\n## ', start + 1)
  return page.slice(start + code.length + 4, end < 0 ? undefined : end)
}

/** Line breaks are for the page only. */
const flat = (text: string): string => text.replaceAll(/\s+/gu, ' ').trim()

for (const [code, { exit, text }] of Object.entries(ERRORS)) {
  test(`docs/errors.md shows an example of ${code}, says its exit code and a remedy`, () => {
    const section = sectionOf(code)
    const example = flat(/^```text\n([^]*?)^```$/mu.exec(section)?.[1] ?? '')
    const words = flat(text)
      .split(/\{\w+\}/u)
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\/]/gu, String.raw`\$&`))
    assert.match(example, new RegExp(`^${words.join('.+')}$`, 'u'))
    assert.doesNotMatch(example, /[{}]/u)
    const said = /^Exit code (\d+)/mu.exec(section)?.[1]
    const ofCell = section.includes('reason of a failed cell')
    assert.ok(said === String(exit) || (said === undefined && ofCell), `exit code ${said}`)
    assert.match(section, /^Remedy: \S/mu)
  })
}

test('every code is used somewhere', () => {
  const source = globSync('simulator/**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('core/errors.ts') && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n')
  for (const code of Object.keys(ERRORS))
    assert.ok(source.includes(`'${code}'`), `${code} is never thrown`)
})

test('every place-holder of a template can be filled', () => {
  for (const [code, { text }] of Object.entries(ERRORS)) {
    const names = [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1] as string)
    const error = new ThingbenchError(
      code as keyof typeof ERRORS,
      Object.fromEntries(names.map((n) => [n, 'X'])),
    )
    assert.ok(!/[{}]/.test(error.message), error.message)
    assert.ok([1, 2, 3, 99].includes(error.exit))
  }
})
