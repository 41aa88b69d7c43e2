import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differences, listDifferences } from './differences.ts'

const QUESTION = {
  seed: 42,
  stacks: [{ name: 'a', tls: null }, { name: 'b' }],
  links: [{ name: 'lan', up: { delay: 1000 } }],
}

test('equal values have no differences, whatever the order of their keys', () => {
  const { links, ...rest } = structuredClone(QUESTION)
  assert.deepEqual(differences(QUESTION, { links, ...rest }), [])
})

test('every difference has its path, with what was and what is', () => {
  const now = {
    seed: 43,
    stacks: [{ name: 'a', tls: { version: '1.3' } }],
    links: [{ name: 'lan', up: { delay: 2000 } }],
    title: 'New',
  }
  assert.deepEqual(
    differences(QUESTION, now).map(({ path, old, now }) => [path, old, now]),
    [
      ['seed', 42, 43],
      ['stacks[0].tls', null, { version: '1.3' }],
      ['stacks[1]', { name: 'b' }, undefined],
      ['links[0].up.delay', 1000, 2000],
      ['title', undefined, 'New'],
    ],
  )
})

test('a list and a mapping with the same keys differ', () => {
  assert.equal(differences({ a: ['x'] }, { a: { 0: 'x' } }).length, 1)
})

test('the list is for people: a line each, long values and long lists cut short', () => {
  assert.equal(
    listDifferences(differences({ a: 1, b: 'x'.repeat(200) }, { a: 2 })),
    `  a: it was 1, and is now 2\n  b: it was "${'x'.repeat(99)}..., and is now nothing`,
  )
  const many = Array.from({ length: 25 }, (_, i) => i)
  const lines = listDifferences(differences(many, [])).split('\n')
  assert.equal(lines.length, 21)
  assert.equal(lines.at(-1), '  and 5 more')
})
