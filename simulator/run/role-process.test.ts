/** Roles that are small Node programs: what is tested is hearing them and their end. Real roles are in test/system. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { RoleProcess } from './role-process.ts'
import { unsupportedCause } from './supported.ts'

type Said =
  | { readonly event: 'ready' }
  | { readonly event: 'progress'; readonly done: number }
  | { readonly event: 'report'; readonly text: string }

const folder = mkdtempSync(join(tmpdir(), 'thingbench-role-'))
after(() => rmSync(folder, { recursive: true }))
const { signal } = new AbortController()
let programs = 0

const role = (source: string): RoleProcess<unknown, Said> => {
  const file = join(folder, `${programs++}.mjs`)
  writeFileSync(file, source)
  return new RoleProcess('test', pathToFileURL(file).href, {})
}

test('hears events in whatever order they are asked for, the last ones from a process that has ended', async () => {
  await using process = role(`
    process.stdout.write('{"event":"ready"}\\n')
    process.stdout.write(JSON.stringify({ event: 'report', text: 'x'.repeat(100_000) }) + '\\n')
  `)
  const { text } = await process.expect('report', 5000, signal)
  assert.equal(text.length, 100_000)
  assert.ok(process.has('ready'))
  assert.equal((await process.expect('ready', 5000, signal)).event, 'ready')
  assert.equal(process.failure, null)
})

test('what is listened to is told at once and not kept', async () => {
  await using process = role(`
    for (const done of [1, 2, 3]) console.log(JSON.stringify({ event: 'progress', done }))
    console.log('{"event":"ready"}')
    process.stdin.resume()
  `)
  const heard: number[] = []
  process.listen('progress', ({ done }) => heard.push(done))
  await process.expect('ready', 5000, signal)
  assert.deepEqual(heard, [1, 2, 3])
  assert.equal(process.has('progress'), false)
})

test('a process that is killed in the middle of a word has failed by its signal', async () => {
  await using process = role(`
    console.error('what it said')
    process.stdout.write('{"event":"rea', () => process.kill(process.pid, 'SIGKILL'))
  `)
  await assert.rejects(process.expect('ready', 5000, signal), {
    code: 'TB_ROLE_FAILED',
    message: /^The test process .*it ended early \(SIGKILL\) Its last lines: what it said/,
  })
  assert.match(String(process.failure), /SIGKILL/)
})

test('a process that ends in order before it said what is waited for has failed', async () => {
  await using process = role('process.exitCode = 0')
  await assert.rejects(process.expect('ready', 5000, signal), /ended early \(exit status 0\)/)
})

test('a process that tells of its failure has failed so, and one that says nothing is not waited for', async () => {
  await using process = role(`
    process.stdout.write('{"event":"failed","code":"X","message":"no such thing"}\\n')
    process.stdin.resume()
  `)
  await assert.rejects(process.expect('ready', 5000, signal), /no such thing/)
  await using silent = role('process.stdin.resume()')
  await assert.rejects(silent.expect('ready', 20, signal), { code: 'TB_WAITED' })
  const interrupted = AbortSignal.abort()
  await assert.rejects(silent.expect('ready', 5000, interrupted), { name: 'AbortError' })
})

for (const [code, unsupported] of [
  ['TB_TCP_CONGESTION', 'This kernel has none of it.'],
  ['TB_LINK_TUN', null],
] as const)
  test(`a process that ends with ${code} ${unsupported === null ? 'has failed' : 'cannot do what is asked here'}`, async () => {
    const failed = { event: 'failed', code, message: 'This kernel has none of it.' }
    await using process = role(`console.log(${JSON.stringify(JSON.stringify(failed))})`)
    await assert.rejects(process.expect('ready', 5000, signal), { code: 'TB_ROLE_FAILED' })
    assert.ok(process.failure !== null)
    assert.equal(unsupportedCause(process.failure), unsupported)
  })
