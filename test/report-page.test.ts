/** The page of a report in a real browser, from file://, with its own security policy in force. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { writeReport } from '../simulator/report/report.ts'
import { writeSmallRun } from './fixtures/small-run.ts'

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const browser = (process.env['PATH'] ?? '')
  .split(delimiter)
  .flatMap((folder) =>
    ['chromium', 'chromium-browser', 'google-chrome'].map((n) => join(folder, n)),
  )
  .find(isProgram)

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--hide-scrollbars',
  '--virtual-time-budget=8000',
]

/** Runs the browser on the page and gives what it prints. */
const browse = async (folder: string, ...flags: readonly string[]): Promise<string> => {
  const child = spawn(
    browser as string,
    [
      ...FLAGS,
      `--user-data-dir=${join(folder, 'profile')}`,
      ...flags,
      `file://${join(folder, 'report.html')}`,
    ],
    { stdio: ['ignore', 'pipe', 'ignore'], timeout: 60_000 },
  )
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  const code = await new Promise((resolve) => child.once('close', resolve))
  assert.equal(code, 0, 'the browser ended in order')
  return Buffer.concat(chunks).toString()
}

/** The part of the document that belongs to one chart. */
const figureOf = (document: string, name: string): string => {
  const start = document.indexOf(`id="chart-${name}"`)
  return document.slice(start, document.indexOf('<figcaption>', start))
}

const skipped = (t: TestContext): boolean => {
  if (browser !== undefined) return false
  assert.notEqual(process.env['CI'], 'true', 'CI has a browser: apt-get install chromium')
  t.skip('no chromium on PATH: apt-get install chromium')
  return true
}

test('the page draws every chart from file:// under its own security policy', async (t) => {
  if (skipped(t)) return
  const folder = await mkdtemp(join(tmpdir(), 'thingbench-page-'))
  try {
    await writeSmallRun(folder, {
      stacks: ['mqtt-tcp', 'mqtt-tls', 'coap-udp', 'coap-dtls-psk', 'xmpp-tcp', 'xmpp-tls'],
      links: [
        { name: 'lan', factor: 1 },
        { name: 'lossy', factor: 3.4 },
      ],
      layers: true,
    })
    await writeReport(folder)
    const document = await browse(folder, '--window-size=1280,2000', '--dump-dom')
    for (const [name, marks] of [
      ['latency', 12],
      ['overhead', 20],
      ['wire', 40],
      ['connect', 20],
      ['throughput', 40],
    ] as const) {
      const figure = figureOf(document, name)
      assert.match(figure, /data-drawn="yes"/, `${name} was drawn`)
      assert.match(figure, /<svg[^>]+class="marks"/, name)
      const paths = figure.match(/<path /g)?.length ?? 0
      assert.ok(paths >= marks, `${name} has ${paths} paths, not ${marks}`)
      assert.ok(!figure.includes('NaN'), `${name} has a coordinate that is no number`)
      for (const stack of name === 'overhead' ? ['mqtt-tls', 'xmpp-tls'] : ['mqtt-tcp', 'coap-udp'])
        assert.ok(figure.includes(stack), `${name} names ${stack}`)
    }
  } finally {
    await rm(folder, { recursive: true, maxRetries: 5 })
  }
})

/** Puts into the title how far right anything reaches that does not scroll by itself. */
const MEASURE_WIDTH = `setTimeout(() => {
  const elements = document.querySelectorAll('main > *, section > :not(.scroll), figcaption, .scroll')
  const right = Math.max(...[...elements].map((element) => element.getBoundingClientRect().right))
  document.title = 'reaches ' + right
}, 3000)`

test('on a phone nothing but tables and charts is wider than the screen', async (t) => {
  if (skipped(t)) return
  const folder = await mkdtemp(join(tmpdir(), 'thingbench-page-'))
  try {
    await writeSmallRun(folder)
    await writeReport(folder)
    const file = join(folder, 'report.html')
    const page = await readFile(file, 'utf8')
    // Headless windows are at least 500 pixels wide, so the page is laid out narrower than its window.
    const narrow = page.replace('<html lang="en">', '<html lang="en" style="width:360px">')
    await writeFile(file, `${narrow}<script>${MEASURE_WIDTH}</script>`)
    const document = await browse(folder, '--window-size=500,900', '--dump-dom')
    const right = Number(/<title>reaches ([\d.]+)</.exec(document)?.[1])
    assert.ok(right > 200 && right <= 360, `the page reaches ${right} of 360 pixels`)
  } finally {
    await rm(folder, { recursive: true, maxRetries: 5 })
  }
})
