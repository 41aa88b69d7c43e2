import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Scenario } from '../core/types.ts'
import { CATALOGUE } from './catalogue.fixture.ts'
import { expand } from './expand.ts'
import { folderProfiles, parseScenario, PROFILES } from './load.ts'

const resolve = (text: string): Scenario =>
  parseScenario(new TextEncoder().encode(text), 'x.yaml', CATALOGUE, folderProfiles(PROFILES))

const FULL = `thingbench: 1
stacks: [mqtt-tcp, mqtt-tls, coap-udp]
links: [lan, lte-m]
devices: [10, 200]
workload: { interval: [1.5 s, 15 s], payload: [1 kB, 1 KiB] }
phases: { measure: 30 s }
repetitions: 3
`

test('cells are the product of all lists', () => {
  const cells = expand(resolve(FULL))
  assert.equal(cells.length, 3 * 2 * 2 * 4 * 3)
})

test('ids are unique and safe as file names, and a group is all but the repetition', () => {
  const cells = expand(resolve(FULL))
  assert.equal(new Set(cells.map((cell) => cell.id)).size, cells.length)
  assert.equal(new Set(cells.map((cell) => cell.group)).size, cells.length / 3)
  for (const { id, group, repetition } of cells) {
    assert.match(id, /^[a-z0-9.-]{1,200}$/u)
    assert.equal(id, `${group}.r0${repetition}`)
  }
  assert.equal(cells[0]?.id, 'mqtt-tcp.lan.10.telemetry-interval-1-5s-payload-1kb.r01')
})

test('more repetitions leave the ids and seeds that were there as they are', () => {
  const few = expand(resolve(FULL))
  const more = expand(resolve(FULL.replace('repetitions: 3', 'repetitions: 12')))
  assert.deepEqual(more.slice(0, few.length), few)
  assert.match(more.at(-1)?.id ?? '', /\.r12$/u)
})

test('the seed is the same for every stack of a repetition, and another in the next', () => {
  const cells = expand(resolve(FULL))
  const seeds = [1, 2, 3].map(
    (repetition) =>
      new Set(cells.filter((cell) => cell.repetition === repetition).map((cell) => cell.seed)),
  )
  assert.deepEqual(
    seeds.map((set) => set.size),
    [1, 1, 1],
  )
  assert.equal(new Set(cells.map((cell) => cell.seed)).size, 3)
  const other = expand(resolve(`${FULL}seed: 7\n`))
  assert.notEqual(other[0]?.seed, cells[0]?.seed)
})
