/**
 * docs/adding-*.md are true: the code blocks of each page, put into a copy of the source, compile and pass their own tests.
 * The first line of a block names its file; a `diff` block changes one that is there.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { BrokerProduct } from '../simulator/brokers/broker.ts'
import type { Catalogue, Scenario } from '../simulator/core/types.ts'
import type * as worlds from '../simulator/fleet/world.cases.ts'
import type * as load from '../simulator/scenario/load.ts'
import { blocksOf } from './markdown.ts'

const ROOT = join(import.meta.dirname, '..')
const COPIED = [
  'simulator',
  'scenarios',
  'docs',
  'test/layers.test.ts',
  'package.json',
  'tsconfig.json',
]
const overlays: string[] = []
after(() => {
  for (const folder of overlays) rmSync(folder, { recursive: true })
})

interface Ran {
  readonly status: number | null
  readonly text: string
}

/** A copy of the source with the blocks of a page. */
class Overlay {
  readonly folder = mkdtempSync(join(tmpdir(), 'thingbench-adding-'))

  constructor(...pages: readonly string[]) {
    overlays.push(this.folder)
    for (const path of COPIED)
      cpSync(join(ROOT, path), join(this.folder, path), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'))
    for (const page of pages) {
      const text = readFileSync(join(ROOT, 'docs', page), 'utf8')
      for (const language of ['ts', 'js', 'yml'])
        for (const block of blocksOf(text, language)) this.#write(block.text)
      for (const block of blocksOf(text, 'diff')) this.#change(block.text)
    }
  }

  #write(block: string): void {
    const [, path = '', body = ''] = /^(?:\/\/|#) (\S+)\n([^]*)$/u.exec(block) ?? []
    assert.match(path, /^[\w./-]+$/u, `a block names its file: ${block.slice(0, 40)}`)
    const file = join(this.folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, body, { mode: path.startsWith('bin/') ? 0o755 : 0o644, flag: 'wx' })
  }

  /** Context and `-` lines must stand together once in the file; `+` lines follow the context, or replace the `-` lines. */
  #change(block: string): void {
    const [, path = '', body = ''] = /^# (\S+)\n([^]*)$/u.exec(block) ?? []
    const file = join(this.folder, path)
    let text = readFileSync(file, 'utf8')
    for (const [hunk] of body.matchAll(/(?:^[ -].*\n)+(?:^\+.*\n)+/gmu)) {
      const lines = hunk.split(/(?<=\n)/u)
      const side = (signs: string): string =>
        lines
          .filter((line) => signs.includes(line[0] ?? ''))
          .map((line) => line.slice(1))
          .join('')
      const parts = text.split(side(' -'))
      assert.equal(parts.length, 2, `${path} has once:\n${side(' -')}`)
      text = parts.join(side(' +'))
    }
    writeFileSync(file, text)
  }

  run(command: string, ...args: string[]): Ran {
    const path = [join(this.folder, 'bin'), dirname(process.execPath), process.env.PATH]
    const { NODE_TEST_CONTEXT: _, ...inherited } = process.env
    const env = { ...inherited, PATH: path.join(delimiter) }
    const options = { cwd: this.folder, env, encoding: 'utf8', timeout: 60_000 } as const
    const { status, stdout, stderr } = spawnSync(command, args, options)
    return { status, text: stdout + stderr }
  }

  typeErrors(): string {
    return this.run(join(ROOT, 'node_modules/.bin/tsc'), '-p', '.').text
  }

  /** Runs test files of the copy; how many passed. */
  passes(...tests: string[]): number {
    const flags = ['--test', '--test-isolation=none', '--test-reporter=tap']
    const { status, text } = this.run(process.execPath, ...flags, ...tests)
    assert.equal(status, 0, text)
    return Number(/^# pass (\d+)$/mu.exec(text)?.[1])
  }

  async load<Module>(path: string): Promise<Module> {
    return (await import(pathToFileURL(join(this.folder, path)).href)) as Module
  }

  async scenario(path: string): Promise<Scenario> {
    const { readScenario } = await this.load<typeof load>('simulator/scenario/load.ts')
    const { catalogue } = await this.load<{ catalogue: Catalogue }>('simulator/run/catalogue.ts')
    return readScenario(join(this.folder, path), catalogue)
  }
}

// Both of these change the list of brokers, so each has a copy of its own.
const withProtocol = new Overlay('adding-a-protocol.md', 'adding-a-link-profile.md')
const withBroker = new Overlay('adding-a-broker.md')

test('the code of docs/adding-a-protocol.md and docs/adding-a-link-profile.md compiles', () => {
  assert.equal(withProtocol.typeErrors(), '')
})

test('the code of docs/adding-a-broker.md compiles', () => {
  assert.equal(withBroker.typeErrors(), '')
})

test('the protocol of docs/adding-a-protocol.md meets the contract of every session', () => {
  assert.ok(withProtocol.passes('test/plain.test.ts') >= 15)
})

test('the tests of the repository accept the protocol: imports, and its broker', () => {
  assert.ok(withProtocol.passes('test/layers.test.ts', 'simulator/brokers/catalogue.test.ts') >= 8)
})

test('a scenario can ask for the protocol, and a fleet reports with it', async () => {
  const { stacks } = await withProtocol.scenario('scenarios/plain.yaml')
  assert.deepEqual(
    stacks.map(({ name, broker, carrier }) => [name, broker, carrier]),
    [
      ['coap-udp', 'thingbench-coap', 'datagram'],
      ['plain-udp', 'thingbench-plain', 'datagram'],
    ],
  )
  const { World } = await withProtocol.load<typeof worlds>('simulator/fleet/world.cases.ts')
  // The fleet does not ask which protocol it is; only the type of this fixture names those of the repository.
  const world = new World({ protocol: 'plain' as 'coap', devices: 3, interval: 1e8 })
  world.connect()
  world.reactor.runUntil(1e9)
  world.begin({ warmup: 1e9, t0: 2e9, t1: 4e9, end: 6e9 })
  world.reactor.runUntil(6e9)
  const { intended, delivered } = world.accounts()
  assert.deepEqual([intended, delivered], [60, 60])
})

test('the server of docs/adding-a-broker.md is started, listens, and ends', () => {
  assert.ok(
    withBroker.passes(
      'simulator/brokers/tiny-mqtt.test.ts',
      'simulator/brokers/catalogue.test.ts',
    ) >= 6,
  )
  assert.equal(withBroker.passes('test/system/tiny-mqtt.test.ts'), 1)
})

test('a scenario can choose the broker, and its audit is in the catalogue', async () => {
  const { stacks } = await withBroker.scenario('scenarios/two-brokers.yaml')
  assert.deepEqual(
    stacks.map(({ name, broker }) => [name, broker]),
    [
      ['mqtt-tcp', 'mosquitto'],
      ['mqtt-tcp-tiny', 'tiny-mqtt'],
    ],
  )
  type Brokers = { brokerNamed: (name: string) => BrokerProduct }
  const { brokerNamed } = await withBroker.load<Brokers>('simulator/brokers/catalogue.ts')
  const product = brokerNamed('tiny-mqtt')
  assert.match(product.audit['queue limit'] ?? '', /no queue/u)
  assert.equal(await product.version(), null, 'it is not on the PATH of this process')
})

test('the link of docs/adding-a-link-profile.md delays as computed by hand', () => {
  assert.equal(withProtocol.passes('test/village-radio.test.ts'), 3)
})
