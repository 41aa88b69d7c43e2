import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Resvg } from '@resvg/resvg-js'
import { writeReport } from './report.ts'

const fixture = join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'run-small')

const copied = async (): Promise<AsyncDisposable & { folder: string }> => {
  const folder = await mkdtemp(join(tmpdir(), 'thingbench-report-'))
  await cp(fixture, folder, { recursive: true })
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}

const folder = await mkdtemp(join(tmpdir(), 'thingbench-report-'))
await cp(fixture, folder, { recursive: true })
const { files, table } = await writeReport(folder)
const written = await Promise.all(files.map((file) => readFile(join(folder, file))))
after(() => rm(folder, { recursive: true }))

test('writes a table, a summary, three files per chart and the page', async () => {
  assert.match(table, /^What does security cost/)
  const charts = ['latency', 'overhead', 'wire', 'connect', 'throughput'].flatMap((name) =>
    ['vl.json', 'svg', 'png'].map((extension) => `charts/${name}.${extension}`),
  )
  assert.deepEqual(files, ['summary.csv', ...charts, 'report.html'])
  assert.equal((await readdir(join(folder, 'charts'))).length, charts.length)
})

test('the same folder gives the same bytes again', async () => {
  await writeReport(folder)
  for (const [i, file] of files.entries()) {
    const again = await readFile(join(folder, file))
    assert.ok(again.equals(written[i] as Buffer), `${file} differs`)
  }
})

test('a PNG has its letters: without fonts the same SVG gives a much smaller one', async () => {
  const png = await readFile(join(folder, 'charts/overhead.png'))
  const svg = await readFile(join(folder, 'charts/overhead.svg'))
  const bare = new Resvg(svg, {
    fitTo: { mode: 'zoom', value: 2 },
    font: { loadSystemFonts: false },
  })
  const empty = bare.render().asPng().length
  assert.ok(png.length > 2 * empty, `${png.length} bytes with letters, ${empty} without`)
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
  const page = (await readFile(join(folder, 'report.html'), 'utf8')).replaceAll('\u00a0', ' ')
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

test('a run that was interrupted before its first cell has a page that says so', async () => {
  await using copy = await copied()
  await writeFile(join(copy.folder, 'rows.ndjson'), '')
  const { files } = await writeReport(copy.folder)
  assert.deepEqual(files, ['summary.csv', 'report.html'])
  assert.match(await readFile(join(copy.folder, 'report.html'), 'utf8'), /No cell was finished/)
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
