/**
 * One server in a container of its own. Its life: created without any network, with its configuration copied in; started, but held before its program,
 * so that the link can be laid into its network namespace; released; removed. From the release on, the container's first process is the server itself.
 *
 *   sh -c 'read, then exec'  ->  PROGRAM ...
 */
import type { Container, HostConfig } from 'dockerode'
import { constants } from 'node:os'
import { PassThrough, type Duplex } from 'node:stream'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { ThingbenchError } from '../../../core/errors.ts'
import { pin } from '../../../native/control.ts'
import type { Broker, BrokerPlan, BrokerProduct, Launch } from '../../broker.ts'
import type { ServerLimits } from '../../../core/types.ts'
import { LogRing } from '../log-ring.ts'
import { withDescendants } from './descendants.ts'
import { describeEngine } from './describe-engine.ts'
import { isNotFound, reasonOf, type Engine } from './engine.ts'
import type { Image } from './image.ts'
import { entriesOf, tar, type TarEntry } from './tar.ts'
import { ulimitsFor } from './ulimits.ts'

export interface ContainerPlacement {
  /** What the container is called: a name of its own. */
  readonly name: string
  /** The processor to stay on; null: any. */
  readonly cpu: number | null
  /** Absent: none. */
  readonly limits?: ServerLimits | undefined
  readonly signal: AbortSignal
}

/** What only our own containers have; its value is the container's name. */
export const LABEL = 'thingbench.container'

/** Waits for a line; when there will be none, because whoever was to write it has ended, it ends too. */
const HELD = 'read -r _ && exec "$@"'
/** Seconds between SIGTERM and SIGKILL. */
const PATIENCE = 3
/** Milliseconds in which what the engine started is what it says. */
const START_PATIENCE = 2000
const POLL = 5
/** Descriptors of a server beside those of its connections. */
const OWN_DESCRIPTORS = 1024
/** The exit status of a program that a signal ended is this and its number (sh(1)). */
const SIGNALLED = 128

const limitsOf = ({ limits }: ContainerPlacement) => {
  const { memory = null, cpu: share = null } = limits ?? {}
  return {
    // Swap is memory that is slow: the same number for both together means none.
    ...(memory !== null && { Memory: memory, MemorySwap: memory }),
    ...(share !== null && { NanoCpus: Math.round(share * 1e9) }),
  }
}

const options = (
  image: Image,
  { command, args, env }: Launch,
  { folder, devices }: BrokerPlan,
  placement: ContainerPlacement,
) => {
  const { name } = placement
  return {
    name,
    // Not its name: what was looked at is what runs.
    Image: image.id,
    Entrypoint: ['/bin/sh', '-c', HELD, 'sh'],
    Cmd: [command, ...args],
    Env: Object.entries({ LC_ALL: 'C.UTF-8', [NAME]: name, ...env }).map((e) => e.join('=')),
    WorkingDir: folder,
    User: `${image.owner.uid}:${image.owner.gid}`,
    Labels: { [LABEL]: name },
    Healthcheck: { Test: ['NONE'] },
    OpenStdin: true,
    StdinOnce: true,
    HostConfig: {
      NetworkMode: 'none',
      Ulimits: ulimitsFor(devices + OWN_DESCRIPTORS),
      // Lines go to us alone: to write them to a disk as well would be work that no other runtime does.
      LogConfig: { Type: 'none', Config: {} },
      // A filter of system calls costs time in each of them. The server is reached over the link alone, and has no capabilities.
      SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
      CapDrop: ['ALL'],
      ...limitsOf(placement),
    },
  }
}

/** A variable that tells our processes from those of others. */
const NAME = 'THINGBENCH_CONTAINER'

/** The plan's folder as the container is to have it, at the same place, so that one configuration fits all runtimes. */
const folderEntries = async (folder: string): Promise<TarEntry[]> => {
  const path = folder.replace(/^\//, '')
  return [{ path, mode: 0o700, content: null }, ...(await entriesOf(folder, `${path}/`))]
}

const refused = (product: BrokerProduct, step: string, error: unknown): ThingbenchError =>
  new ThingbenchError('TB_CONTAINER_REFUSED', {
    broker: product.title,
    step,
    reason: reasonOf(error),
  })

const ENDS = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true }

/** The client leaves the request open, for what is to be written; where the engine refuses it, that would keep this process from its end. */
const attach = async (container: Container): Promise<Duplex> => {
  const open = new AbortController()
  try {
    return (await container.attach({ ...ENDS, abortSignal: open.signal })) as Duplex
  } catch (error) {
    open.abort()
    throw error
  }
}

/**
 * Creates and starts a container that waits for `release`.
 * @throws ThingbenchError TB_CONTAINER_REFUSED, TB_CONTAINER_ELSEWHERE; then there is no container any more
 */
export const holdContainer = async (
  engine: Engine,
  image: Image,
  product: BrokerProduct,
  plan: BrokerPlan,
  placement: ContainerPlacement,
): Promise<ContainerBroker> => {
  const launch = await product.prepare(plan)
  if (launch === null) throw new Error(`${product.name} is part of thingbench: nothing to start`)
  placement.signal.throwIfAborted()
  const container = await engine
    .createContainer(options(image, launch, plan, placement))
    .catch((error: unknown) => Promise.reject(refused(product, 'create', error)))
  let step = 'give files to'
  let stream: Duplex | null = null
  try {
    await container.putArchive(tar(await folderEntries(plan.folder), image.owner), { path: '/' })
    step = 'attach to'
    stream = await attach(container)
    step = 'start'
    await container.start()
    step = 'describe'
    const { State, HostConfig } = await container.inspect()
    step = 'limit'
    await expectLimits(engine, placement, HostConfig)
    await expectHere(product, State.Pid, placement.name)
    // By us, as outside of containers: engines of users have no control group for it.
    if (placement.cpu !== null) pin(State.Pid, placement.cpu)
    return new ContainerBroker(engine, container, product, image, State.Pid, stream)
  } catch (error) {
    stream?.destroy()
    await container.remove({ force: true, v: true }).catch(() => {})
    throw error instanceof ThingbenchError ? error : refused(product, step, error)
  }
}

/**
 * What an engine has no control group for it leaves out, with a warning in its answer, and starts all the same; or it keeps the number (Docker, of a user,
 * with control groups of the first version), and limits nothing.
 */
const expectLimits = async (
  engine: Engine,
  placement: ContainerPlacement,
  kept: HostConfig,
): Promise<void> => {
  const wanted = Object.entries(limitsOf(placement))
  if (wanted.length === 0) return
  const { limits } = await describeEngine(engine)
  const has: Record<string, boolean> = { Memory: limits.memory, NanoCpus: limits.cpu }
  const left = wanted.filter(
    ([key, value]) => has[key] === false || kept[key as keyof HostConfig] !== value,
  )
  if (left.length > 0) throw new Error(`it left out ${left.map((e) => e.join(' ')).join(', ')}`)
}

/** The engine's process must be ours to see, and to lay a link into; it takes a moment to become what it was started as. */
const expectHere = async (product: BrokerProduct, pid: number, name: string): Promise<void> => {
  const deadline = performance.now() + START_PATIENCE
  const elsewhere = (reason: string): ThingbenchError =>
    new ThingbenchError('TB_CONTAINER_ELSEWHERE', { broker: product.title, pid, reason })
  while (performance.now() < deadline) {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch((error: unknown) =>
      Promise.reject(elsewhere(reasonOf(error))),
    )
    if (environment.split('\0').includes(`${NAME}=${name}`)) return
    await sleep(POLL)
  }
  throw elsewhere('the process of that number is another one')
}

export interface CommandResult {
  /** What it printed on both outputs. */
  readonly text: string
  /** Its exit status; null when that is not known. */
  readonly status: number | null
}

export class ContainerBroker implements Broker {
  readonly product: BrokerProduct
  readonly runtime = 'container'
  readonly image: string
  /** File of its network namespace. */
  readonly namespace: string
  readonly #engine: Engine
  readonly #container: Container
  readonly #pid: number
  readonly #stream: Duplex
  readonly #log = new LogRing()
  readonly #exit: Promise<void>
  #version = 'unknown'
  #ended: string | null = null
  #removed = false

  constructor(
    engine: Engine,
    container: Container,
    product: BrokerProduct,
    image: Image,
    pid: number,
    stream: Duplex,
  ) {
    this.product = product
    this.image = `${image.name} (${image.id})`
    this.namespace = `/proc/${pid}/ns/net`
    this.#engine = engine
    this.#container = container
    this.#pid = pid
    this.#stream = stream
    const output = new PassThrough({ encoding: 'utf8' })
    output.on('data', (text: string) => this.#log.append(text))
    engine.modem.demuxStream(stream, output, output)
    stream.on('error', (error) => this.#log.append(`${error.message}\n`))
    this.#exit = container.wait().then(
      ({ StatusCode }: { readonly StatusCode: number }) => this.#hasEnded(StatusCode),
      (error: unknown) => void (this.#ended ??= `the engine lost it: ${reasonOf(error)}`),
    )
  }

  get version(): string {
    return this.#version
  }

  /** Lets the program begin. */
  release(version: string): void {
    this.#version = version
    // With its standard input at an end, as servers have it elsewhere.
    this.#stream.end('\n')
  }

  /**
   * Runs a command beside the server.
   * @throws ThingbenchError TB_CONTAINER_REFUSED
   */
  async run(command: readonly string[]): Promise<CommandResult> {
    try {
      const exec = await this.#container.exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true }) // prettier-ignore
      const stream = await exec.start({})
      const output = new PassThrough({ encoding: 'utf8' })
      this.#engine.modem.demuxStream(stream, output, output)
      stream.once('close', () => output.end())
      let text = ''
      for await (const part of output) text += part as string
      const { ExitCode } = await exec.inspect()
      return { text, status: ExitCode }
    } catch (error) {
      throw refused(this.product, `run ${command.join(' ')} in`, error)
    }
  }

  pids(): readonly number[] {
    return this.#ended === null ? withDescendants(this.#pid) : [this.#pid]
  }

  log(): string {
    return this.#log.last()
  }

  ended(): string | null {
    return this.#ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#removed) return
    this.#removed = true
    if (this.#ended === null) await this.#container.stop({ t: PATIENCE }).catch(() => {})
    await this.#container.remove({ force: true, v: true }).catch((error: unknown) => {
      if (!isNotFound(error)) throw refused(this.product, 'remove', error)
    })
    await this.#exit
    this.#stream.destroy()
  }

  async #hasEnded(status: number): Promise<void> {
    const how = endOf(status)
    try {
      const { State } = await this.#container.inspect()
      this.#ended = State.OOMKilled ? `${how}: out of memory` : how
    } catch {
      // It was removed.
      this.#ended = how
    }
  }
}

/** The exit status of a container, in words. */
export const endOf = (status: number): string => {
  const [signal] =
    Object.entries(constants.signals).find(([, number]) => number + SIGNALLED === status) ?? []
  return signal === undefined ? `exit status ${status}` : `signal ${signal}`
}
