/** Runs ./thingbench as a user does, in a process group and a temporary folder of its own, and finds what it leaves behind. */
import type { ChildProcess } from 'node:child_process'
import { execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Measurement } from '../../simulator/core/types.ts'

const ROOT = join(import.meta.dirname, '..', '..')
/** In the environment of everything that a run starts, except servers, whose environment is their own. */
const MARK = 'THINGBENCH_TEST_RUN'

export interface Process {
  readonly pid: number
  /** Words joined by spaces. */
  readonly command: string
}

/** What a command line leaves: its words, and how it ended. */
export interface Ending {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>
  /** What to put before ./thingbench, such as setpriv and its options. */
  readonly before?: readonly string[]
  /** The folder whose ./thingbench is run; otherwise this repository. */
  readonly tree?: string
}

const read = (file: string): string => {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}

const link = (file: string): string => {
  try {
    return readlinkSync(file)
  } catch {
    return ''
  }
}

const numbers = (folder: string): number[] => {
  try {
    return readdirSync(folder).map(Number).filter(Number.isInteger)
  } catch {
    return []
  }
}

/** Waits until `found` gives something. An error says what was waited for, and what the command said meanwhile. */
const eventually = async <T>(
  what: string,
  seconds: number,
  found: () => T | null | undefined | false,
  said: () => string,
): Promise<T> => {
  const deadline = performance.now() + seconds * 1000
  for (;;) {
    const value = found()
    if (value !== null && value !== undefined && value !== false) return value
    if (performance.now() > deadline)
      throw new Error(`waited ${seconds} s for ${what}; the command said:\n${said()}`)
    await sleep(20)
  }
}

/** One ./thingbench with everything that it starts. Disposing ends what is left and deletes its folders. */
export class Command implements AsyncDisposable {
  readonly folder: string
  /** For `--out`: does not exist yet. */
  readonly out: string
  readonly #temporary: string
  readonly #mark: string
  #child: ChildProcess | null = null
  /** It has ended and all its output has been read. */
  #closed = true
  stdout = ''
  stderr = ''

  private constructor(folder: string) {
    this.folder = folder
    this.out = join(folder, 'run')
    this.#temporary = join(folder, 'tmp')
    this.#mark = `${MARK}=${randomUUID()}`
  }

  static async create(): Promise<Command> {
    const folder = await mkdtemp(join(tmpdir(), 'thingbench-command-'))
    const command = new Command(folder)
    await mkdir(command.#temporary)
    // Also for tests that run as somebody else, whatever the umask.
    await chmod(command.#temporary, 0o777)
    return command
  }

  /** Writes a scenario file and gives its path. */
  async scenario(yaml: string): Promise<string> {
    const file = join(this.folder, 'scenario.yaml')
    await writeFile(file, yaml)
    return file
  }

  /** Writes a shell script of that name and gives its folder, for PATH. */
  async program(name: string, script: string): Promise<string> {
    const folder = join(this.folder, 'bin')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    return folder
  }

  start(words: readonly string[], options: CommandOptions = {}): void {
    const { env = {}, before = [], tree = ROOT } = options
    const [program = '', ...rest] = [...before, join(tree, 'thingbench'), ...words]
    const [name = '', value = ''] = this.#mark.split('=')
    const child = spawn(program, rest, {
      env: { ...process.env, TMPDIR: this.#temporary, THINGBENCH_LOCKS: this.folder, [name]: value, ...env }, // prettier-ignore
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    this.#child = child
    this.#closed = false
    this.stdout = ''
    this.stderr = ''
    child.once('close', () => (this.#closed = true))
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
  }

  get hasEnded(): boolean {
    return this.#closed
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** As Ctrl-C does: to the whole process group. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal)
  }

  /** Events of `--json` so far. */
  events(): { readonly event: string; readonly cell: string; readonly number: number }[] {
    const lines = this.stdout.split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as ReturnType<Command['events']>[number])
  }

  /** Waits until the run (with `--json`) starts its cell of that number, counted from 1. */
  cellStarted(number: number): Promise<unknown> {
    const started = () =>
      this.events().find((e) => e.event === 'cell-started' && e.number === number)
    return this.#eventually(`cell ${number} to start`, 40, this.#while(started))
  }

  /** Waits for a process of this run with that text in its command line. */
  running(text: string): Promise<Process> {
    const found = () => this.processes().find(({ command }) => command.includes(text))
    return this.#eventually(`the process ${text}`, 20, this.#while(found))
  }

  async ended(seconds = 60): Promise<Ending> {
    await this.#eventually('the command to end', seconds, () => this.#closed)
    return { code: this.#child?.exitCode ?? null, stdout: this.stdout, stderr: this.stderr }
  }

  /** Runs to the end. */
  run(words: readonly string[], options?: CommandOptions): Promise<Ending> {
    this.start(words, options)
    return this.ended()
  }

  /** Processes that this command started and that are still there, itself included. */
  processes(): Process[] {
    return numbers('/proc').flatMap((pid) => {
      const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
      // A zombie has no command line; it is gone but for its parent's asking.
      const mine =
        command !== '' &&
        (read(`/proc/${pid}/environ`).includes(this.#mark) ||
          command.includes(this.folder) ||
          link(`/proc/${pid}/cwd`).startsWith(this.folder))
      return mine ? [{ pid, command }] : []
    })
  }

  /** Network namespaces that processes of this run are in or hold open, without our own. */
  namespaces(): Set<string> {
    const found = new Set<string>()
    for (const { pid } of this.processes()) {
      found.add(link(`/proc/${pid}/ns/net`))
      for (const fd of numbers(`/proc/${pid}/fd`)) found.add(link(`/proc/${pid}/fd/${fd}`))
    }
    const net = [...found].filter((target) => target.startsWith('net:['))
    const own = link('/proc/self/ns/net')
    return new Set(net.filter((target) => target !== own).map((target) => target.slice(5, -1)))
  }

  /** What is left of this run, in words: processes, network namespaces, links. */
  alive(namespaces: ReadonlySet<string>): string[] {
    const living = execFileSync('lsns', ['-t', 'net', '-n', '-o', 'NS'], { encoding: 'utf8' })
    const inodes = living.split('\n').map((line) => line.trim())
    return [
      ...this.processes().map(({ pid, command }) => `process ${pid}: ${command}`),
      ...inodes.filter((inode) => namespaces.has(inode)).map((i) => `network namespace ${i}`),
      ...readdirSync('/sys/class/net').filter((name) => name === 'link0'),
    ]
  }

  /** The same with temporary files, which a run that is killed leaves to the next start. */
  left(namespaces: ReadonlySet<string>): string[] {
    const files = this.temporaryFiles().map((name) => `temporary file ${name}`)
    return [...this.alive(namespaces), ...files]
  }

  temporaryFiles(): string[] {
    return readdirSync(this.#temporary)
  }

  /** The lock that a run holds, and that one which is killed leaves to the next start. */
  lockFiles(): string[] {
    return readdirSync(this.folder).filter((name) => name.endsWith('.lock'))
  }

  /** Waits until nothing of the run is left; an error lists what is. */
  async nothingLeft(namespaces: ReadonlySet<string>, seconds = 2): Promise<void> {
    await this.#eventually(
      'everything to be gone',
      seconds,
      () => this.left(namespaces).length === 0,
      () => this.left(namespaces).join('\n'),
    )
  }

  /** The same for a run that was killed. */
  async nothingAlive(namespaces: ReadonlySet<string>, seconds = 2): Promise<void> {
    await this.#eventually(
      'everything to be gone',
      seconds,
      () => this.alive(namespaces).length === 0,
      () => this.alive(namespaces).join('\n'),
    )
  }

  async rows(): Promise<Measurement[]> {
    const text = await this.text('rows.ndjson')
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Measurement)
  }

  text(file: string): Promise<string> {
    return readFile(join(this.out, file), 'utf8')
  }

  async json(file: string): Promise<Record<string, unknown>> {
    return JSON.parse(await this.text(file)) as Record<string, unknown>
  }

  has(file: string): boolean {
    return existsSync(join(this.out, file))
  }

  files(): Promise<string[]> {
    return readdir(this.out)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { pid } of this.processes()) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        continue
      }
    }
    await this.ended(10)
    await rm(this.folder, { recursive: true, force: true })
  }

  /** The same, for as long as the command runs. */
  #while<T>(found: () => T): () => T {
    return () => {
      const value = found()
      if (!value && this.#closed) throw new Error(`it has ended:\n${this.stdout}${this.stderr}`)
      return value
    }
  }

  #eventually<T>(
    what: string,
    seconds: number,
    found: () => T | null | undefined | false,
    said: () => string = () => `${this.stdout}${this.stderr}`,
  ): Promise<T> {
    return eventually(what, seconds, found, said)
  }
}
