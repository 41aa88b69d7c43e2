import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readTrace } from './recorded-trace.ts'

const folder = mkdtempSync(join(tmpdir(), 'thingbench-trace-'))
after(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'a.trace')
const digest = createHash('sha256').update('1\n4\n').digest('hex')

test('reads the trace that was meant', () => {
  writeFileSync(file, '1\n4\n')
  assert.deepEqual(readTrace({ file, digest }), Uint32Array.of(1, 4))
})

test('refuses a file that has changed since, or is gone', () => {
  writeFileSync(file, '1\n5\n')
  assert.throws(() => readTrace({ file, digest }), {
    code: 'TB_TRACE_CHANGED',
    message: /a\.trace.*SHA-256/su,
  })
  rmSync(file)
  assert.throws(() => readTrace({ file, digest }), { code: 'TB_TRACE_CHANGED', message: /ENOENT/u })
})
