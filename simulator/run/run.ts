/** `thingbench run`, without the command line: from a resolved scenario to a results folder. */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { ThingbenchError } from '../core/errors.ts'
import type { Outcome, Scenario } from '../core/types.ts'
import { probeTun } from '../network/host.ts'
import { CANARY_WIDTH } from '../fleet/payload.ts'
import { Identities } from '../security/identities.ts'
import { makePki } from '../security/pki.ts'
import { Audit } from './audit.ts'
import type { Idle } from './cell.ts'
import { machineBusy } from './cell-usage.ts'
import { describeEnvironment } from './environment.ts'
import { blocksOf } from './order.ts'
import type { RunContext } from './parties.ts'
import { allowedProcessors, assignProcessors } from './processors.ts'
import type { Progress } from './runner.ts'
import { runBlocks } from './runner.ts'
import { Store } from './store.ts'

export interface RunRequest {
  readonly scenario: Scenario
  /** The run folder itself, or null for results/<scenario>-<time>. */
  readonly out: string | null
  readonly results: string
  /** As typed. */
  readonly command: string
  readonly progress: Progress
  readonly signal: AbortSignal
}

export interface RunOutcome {
  readonly folder: string
  readonly outcomes: Readonly<Record<Outcome, number>> | null
  /** True when the signal ended it: what was finished is kept. */
  readonly interrupted: boolean
}

const SERVER_NAME = 'thingbench.test'
const IDLE_WINDOW = 2000

/** @throws ThingbenchError when the run cannot begin; a failing cell is a result and does not throw. */
export const runScenario = async (request: RunRequest): Promise<RunOutcome> => {
  const { scenario, progress, signal } = request
  await requireLink()
  const store = await Store.create(scenario, request.out, request.results)
  const context = createContext()
  const audit = new Audit()
  const environment = await describeEnvironment()
  const describe = (outcomes: object | null, ended: string | null): Promise<void> =>
    store.writeRun({
      scenario: scenario.name,
      title: scenario.title,
      digest: scenario.digest,
      command: request.command,
      seed: scenario.seed,
      repetitions: scenario.repetitions,
      environment,
      processors: context.processors,
      outcomes,
      ended,
      audit: audit.toJSON(),
    })
  await describe(null, null)
  try {
    const idle = await measureIdle(signal)
    const plan = {
      scenario,
      blocks: blocksOf(scenario),
      context,
      store,
      idle,
      audit,
      progress,
      signal,
    }
    const outcomes = await runBlocks(plan)
    await describe(outcomes, 'complete')
    return { folder: store.folder, outcomes, interrupted: false }
  } catch (error) {
    await describe(null, signal.aborted ? 'interrupted' : 'failed')
    if (!signal.aborted) throw error
    return { folder: store.folder, outcomes: null, interrupted: true }
  }
}

/** Without a link no cell can run: better said once, before there is a folder, than by every cell. */
const requireLink = async (): Promise<void> => {
  const tun = await probeTun()
  if (tun.ok) return
  const { reason, remedy } = tun
  throw new ThingbenchError('TB_LINK_UNAVAILABLE', { reason, remedy })
}

/** Keys and names of a run: fresh for each, so that no run knows another's. */
const createContext = (): RunContext => {
  const secret = randomBytes(32)
  const day = 86_400_000
  const pki = makePki({
    dnsName: SERVER_NAME,
    notBefore: new Date(Date.now() - day),
    notAfter: new Date(Date.now() + 30 * day),
  })
  return {
    identities: new Identities(secret),
    secret: secret.toString('hex'),
    canary: randomBytes(CANARY_WIDTH).toString('base64url').slice(0, CANARY_WIDTH),
    serverName: SERVER_NAME,
    authority: pki.authority,
    certificate: { chain: pki.certificate, key: pki.key, bytes: pki.chainBytes },
    processors: assignProcessors(allowedProcessors()),
  }
}

/** How busy this machine is when no cell runs. */
const measureIdle = async (signal: AbortSignal): Promise<Idle> => {
  const before = machineBusy()
  await sleep(IDLE_WINDOW, undefined, { signal })
  const after = machineBusy()
  return { busy: (after.busy - before.busy) / (after.at - before.at) }
}
