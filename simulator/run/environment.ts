/** The conditions of a run: every result carries them (run.json). */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { cpus, loadavg, release, totalmem, version } from 'node:os'

const packageFile = new URL('../../package.json', import.meta.url)

export const thingbenchVersion = (): string =>
  (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version

const limitLine = /^Max open files\s+(\S+)/m

export const describeEnvironment = async (): Promise<Record<string, unknown>> => {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const processors = cpus()
  return {
    thingbench: thingbenchVersion(),
    node: process.versions.node,
    openssl: process.versions.openssl,
    kernel: release(),
    system: version(),
    processor: processors[0]?.model ?? 'unknown',
    processors: processors.length,
    memory_mib: Math.round(totalmem() / 2 ** 20),
    open_files: Number(limitLine.exec(limits)?.[1] ?? NaN),
    load_average: loadavg(),
    utc: new Date().toISOString(),
  }
}
