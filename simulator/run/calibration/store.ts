/** What a calibration found, kept for the pre-flight check of later runs on the same machine. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { cpus, release, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ownVersion } from '../environment.ts'
import { allowedProcessors } from '../processors.ts'

/** A calibration holds for this machine only. */
export interface MachineIdentity {
  readonly processor: string
  readonly kernel: string
  /** That may be used. */
  readonly processors: number
  readonly thingbench: string
}

export interface StoredCalibration {
  readonly schema: 1
  /** UTC. */
  readonly made: string
  readonly machine: MachineIdentity
  /** Packets per second up to which the link can be trusted. */
  readonly trusted: number
  /** Microseconds of processor time of the link per packet, at so many packets per second. */
  readonly cost: readonly { readonly rate: number; readonly cpu_us: number }[]
}

export const machineIdentity = (): MachineIdentity => ({
  processor: cpus()[0]?.model ?? 'unknown',
  kernel: release(),
  processors: allowedProcessors().length,
  thingbench: ownVersion(),
})

/** XDG Base Directory Specification: a relative path in the variable is to be ignored. */
export const calibrationFile = (environment: NodeJS.ProcessEnv = process.env): string => {
  const named = environment.XDG_CACHE_HOME ?? ''
  const cache = named.startsWith('/') ? named : join(environment.HOME ?? tmpdir(), '.cache')
  return join(cache, 'thingbench', 'calibration.json')
}

/** Replaces the file at once, so that nobody reads half of it. */
export const storeCalibration = (file: string, calibration: StoredCalibration): void => {
  mkdirSync(dirname(file), { recursive: true })
  const beside = `${file}.${process.pid}`
  writeFileSync(beside, `${JSON.stringify(calibration, null, 2)}\n`)
  renameSync(beside, file)
}

/** Null where there is none, or that of another machine, kernel or release. */
export const readCalibration = (
  file: string,
  machine: MachineIdentity,
): StoredCalibration | null => {
  try {
    const stored = JSON.parse(readFileSync(file, 'utf8')) as StoredCalibration
    const names = ['processor', 'kernel', 'processors', 'thingbench'] as const
    const ours =
      stored.schema === 1 && names.every((name) => stored.machine[name] === machine[name])
    return ours && Number.isFinite(stored.trusted) ? stored : null
  } catch {
    // A broken file is as good as none: the next calibration replaces it.
    return null
  }
}
