/** From the question to its cells: stacks x links x devices x workloads x repetitions. */
import { key, keyOf } from '../core/random.ts'
import type { Cell, Scenario } from '../core/types.ts'

/** Safe in a file name on every system. */
const slug = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/gu, '-')
    .replaceAll(/^-+|-+$/gu, '')

/** The same for every stack of a repetition, so that all of them meet the same channel and the same schedule. */
const cellSeed = (seed: number, repetition: number): number => key(keyOf('cell'), seed, repetition)

/**
 * All cells, repetition by repetition, in the order of the file. `group` is stack.link.devices.workload and `id` adds the
 * repetition: mqtt-tls.lte-m.100.telemetry.r01. More repetitions or levels leave the ids that were there as they are.
 */
export const expand = (scenario: Scenario): Cell[] => {
  const cells: Cell[] = []
  for (let repetition = 1; repetition <= scenario.repetitions; repetition++) {
    const seed = cellSeed(scenario.seed, repetition)
    const number = String(repetition).padStart(2, '0')
    for (const stack of scenario.stacks)
      for (const link of scenario.links)
        for (const devices of scenario.devices)
          for (const workload of scenario.workloads) {
            const group = [stack.name, link.name, devices, slug(workload.name)].join('.')
            const id = `${group}.r${number}`
            cells.push({ id, group, stack, link, devices, workload, repetition, seed })
          }
  }
  return cells
}
