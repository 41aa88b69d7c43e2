/** `thingbench calibrate [PROFILE...]`: asked against measured on this machine. */
import { basename, dirname } from 'node:path'
import { ThingbenchError } from '../../core/errors.ts'
import type { LinkProfile } from '../../core/link-profile.ts'
import { type Calibration, type CalibrationRequest, calibrate } from '../../run/calibrate.ts'
import { CHECKS, EXAMPLE_PROFILE } from '../../run/calibration/checks.ts'
import { calibrationFile } from '../../run/calibration/store.ts'
import { lockFolders } from '../../run/lock-file.ts'
import { becomePrivileged } from '../../run/rootless.ts'
import { folderProfiles, PROFILES } from '../../scenario/load.ts'
import { calibrationText } from '../calibration-text.ts'
import { LineDisplay } from '../display.ts'
import { Interrupt } from '../interrupt.ts'

export interface CalibrateArguments {
  readonly profiles: readonly string[]
  readonly quick: boolean
  readonly json: boolean
}

const FILE = '.yaml'

/** A name from scenarios/profiles/, or the path of a file like those. */
const readProfile = (name: string): LinkProfile => {
  if (name.endsWith(FILE)) return folderProfiles(dirname(name)).read(basename(name, FILE))
  const known = folderProfiles(PROFILES)
  if (known.names.includes(name)) return known.read(name)
  throw new ThingbenchError('TB_USAGE', {
    problem: `there is no profile "${name}"; there are ${known.names.join(', ')}, and paths of files that end in ${FILE}`,
  })
}

/** Prints tables, or with `json` one object; @throws ThingbenchError TB_CALIBRATION_OFF after that when something is off */
export const calibrateCommand = async (argv: CalibrateArguments): Promise<number> => {
  const named = argv.profiles.map(readProfile)
  const profiles = named.length > 0 ? named : [...CHECKS, readProfile(EXAMPLE_PROFILE)]
  await becomePrivileged()
  const display = new LineDisplay(process.stderr)
  using interrupt = new Interrupt(display, 'ending the calibration, keeping nothing of it')
  const { signal } = interrupt
  const request: CalibrationRequest = {
    profiles,
    quick: argv.quick,
    file: calibrationFile(),
    locks: lockFolders(),
    say: (line) => display.say(`thingbench: ${line}`),
    signal,
  }
  const found = await calibrate(request).catch((error: unknown) => {
    if (!signal.aborted) throw error
    throw new ThingbenchError('TB_CALIBRATION_INTERRUPTED', { signal: interrupt.name })
  })
  process.stdout.write(argv.json ? `${JSON.stringify(found)}\n` : calibrationText(found))
  complain(found)
  return 0
}

const complain = ({ rows, ramp }: Calibration): void => {
  const off = rows.filter(({ ok }) => !ok)
  const list = off.map(({ profile, way, quantity }) => `${profile} ${way} ${quantity}`)
  if (ramp.trusted === 0) list.push('every packet rate')
  if (list.length === 0) return
  throw new ThingbenchError('TB_CALIBRATION_OFF', { count: list.length, list: list.join(', ') })
}
