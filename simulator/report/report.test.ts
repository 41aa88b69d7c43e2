import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeReport } from './report.ts'

const fixture = join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'run-small')

const copied = async (): Promise<AsyncDisposable & { folder: string }> => {
  const folder = await mkdtemp(join(tmpdir(), 'thingbench-report-'))
  await cp(fixture, folder, { recursive: true })
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}

test('writes tables, charts and the page, and the same bytes again', async () => {
  await using copy = await copied()
  const { files, table } = await writeReport(copy.folder)
  assert.match(table, /^What does security cost/)
  assert.deepEqual((await readdir(join(copy.folder, 'charts'))).toSorted(), [
    ...['connect', 'latency', 'overhead', 'throughput', 'wire'].flatMap((name) => [
      `${name}.png`,
      `${name}.svg`,
      `${name}.vl.json`,
    ]),
  ])
  const first = await Promise.all(files.map((file) => readFile(join(copy.folder, file))))
  await writeReport(copy.folder)
  for (const [i, file] of files.entries()) {
    const again = await readFile(join(copy.folder, file))
    assert.ok(again.equals(first[i] as Buffer), `${file} differs`)
  }
})

test('a PNG has the text in it: it is larger than one without fonts', async () => {
  await using copy = await copied()
  await writeReport(copy.folder)
  const png = await readFile(join(copy.folder, 'charts/overhead.png'))
  // 1 500 x 600 pixels with five lines of text; the same chart without its text has under 30 kB.
  assert.ok(png.length > 45_000, `${png.length} bytes`)
  assert.equal(png.subarray(1, 4).toString(), 'PNG')
})

test('the page loads nothing, says so in its policy, and lets no text of a file become markup', async () => {
  await using copy = await copied()
  const file = join(copy.folder, 'scenario.resolved.json')
  const scenario = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
  const title = 'Is </script><script>alert(1)</script> & "this" safe?'
  await writeFile(file, JSON.stringify({ ...scenario, title, name: '<b>' }))
  await writeReport(copy.folder)
  const page = await readFile(join(copy.folder, 'report.html'), 'utf8')
  assert.match(page, /Content-Security-Policy" content="default-src 'none'/)
  assert.ok(!page.includes('<script>alert'))
  assert.ok(
    page.includes(
      'Is &lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;this&quot; safe?',
    ),
  )
  const markup = page.slice(0, page.indexOf('<script>'))
  assert.doesNotMatch(markup, /\b(src|href)="(?!#)/)
})

test('the page holds what a reviewer asks for', async () => {
  await using copy = await copied()
  await writeReport(copy.folder)
  const page = (await readFile(join(copy.folder, 'report.html'), 'utf8')).replaceAll('\u00a0', ' ')
  for (const text of [
    'Compared with mqtt-tcp, mqtt-tls raises bytes on the wire per message by 28 %',
    'coap-udp is censored',
    'exact in all 6 pairs',
    'Of 18 cells (one stack in one condition in one repetition): 13 measured, 4 censored, 1 failed.',
    'All stacks of a repetition met the same channel',
    'TCP_NODELAY',
    'TLS_AES_128_GCM_SHA256',
    'CON POST to the resource directory',
    'Example CPU',
    'Receipt by the consumer minus the intended send time',
    'with 6 repetitions it covers the median with 96.9 %',
  ])
    assert.ok(page.includes(text), text)
})

test('a folder without results is refused with what is missing', async () => {
  await using copy = await copied()
  await rm(join(copy.folder, 'rows.ndjson'))
  await assert.rejects(writeReport(copy.folder), {
    code: 'TB_RESULTS_UNREADABLE',
    message: /rows\.ndjson is missing/,
  })
  await writeFile(join(copy.folder, 'run.json'), '{')
  await assert.rejects(writeReport(copy.folder), { message: /run\.json is not JSON/ })
})

test('a run in which every cell failed still has its table and its page', async () => {
  await using copy = await copied()
  const rows = (await readFile(join(copy.folder, 'rows.ndjson'), 'utf8')).split('\n')
  const failed = rows
    .filter((row) => row.includes('"metric":"outcome"'))
    .map((row) => row.replace(/"outcome":"\w+"/, '"outcome":"failed"'))
  await writeFile(join(copy.folder, 'rows.ndjson'), `${failed.join('\n')}\n`)
  const { files, table } = await writeReport(copy.folder)
  assert.match(table, /mqtt-tcp .*–.* failed 0\/6/)
  assert.deepEqual(files, ['summary.csv', 'report.html'])
})
