/** What a server in a container may have at most, as setrlimit(2) limits it. */
import { readFileSync } from 'node:fs'

/** As Docker's API has it. */
export interface Ulimit {
  readonly Name: string
  readonly Soft: number
  readonly Hard: number
}

const both = (Name: string, most: number): Ulimit => ({ Name, Soft: most, Hard: most })

const read = (file: string): string => readFileSync(file, 'latin1')

/**
 * So many descriptors, and as many processes as a server outside of containers may have. An engine that is told nothing of those may ask for more than
 * it is allowed to (Podman: 1 048 576), and where nobody may raise limits, no container starts. Nor may it have more than there are numbers: to those
 * Podman lowers its own limit.
 * @param limits text of /proc/self/limits
 * @param numbers text of /proc/sys/kernel/pid_max
 */
export const ulimitsFor = (
  files: number,
  limits = read('/proc/self/limits'),
  numbers = read('/proc/sys/kernel/pid_max'),
): Ulimit[] => {
  const [, allowed = Infinity] = /^Max processes\s+\w+\s+(\d+)/m.exec(limits) ?? []
  const processes = Math.min(Number(allowed), Number(numbers))
  return [both('nofile', files), both('nproc', processes)]
}
