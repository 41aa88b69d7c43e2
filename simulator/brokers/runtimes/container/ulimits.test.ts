import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ulimitsFor } from './ulimits.ts'

const limits = (soft: string, hard: string): string =>
  `Limit                     Soft Limit           Hard Limit           Units
Max stack size            8388608              unlimited            bytes
Max processes             ${soft.padEnd(20)} ${hard.padEnd(20)} processes
Max open files            1024                 20000                files
`

const processes = (...texts: [limits: string, numbers: string]): number[] => {
  const [files, { Name, Soft, Hard } = assert.fail()] = ulimitsFor(1034, ...texts)
  assert.deepEqual(files, { Name: 'nofile', Soft: 1034, Hard: 1034 })
  assert.equal(Name, 'nproc')
  return [Soft, Hard]
}

test('a server in a container may have as many processes as one outside, and no more than there are numbers', () => {
  assert.deepEqual(processes(limits('4096', '96365'), '4194304\n'), [96_365, 96_365])
  assert.deepEqual(processes(limits('4096', '96365'), '32768\n'), [32_768, 32_768])
  assert.deepEqual(processes(limits('4096', 'unlimited'), '32768\n'), [32_768, 32_768])
})
