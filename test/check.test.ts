/** `thingbench check` and `--dry-run` as functions: what they print and what they return. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { check } from '../simulator/cli/commands/check.ts'
import { dryRun } from '../simulator/cli/commands/dry-run.ts'
import { CATALOGUE } from '../simulator/scenario/catalogue.fixture.ts'
import { readScenario } from '../simulator/scenario/load.ts'

const folder = mkdtempSync(join(tmpdir(), 'thingbench-check-'))
after(() => rmSync(folder, { recursive: true }))

const TEXT = `thingbench: 1
title: Does it work?
stacks: [mqtt-tcp, mqtt-tls]
links: [lan]
devices: 10
workload: { interval: 1 s }
phases: { ramp: 1 s, warmup: 1 s, measure: 5 s, drain: 1 s }
repetitions: 2
`

const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const checked = (...files: string[]): { exit: number; text: string } => {
  let text = ''
  const exit = check(files, CATALOGUE, (more) => (text += more))
  return { exit, text: text.replaceAll(folder, '') }
}

test('says of a valid scenario how many cells it has and how long they take', () => {
  assert.deepEqual(checked(file('good.yaml', TEXT)), {
    exit: 0,
    text: '/good.yaml: valid, 4 cells, about 36 s.\n',
  })
})

test('warns of a link on which stacks cannot be compared', () => {
  const loss = '{ name: counted, loss: { mean: 2 %, burst: 3 packets } }'
  const counted = file('counted.yaml', TEXT.replace('[lan]', `[${loss}]`))
  const caution = /The loss of the link counted is counted in packets: .*\n$/u
  const { exit, text } = checked(counted)
  assert.equal(exit, 0)
  assert.match(text, caution)
  assert.match(dryRun(readScenario(counted, CATALOGUE)), caution)
})

test('tells the problems of every file and ends with exit code 2', () => {
  const bad = file('bad.yaml', TEXT.replace('mqtt-tls', 'mqtt-tsl'))
  const { exit, text } = checked(bad, file('good.yaml', TEXT), join(folder, 'absent.yaml'), folder)
  assert.equal(exit, 2)
  assert.deepEqual(
    text.split('\n').map((line) => line.slice(0, 50)),
    [
      '/bad.yaml: 1 problem found.',
      '  3:20  stacks[1]: found "mqtt-tsl"; allowed: mqtt',
      '/good.yaml: valid, 4 cells, about 36 s.',
      'Cannot read the scenario /absent.yaml: there is no',
      'Cannot read the scenario : it is a folder. Type "t',
      '',
    ],
  )
})

test('names the profile file where a profile is wrong', () => {
  const profiles = mkdtempSync(join(folder, 'profiles-'))
  writeFileSync(join(profiles, 'lan.yaml'), 'title: LAN\nsource: our choice\ndelay: 5\n')
  let text = ''
  const exit = check([file('good.yaml', TEXT)], CATALOGUE, (more) => (text += more), profiles)
  assert.equal(exit, 2)
  assert.match(text, /lan\.yaml: 1 problem found\.\n {2}3:8 {2}delay: found 5, which has no unit/u)
})

test('a dry run lists the cells in their order, with times and what they are too small for', () => {
  const text = dryRun(readScenario(file('good.yaml', TEXT), CATALOGUE))
  const lines = text.split('\n')
  assert.equal(lines[0], 'good: Does it work?')
  assert.equal(
    lines[1],
    '2 stacks x 1 link x 1 device count x 1 workload x 2 repetitions = 4 cells, about 36 s',
  )
  assert.equal(
    lines[3],
    '#  block  cell                           messages  starts after  takes about',
  )
  assert.match(
    lines[4] ?? '',
    /^1 {6}1 {2}mqtt-t(cp|ls)\.lan\.10\.telemetry\.r01 {8}50 {2}0 s {11}9 s$/u,
  )
  assert.match(
    lines[7] ?? '',
    /^4 {6}2 {2}mqtt-t(cp|ls)\.lan\.10\.telemetry\.r02 {8}50 {2}27 s {10}9 s$/u,
  )
  assert.equal(
    lines[9],
    'The smallest cell measures 50 messages: enough for percentiles up to p50.',
  )
  assert.equal(lines[10], 'With 2 repetitions differences are preliminary; a claim needs 6.')
})
