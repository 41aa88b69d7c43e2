/** thingbench in a container of its own, as docker-compose.yml has it. Needs root, an engine and docker-compose. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { cp, lstat, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import type { Measurement } from '../../simulator/core/types.ts'
import { docker, noContainers } from './engine.cases.ts'

const ROOT = join(import.meta.dirname, '..', '..')
/** Whoever has the clone: nobody of this machine, so that nothing is theirs by chance. */
const OWNER = 54_321
const MINUTE = 60_000

const program = 'docker-compose'
const noCompose = (): string | false => {
  try {
    execFileSync(program, ['--version'])
    return false
  } catch {
    return process.env.CI === 'true' ? false : `needs ${program}`
  }
}

const SCENARIO = `
thingbench: 1
title: Does it run in a container?
stacks: [mqtt-tcp, coap-udp, xmpp-tcp]
links: [lan]
devices: 5
workload: { interval: 250 ms }
phases: { ramp: 250 ms, warmup: 250 ms, measure: 1 s, drain: 1 s }
repetitions: 1
`

describe('docker-compose.yml', { skip: noContainers() || noCompose() }, () => {
  it('is understood by docker-compose, with all profiles', () => {
    const profiles = ['servers', 'upstream', 'bench'].flatMap((p) => ['--profile', p])
    const words = [...profiles, 'config', '--services']
    const services = execFileSync(program, words, { cwd: ROOT, encoding: 'utf8' })
    for (const name of ['mosquitto', 'ejabberd', 'emqx', 'bench'])
      assert.ok(services.split('\n').includes(name), services)
  })

  it('bench runs a scenario in a clone, whose owner has the results, and leaves nothing else', async (t) => {
    const clone = await mkdtemp(join(tmpdir(), 'thingbench-clone-'))
    const compose = async (words: readonly string[], minutes: number): Promise<string> => {
      const options = { cwd: clone, timeout: minutes * MINUTE, maxBuffer: 2 ** 26 }
      const { stdout, stderr } = await promisify(execFile)(program, words, options)
      return stdout + stderr
    }
    try {
      // With the packages, whose download is not what is tested.
      const without = new Set(['.git', 'results'].map((name) => join(ROOT, name)))
      const filter = (source: string): boolean => !without.has(source)
      await cp(ROOT, clone, { recursive: true, filter, verbatimSymlinks: true })
      await writeFile(join(clone, 'scenarios', 'small.yaml'), SCENARIO)
      execFileSync('chown', ['-R', `${OWNER}:${OWNER}`, clone])
      const begun = Date.now()
      // An older image would be taken as it is.
      await compose(['build', 'bench'], 5)
      t.diagnostic(`the image took ${Math.round((Date.now() - begun) / 1000)} s`)
      const networks = docker('network', 'ls', '-q')
      const said = await compose(['run', '--rm', '-T', 'bench', 'run', 'scenarios/small.yaml'], 3)
      assert.match(said, /^report: /m)

      const results = join(clone, 'results')
      const [folder = ''] = await readdir(results)
      const rows = await readFile(join(results, folder, 'rows.ndjson'), 'utf8')
      const delivered = rows
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Measurement)
        .filter(({ metric, attempt }) => metric === 'delivery.ratio' && attempt === 1)
      assert.deepEqual(delivered.map(({ stack, value }) => `${stack} ${value}`).sort(), [
        'coap-udp 1',
        'mqtt-tcp 1',
        'xmpp-tcp 1',
      ])
      const files = await readdir(clone, { recursive: true })
      const owners = await Promise.all(files.map(async (f) => (await lstat(join(clone, f))).uid))
      assert.deepEqual(files.filter((_, i) => owners[i] !== OWNER), []) // prettier-ignore
      const ours = (name: string): boolean => name.includes(basename(clone).toLowerCase())
      assert.deepEqual(docker('ps', '-a', '--format', '{{.Names}}').filter(ours), [])
      assert.deepEqual(docker('network', 'ls', '-q'), networks)
    } finally {
      await rm(clone, { recursive: true })
    }
  })
})
