/**
 * Servers that are programs of this machine, or npm packages (then the program is this Node). What is started is the program itself: the tools before it in the command line
 * (nsenter, taskset, prlimit, setpriv; all of util-linux) each become the next by execve, so our child's process id is the server's.
 *
 *   nsenter --net=NAMESPACE  taskset -c CPU  prlimit --nofile=N:  setpriv --pdeathsig KILL  sh -c 'still our child?'  PROGRAM ...
 */
import type { ChildProcessByStdio } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { delimiter } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { ThingbenchError } from '../../core/errors.ts'
import type { Broker, BrokerPlan, ServerProgram, Launch } from '../broker.ts'
import { findProgram, programFolders } from './find-program.ts'
import { expectKnownVersion } from './known-version.ts'
import { portsOf } from './listening.ts'
import { LogRing } from './log-ring.ts'

export interface Placement {
  /** File of the network namespace, such as /proc/PID/ns/net or /run/netns/NAME; null: ours. */
  readonly namespace: string | null
  /** The processor to stay on; null: any. */
  readonly cpu: number | null
  readonly signal: AbortSignal
}

/** Milliseconds between SIGTERM and SIGKILL. */
const PATIENCE = 3000
const POLL = 10
/** Lines of the log that go into an error. */
const LAST_LINES = 20
/** Descriptors of a server beside those of its connections. */
const OWN_DESCRIPTORS = 1024

/**
 * Starts the product with a configuration of its own in `plan.folder`. It is running when this returns, but perhaps not
 * listening yet: see `waitListening`.
 * Call it from the main thread: the kernel ends the server when the thread that started it ends.
 * @throws ThingbenchError TB_BROKER_MISSING when a program is not installed, TB_BROKER_IMAGE when it never is, TB_BROKER_VERSION when it is one that
 * thingbench does not know; AbortError when the signal has fired
 */
export const startProcess = async (
  product: ServerProgram,
  plan: BrokerPlan,
  placement: Placement,
): Promise<Broker> => {
  placement.signal.throwIfAborted()
  const version = await product.version()
  if (version === null) throw missing(product.title, product.program, product.debianPackage)
  expectKnownVersion(product, version, (await findProgram(product.program ?? '')) ?? '')
  const launch = await product.prepare(plan)
  if (launch === null) throw new Error(`${product.name} is part of thingbench: nothing to start`)
  const [program = '', ...args] = await commandLine(product, launch, placement, plan.devices)
  placement.signal.throwIfAborted()
  // A session of its own: Ctrl-C is for the runner, which ends its children in order.
  const child = spawn(program, args, {
    cwd: plan.folder,
    env: { PATH: programFolders().join(delimiter), LC_ALL: 'C.UTF-8', ...launch.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  await once(child, 'spawn')
  return new ProcessBroker(product, version, child)
}

/**
 * Waits until the server itself (not another that was there before) is bound to all `ports` of `address`, TCP or UDP.
 * @param patience milliseconds
 * @throws ThingbenchError TB_BROKER_START when it ends first, TB_BROKER_SILENT when the time is over; both with its last log lines
 */
export const waitListening = async (
  broker: Broker,
  address: string,
  ports: readonly number[],
  patience: number,
  signal: AbortSignal,
): Promise<void> => {
  const deadline = performance.now() + patience
  const about = { broker: broker.product.title, address, ports: ports.join(' and ') }
  for (;;) {
    signal.throwIfAborted()
    if (broker.ended() !== null) {
      // The process is gone before all it wrote has been read.
      await sleep(5 * POLL)
      throw new ThingbenchError('TB_BROKER_START', {
        ...about,
        how: broker.ended() ?? '',
        log: lastLines(broker),
      })
    }
    const bound = await Promise.all(broker.pids().map((pid) => portsOf(pid, address)))
    const open = ports.filter((port) => bound.some((of) => of.has(port)))
    if (open.length === ports.length) return
    if (performance.now() > deadline)
      throw new ThingbenchError('TB_BROKER_SILENT', {
        ...about,
        seconds: patience / 1000,
        found: open.length === 0 ? 'none of them' : open.join(' and '),
        log: lastLines(broker),
      })
    await sleep(POLL, undefined, { signal })
  }
}

const lastLines = (broker: Broker): string => {
  const lines = broker.log().trimEnd()
  return lines === '' ? '(nothing)' : lines.split('\n').slice(-LAST_LINES).join('\n')
}

/** The kernel tells of no parent that died before it was asked to: only a child that is still ours becomes the program. */
const STILL_OURS = 'test "$PPID" = "$0" && exec "$@"'

const missing = (
  title: string,
  program: string | null,
  debianPackage: string | null,
): ThingbenchError =>
  debianPackage === null
    ? new ThingbenchError('TB_BROKER_IMAGE', { title })
    : new ThingbenchError('TB_BROKER_MISSING', {
        title,
        program: program ?? '',
        package: debianPackage,
        folders: programFolders().join(' '),
      })

const commandLine = async (
  product: ServerProgram,
  launch: Launch,
  { namespace, cpu }: Placement,
  devices: number,
): Promise<readonly string[]> => {
  const tools = [
    ...(namespace === null ? [] : [['nsenter', `--net=${namespace}`, '--']]),
    ...(cpu === null ? [] : [['taskset', '-c', String(cpu)]]),
    ...(await descriptorLimit(devices + OWN_DESCRIPTORS)),
    // Last, because the kernel forgets it at some changes of credentials: it is the program that must not outlive us.
    ['setpriv', '--pdeathsig', 'KILL', '--'],
  ]
  for (const [tool = ''] of tools)
    if ((await findProgram(tool)) === null)
      throw missing(`${tool}, which starts servers,`, tool, 'util-linux')
  const program = await findProgram(launch.command)
  if (program === null) throw missing(product.title, launch.command, product.debianPackage)
  const guard = ['/bin/sh', '-c', STILL_OURS, String(process.pid)]
  return [...tools.flat(), ...guard, program, ...launch.args]
}

/** Raises the soft limit of open files to what is wanted, as far as the hard limit allows. */
const descriptorLimit = async (wanted: number): Promise<string[][]> => {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const [, soft = 'unlimited', hard = soft] = /^Max open files\s+(\w+)\s+(\w+)/m.exec(limits) ?? []
  if (soft === 'unlimited' || Number(soft) >= wanted) return []
  const most = hard === 'unlimited' ? wanted : Math.min(wanted, Number(hard))
  return [['prlimit', `--nofile=${most}:`, '--']]
}

class ProcessBroker implements Broker {
  readonly product: ServerProgram
  readonly version: string
  readonly runtime: 'process' | 'embedded'
  readonly image = null
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  readonly #log = new LogRing()
  readonly #pids: readonly number[]
  readonly #exit: Promise<unknown>
  #ended: string | null = null

  constructor(
    product: ServerProgram,
    version: string,
    child: ChildProcessByStdio<null, Readable, Readable>,
  ) {
    this.product = product
    this.runtime = product.program === null ? 'embedded' : 'process'
    this.version = version
    this.#child = child
    this.#pids = child.pid === undefined ? [] : [child.pid]
    this.#exit = new Promise((resolve) => child.once('exit', resolve))
    child.on('error', (error) => this.#log.append(`${error.message}\n`))
    child.on('exit', (code, signal) => {
      this.#ended = signal === null ? `exit status ${code}` : `signal ${signal}`
    })
    for (const output of [child.stdout, child.stderr]) {
      output.setEncoding('utf8')
      output.on('data', (text: string) => this.#log.append(text))
    }
  }

  pids(): readonly number[] {
    return this.#pids
  }

  log(): string {
    return this.#log.last()
  }

  ended(): string | null {
    return this.#ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended !== null) return
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE)
    await this.#exit
    clearTimeout(timer)
  }
}
