/** `thingbench run`, without the command line: from a resolved scenario to a results folder. */
import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { brokerNamed } from '../brokers/catalogue.ts'
import type { Containers } from '../brokers/runtimes/container/containers.ts'
import { ThingbenchError } from '../core/errors.ts'
import type { Outcome, Scenario } from '../core/types.ts'
import { requireLink } from '../network/host.ts'
import { CANARY_WIDTH } from '../fleet/payload.ts'
import { makeDeviceAuthority } from '../security/device-certificates.ts'
import { Identities } from '../security/identities.ts'
import { makePki } from '../security/pki.ts'
import { Announcer } from './announcer.ts'
import { Audit } from './audit.ts'
import type { Idle } from './cell.ts'
import { machineBusy } from './cell-usage.ts'
import { packetRateWarning } from './calibration/packet-rate.ts'
import { calibrationFile, machineIdentity, readCalibration } from './calibration/store.ts'
import { containersFor, type Runtime } from './containers-for.ts'
import { describeEnvironment } from './environment.ts'
import { isFullDisk, orFullDisk, withReserve } from './full-disk.ts'
import { fitOf, openFilesFor } from './limits.ts'
import { RunLock } from './lock.ts'
import { describeMachine } from './machine.ts'
import type { Narrowing } from './narrow.ts'
import { blocksOf } from './order.ts'
import type { RunContext } from './parties.ts'
import { allowedProcessors, assignProcessors } from './processors.ts'
import type { Progress } from './progress.ts'
import { openRun } from './resume.ts'
import type { RunDocument, Start } from './run-document.ts'
import { runBlocks } from './runner.ts'
import { Store } from './store.ts'

export interface RunRequest {
  readonly scenario: Scenario
  /** The run folder itself, or null for results/<scenario>-<time>. */
  readonly out: string | null
  readonly results: string
  /** The folder of a run that was interrupted, to be continued there; null: a new run. */
  readonly resume: string | null
  /** As typed. */
  readonly command: string
  /** Options of the command line that changed the question. */
  readonly options: Narrowing
  readonly runtime: Runtime
  /** A cell that something disturbed is run a second time. */
  readonly repeats: boolean
  /** Where the lock of this machine is: `lockFolders()`. */
  readonly locks: readonly string[]
  /** Tells the user a line. */
  readonly say: (line: string) => void
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

/** A results folder that is written to from now on. */
interface Begun {
  readonly store: Store
  /** What run.json says, but for what is only known at the end. */
  readonly document: RunDocument
  readonly finished: ReadonlyMap<string, Outcome>
}

/** @throws ThingbenchError when the run cannot begin; a failing cell is a result and does not throw. */
export const runScenario = async (request: RunRequest): Promise<RunOutcome> => {
  using lock = await RunLock.take(request.locks)
  if (lock.cleaned !== null) request.say(lock.cleaned)
  const { 'net.core.somaxconn': somaxconn } = await requireLink()
  await requireRoom(request, somaxconn)
  const { runtime, scenario, say, signal } = request
  const servers = scenario.stacks.map(({ broker, server }) => ({
    product: brokerNamed(broker),
    limited: server !== undefined,
  }))
  const containers = await containersFor(runtime, servers, say, signal)
  const context = createContext(request.scenario, lock, containers)
  const start: Start = {
    command: request.command,
    environment: {
      ...(await describeEnvironment()),
      ...(containers && { container_engine: containers.engine }),
    },
    processors: context.processors,
  }
  const begun = request.resume ? await resume(request.resume, start) : await begin(request, start)
  lock.results(begun.store.folder)
  return await conduct(request, context, begun)
}

const begin = async ({ scenario, out, results, options }: RunRequest, start: Start) => {
  const store = await Store.create(scenario, out, results)
  const { name, title, digest, seed, repetitions, timeline } = scenario
  const document: RunDocument = {
    schema: 1,
    scenario: name,
    title,
    digest,
    ...start,
    options,
    seed,
    repetitions,
    timeline,
    resumptions: [],
    outcomes: null,
    ended: null,
    audit: new Audit().toJSON(),
  }
  return { store, document, finished: new Map<string, Outcome>() }
}

const resume = async (folder: string, start: Start): Promise<Begun> => {
  const { document } = await openRun(folder)
  const store = new Store(folder)
  const finished = await store.dropUnfinished()
  const resumptions = [...document.resumptions, start]
  return { store, document: { ...document, resumptions }, finished }
}

/** Runs the cells that are not finished yet; run.json tells at any time how far it came. */
const conduct = async (
  { scenario, repeats, locks, progress, signal }: RunRequest,
  context: RunContext,
  { store, document, finished }: Begun,
): Promise<RunOutcome> => {
  const { folder } = store
  const audit = new Audit(document.audit)
  const describe = (
    outcomes: RunDocument['outcomes'] = null,
    ended: RunDocument['ended'] = null,
  ): Promise<void> => store.writeRun({ ...document, outcomes, ended, audit: audit.toJSON() })
  await describe()
  const blocks = blocksOf(scenario)
  const announcer = new Announcer(progress, scenario, blocks.flat(), finished)
  announcer.runStarted(folder)
  try {
    const idle = await measureIdle(signal)
    const plan = { scenario, blocks, context, store, idle, repeats, audit, finished, describe, announcer, signal } // prettier-ignore
    const outcomes = await withReserve(folder, () => runBlocks(plan))
    await describe(outcomes, 'complete')
    return { folder, outcomes, interrupted: false }
  } catch (error) {
    await describe(null, signal.aborted ? 'interrupted' : 'failed').catch((second: unknown) => {
      // Then run.json stays as it was: that of a run that was killed.
      if (!isFullDisk(second)) throw second
    })
    if (!signal.aborted)
      throw await orFullDisk(error, folder, `thingbench run --resume ${folder}`, locks)
    return { folder, outcomes: null, interrupted: true }
  }
}

/** What the largest cell needs must be there before the first one runs. */
const requireRoom = async (
  { scenario, out, resume: earlier, results, say }: RunRequest,
  somaxconn: string | undefined,
): Promise<void> => {
  const folder = resolve(earlier ?? out ?? results)
  const machine = await describeMachine(openFilesFor(scenario), folder, somaxconn)
  const { binding, close } = fitOf(scenario, machine)
  if (binding !== null)
    throw new ThingbenchError('TB_LIMIT', { need: binding.text, remedy: binding.remedy })
  for (const { text, remedy } of close) say(`close to a limit: ${text}. ${remedy}.`)
  const calibration = readCalibration(calibrationFile(), machineIdentity())
  const doubt = packetRateWarning(scenario, calibration)
  if (doubt !== null) say(`more than is trusted: ${doubt.text}. ${doubt.remedy}.`)
}

/** Keys and names of a run: fresh for each, so that no run knows another's. */
const createContext = (
  scenario: Scenario,
  lock: RunLock,
  containers: Containers | null,
): RunContext => {
  const secret = randomBytes(32)
  const day = 86_400_000
  const notBefore = new Date(Date.now() - day)
  const notAfter = new Date(Date.now() + 30 * day)
  const pki = makePki({ dnsName: SERVER_NAME, notBefore, notAfter })
  return {
    identities: new Identities(secret),
    secret: secret.toString('hex'),
    canary: randomBytes(CANARY_WIDTH).toString('base64url').slice(0, CANARY_WIDTH),
    serverName: SERVER_NAME,
    authority: pki.authority,
    deviceAuthority: makeDeviceAuthority({ notBefore, notAfter }),
    certificate: { chain: pki.certificate, key: pki.key, bytes: pki.chainBytes },
    processors: assignProcessors(allowedProcessors()),
    timeline: scenario.timeline,
    lock,
    containers,
  }
}

/** How busy this machine is when no cell runs. */
const measureIdle = async (signal: AbortSignal): Promise<Idle> => {
  const before = machineBusy()
  await sleep(IDLE_WINDOW, undefined, { signal })
  const after = machineBusy()
  return { busy: (after.busy - before.busy) / (after.at - before.at) }
}
