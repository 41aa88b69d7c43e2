/** Whoever types what README.md says gets what it says: every command in its `sh` blocks is run, in their order, from the root of the repository. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { blocksOf, tablesOf } from '../markdown.ts'
import { skipReason } from './run-scenario.cases.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const README = await readFile(join(ROOT, 'README.md'), 'utf8')
const COMMANDS = blocksOf(README, 'sh').flatMap(({ text }) =>
  text.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
)
/** The first run of a clone: 36 cells, and perhaps an installation. */
const FULL = 'npm start'
const FULL_MINUTES = 20
const MINUTES = 6

interface Ending {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a line in a shell and a process group of its own; when the time is over, the group is ended in order, then at once. */
const run = async (line: string, minutes: number): Promise<Ending> => {
  const child = spawn('sh', ['-c', line], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const end = (signal: NodeJS.Signals): void => {
    if (child.pid !== undefined) process.kill(-child.pid, signal)
  }
  const timers = [
    setTimeout(() => end('SIGINT'), minutes * 60_000),
    setTimeout(() => end('SIGKILL'), minutes * 60_000 + 20_000),
  ]
  const code = await new Promise<number | null>((done) => child.once('close', done))
  for (const timer of timers) clearTimeout(timer)
  return { code, stdout, stderr }
}

/** The results folder that a run says it wrote; null for a command that writes none. */
const folderOf = (stdout: string): string | null => {
  const told =
    /^report: (.*)$/mu.exec(stdout)?.[1] ??
    /"event":"report".*"folder":"([^"]+)"/u.exec(stdout)?.[1]
  if (told === undefined) return null
  return resolve(ROOT, told.endsWith('report.html') ? dirname(told) : told)
}

/** Files of a results folder, relative to it. */
const filesOf = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
}

/** A server may have written nothing, and not every run has each of them. */
const OPTIONAL = new Set<string | undefined>([
  '`cells/<cell>/broker.log`',
  '`cells/<cell>/front-end.log`',
  '`cells/<cell>/mosquitto.conf`',
  '`cells/<cell>/prosody.cfg.lua`',
  '`cells/<cell>/aedes.json`',
  '`cells/<cell>/ejabberd.yml`',
  '`cells/<cell>/emqx.env`',
])
const ESCAPED = /[.*+?^${}()|[\]\\/]/gu

/** docs/results.md knows every file. */
const filesAreKnown = async (folder: string): Promise<void> => {
  const page = await readFile(join(ROOT, 'docs', 'results.md'), 'utf8')
  const rows = tablesOf(page).find((table) => table.head[0] === 'file')?.rows ?? []
  const known = rows.map(([name = '']) => {
    const pattern = name.replaceAll('`', '').replaceAll(ESCAPED, String.raw`\$&`)
    return new RegExp(`^${pattern.replaceAll(/<\w+>/gu, '[^/]+')}$`, 'u')
  })
  const files = (await filesOf(folder)).map((file) => file.replace('.attempt2/', '/'))
  for (const file of files)
    assert.ok(
      known.some((one) => one.test(file)),
      `${file} is not on the page`,
    )
  const missing = rows.filter(
    ([name], i) => !OPTIONAL.has(name) && !files.some((file) => known[i]?.test(file)),
  )
  assert.deepEqual(missing, [])
}

/** docs/results.md knows every field of run.json and of its audit. */
const fieldsAreKnown = async (folder: string): Promise<void> => {
  const page = await readFile(join(ROOT, 'docs', 'results.md'), 'utf8')
  const section = page.split(/^## /mu).find((part) => part.startsWith('run.json\n')) ?? ''
  const named = tablesOf(section).flatMap((table) =>
    table.rows.map(([name = '']) => name.slice(1, -1)),
  )
  const text = await readFile(join(folder, 'run.json'), 'utf8')
  const document = JSON.parse(text) as { readonly audit: object }
  const fields = [
    ...Object.keys(document),
    ...Object.keys(document.audit).map((key) => `audit.${key}`),
  ]
  assert.deepEqual(new Set(named), new Set(fields))
}

/** A run that README.md asks for has a report, and no group failed or could not be run. */
const isSound = async (folder: string): Promise<void> => {
  assert.ok(existsSync(join(folder, 'report.html')))
  const lines = (await readFile(join(folder, 'summary.csv'), 'utf8')).split('\n').slice(1)
  const groups = lines.map((line) => line.split(',')).filter((fields) => fields[6] === 'outcome')
  assert.ok(groups.length > 0)
  for (const fields of groups)
    assert.match(fields[16] ?? '', /^(?:measured|censored|invalid)$/, fields.join())
  await filesAreKnown(folder)
  await fieldsAreKnown(folder)
}

describe('README.md', { skip: skipReason() }, () => {
  /** Folders and files that did not exist before. */
  const made = new Set<string>()

  before(async () => {
    for (const { text } of blocksOf(README, 'yaml')) {
      const name = /^# (\S+\.yaml)\n/u.exec(text)?.[1]
      if (name === undefined) continue
      const file = join(ROOT, name)
      assert.ok(!existsSync(file), `${name} is in the way`)
      await writeFile(file, text)
      made.add(file)
    }
    for (const line of COMMANDS) {
      const out = / --out (\S+)/u.exec(line)?.[1]
      if (out === undefined) continue
      assert.ok(!existsSync(join(ROOT, out)), `${out} is in the way`)
      made.add(join(ROOT, out))
    }
  })

  after(async () => {
    for (const path of made) await rm(path, { recursive: true, force: true })
  })

  it('shows at least one example of every command', () => {
    for (const command of ['run', 'check', 'list', 'report', 'doctor'])
      assert.ok(
        COMMANDS.some(
          (line) =>
            line.startsWith(`./thingbench ${command} `) || line === `./thingbench ${command}`,
        ),
        command,
      )
    assert.equal(COMMANDS[0], FULL)
  })

  for (const line of COMMANDS) {
    const long = line === FULL
    const skip = long && process.env.CI !== 'true' ? 'five minutes: only with CI=true' : false
    it(`"${line}" does what it says`, { skip }, async () => {
      const { code, stdout, stderr } = await run(line, long ? FULL_MINUTES : MINUTES)
      const folder = folderOf(stdout)
      if (folder !== null) made.add(folder)
      assert.equal(code, 0, `${stdout}\n${stderr}`)
      assert.doesNotMatch(stderr, /defect|^ +at /mu)
      assert.notEqual(stdout, '')
      const measures = / run (?!.*(?:--dry-run|--help))/u.test(line) || long
      assert.equal(folder !== null, measures || line.includes(' report '), stdout)
      if (folder !== null) await isSound(folder)
    })
  }
})
