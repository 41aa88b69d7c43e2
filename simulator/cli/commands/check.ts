/** `thingbench check SCENARIO...`: all problems of all files at once. */
import { cautionsOf } from '../../core/cautions.ts'
import { ThingbenchError } from '../../core/errors.ts'
import type { Catalogue } from '../../core/types.ts'
import { formatSpan } from '../../core/units.ts'
import { expectedTime } from '../../run/order.ts'
import { expand } from '../../scenario/expand.ts'
import { PROFILES, readScenario } from '../../scenario/load.ts'

/** Writes one line or one list of problems per file to `out`; the exit code is 0, or that of the first error. */
export const check = (
  files: readonly string[],
  catalogue: Catalogue,
  out: (text: string) => void,
  profiles = PROFILES,
): number => {
  let exit = 0
  for (const file of files) {
    try {
      const scenario = readScenario(file, catalogue, profiles)
      const cells = expand(scenario)
      const time = cells.reduce((sum, cell) => sum + expectedTime(cell, scenario.phases), 0)
      const count = cells.length === 1 ? '1 cell' : `${cells.length} cells`
      out(`${file}: valid, ${count}, about ${formatSpan(time)}.\n`)
      for (const caution of cautionsOf(scenario)) out(`  ${caution}\n`)
    } catch (error) {
      if (!(error instanceof ThingbenchError)) throw error
      exit ||= error.exit
      out(`${error.message}\n`)
    }
  }
  return exit
}
