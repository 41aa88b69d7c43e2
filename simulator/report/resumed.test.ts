import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changesBetweenStarts, describeResumptions } from './resumed.ts'
import type { RunDocument } from './run.ts'

const start = (more: object = {}, utc = 'noon') => ({
  environment: { node: '26.10.0', kernel: '6.1', load_average: [0.1], utc, ...more },
  processors: { server: 0, fleet: 1 },
})

const resumed = (...more: RunDocument[]): RunDocument => ({ ...start(), resumptions: more })

test('a run of one start has nothing to tell', () => {
  assert.deepEqual(describeResumptions({ ...start(), resumptions: [] }), [])
  assert.deepEqual(describeResumptions(start()), [])
})

test('a continued run says when, and that nothing changed; load and time do not count', () => {
  const document = resumed(start({ load_average: [3] }, 'one'), start({}, 'two'))
  assert.deepEqual(describeResumptions(document), [
    'This run was interrupted and continued 2 times (one and two).',
    'Versions and machine were the same at every start.',
  ])
})

test('changed versions, processors and servers are a warning with all values', () => {
  const document: RunDocument = {
    ...resumed(start({ node: '26.11.0', kernel: '6.2' }), {
      ...start({ kernel: '6.2' }),
      processors: { server: 2, fleet: 1 },
    }),
    audit: { stacks: { server: { a: 'Mosquitto 2.0.11 | Mosquitto 2.0.12', b: 'Prosody' } } },
  }
  assert.deepEqual(changesBetweenStarts(document), [
    'node: 26.10.0, then 26.11.0',
    'kernel: 6.1, then 6.2',
    'kept on processor.server: 0, then 2',
    'server of a: Mosquitto 2.0.11, then Mosquitto 2.0.12',
  ])
  assert.match(String(describeResumptions(document)[1]), /^Warning: .*node: 26\.10\.0, then/)
})
