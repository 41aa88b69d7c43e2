/** The container engine of this machine, as tests see it. */
import { execFileSync } from 'node:child_process'
import { probeEngine } from '../../simulator/brokers/runtimes/container/engine.ts'
import { skipReason } from './run-scenario.cases.ts'

const probe = await probeEngine()

/** Why this machine cannot run tests with containers; false when it can. In CI a skip is a failure, so there it is never a reason. */
export const noContainers = (): string | false => {
  if (process.env.CI === 'true') return false
  return skipReason() || (probe.ok ? false : `needs a container engine: ${probe.reason}`)
}

/** What a command of the engine's client prints, in lines. */
export const docker = (...words: string[]): string[] =>
  execFileSync('docker', words, { encoding: 'utf8' }).split('\n').filter(Boolean)

/** Names of our containers, running or not. */
export const containersLeft = (): string[] =>
  docker('ps', '-a', '--filter', 'label=thingbench.container', '--format', '{{.Names}}')
