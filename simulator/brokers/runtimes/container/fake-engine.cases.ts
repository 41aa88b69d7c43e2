/**
 * An engine for tests: Docker's API, as far as it is used here, on a socket of its own. Its containers are processes of this machine, so that process ids,
 * output and ends are real ones; there is neither an image nor a namespace behind them.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir, constants, release } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'

interface Body {
  readonly User?: string
  readonly Entrypoint: readonly string[]
  readonly Cmd: readonly string[]
  readonly Env: readonly string[]
  readonly Labels: Readonly<Record<string, string>>
  readonly HostConfig?: Readonly<Record<string, unknown>>
}

interface FakeContainer {
  readonly name: string
  readonly body: Body
  child: ChildProcess | null
  stream: Duplex | null
  /** Of files that were copied in. */
  readonly archives: Buffer[]
}

/** Docker's multiplexed stream: which output, three zeros, the length in four bytes, then the bytes. */
const framed = (output: 1 | 2, bytes: Buffer): Buffer => {
  const head = Buffer.from([output, 0, 0, 0, 0, 0, 0, 0])
  head.writeUInt32BE(bytes.length, 4)
  return Buffer.concat([head, bytes])
}

const statusOf = ({ exitCode, signalCode }: ChildProcess): number =>
  signalCode === null ? (exitCode ?? 0) : 128 + constants.signals[signalCode]

export class FakeEngine implements AsyncDisposable {
  readonly containers = new Map<string, FakeContainer>()
  /** Image name -> label of its source. */
  readonly images = new Map<string, string>()
  /** Lines of the answer to the next build; absent: it succeeds. */
  buildLines: readonly object[] | null = null
  builds = 0
  /** Lines of the answer to the next pull; absent: it succeeds. */
  pullLines: readonly object[] | null = null
  pulls = 0
  /** What a request is refused with, by method and path without names. */
  readonly refusals = new Map<string, { readonly status: number; readonly message: string }>()
  /** Connections of which an upgrade was refused: as real engines, it leaves them to the client. */
  readonly notUpgraded: Duplex[] = []
  oomKilled = false
  /** Added to the answers to GET /version and GET /info. */
  version: object = {}
  info: object = {}
  /** Of what a container was asked to be, these are left out. */
  leavesOut: readonly string[] = []
  /** Shown instead of the true process id. */
  shownPid: number | null = null
  readonly #folder = mkdtempSync(join(tmpdir(), 'thingbench-engine-'))
  readonly #server = createServer((request, response) => void this.#answer(request, response))
  readonly #commands: { readonly words: readonly string[]; status: number | null }[] = []
  readonly #before = process.env.DOCKER_HOST

  private constructor() {
    this.#server.on('upgrade', (request, socket) => this.#upgrade(request, socket))
  }

  /** Listens, and is the one that DOCKER_HOST names. */
  static async start(): Promise<FakeEngine> {
    const engine = new FakeEngine()
    const socket = join(engine.#folder, 'engine.sock')
    engine.#server.listen(socket)
    await once(engine.#server, 'listening')
    process.env.DOCKER_HOST = `unix://${socket}`
    return engine
  }

  /** A container that somebody left, and has labelled as ours by that name. */
  leave(name: string, label: string): void {
    const body = { Entrypoint: [], Cmd: [], Env: [], Labels: { 'thingbench.container': label } }
    this.containers.set(name, { name, body, child: null, stream: null, archives: [] })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#before === undefined) delete process.env.DOCKER_HOST
    else process.env.DOCKER_HOST = this.#before
    for (const { child } of this.containers.values()) child?.kill('SIGKILL')
    for (const { stream } of this.containers.values()) stream?.destroy()
    for (const socket of this.notUpgraded) socket.destroy()
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
    rmSync(this.#folder, { recursive: true })
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const body = Buffer.concat(parts)
    const url = new URL(request.url ?? '', 'http://engine')
    const [, kind = '', name = '', verb = ''] = url.pathname.split('/')
    const route = [request.method, kind, verb].filter(Boolean).join(' ')
    const refusal = this.refusals.get(route)
    const send = (status: number, answer: unknown = {}): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer)) // prettier-ignore
    if (refusal) return send(refusal.status, { message: refusal.message })
    if (route === 'GET version') return send(200, { Version: '1.0', ...this.version })
    if (route === 'GET info') return send(200, { KernelVersion: release(), ...this.info })
    if (route === 'POST build') return this.#build(url, response)
    if (kind === 'exec') return this.#command(Number(name), verb, response, send)
    if (kind === 'images' && name === 'create') return this.#pull(url, response)
    if (kind === 'images') {
      // The names of some have slashes.
      const [, image = ''] = /^\/images\/(.*)\/json$/.exec(url.pathname) ?? []
      return this.#image(decodeURIComponent(image), send)
    }
    if (name === 'create') return this.#create(url, body, send)
    const container = this.containers.get(name)
    if (container === undefined) return send(404, { message: `No such container: ${name}` })
    await this.#withContainer(container, request.method === 'DELETE' ? 'remove' : verb, body, send)
  }

  /** Commands beside servers: on this machine, as the servers are. */
  #command(
    id: number,
    verb: string,
    response: ServerResponse,
    send: (status: number, answer?: unknown) => void,
  ): void {
    const command = this.#commands[id]
    if (verb === 'json') return send(200, { ExitCode: command?.status ?? null })
    const [program = '', ...args] = command?.words ?? []
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.on('data', (bytes: Buffer) => response.write(framed(1, bytes)))
    child.stderr.on('data', (bytes: Buffer) => response.write(framed(2, bytes)))
    child.once('close', (status) => {
      if (command) command.status = status
      response.end()
    })
  }

  #image(name: string, send: (status: number, answer?: unknown) => void): void {
    const source = this.images.get(name)
    if (source === undefined) return send(404, { message: `No such image: ${name}` })
    send(200, { Id: `sha256:${name}`, Config: { Labels: { 'thingbench.source': source } } })
  }

  #build(url: URL, response: ServerResponse): void {
    this.builds++
    const name = url.searchParams.get('t') ?? ''
    const labels = JSON.parse(url.searchParams.get('labels') ?? '{}') as Record<string, string>
    if (this.buildLines === null) this.images.set(name, labels['thingbench.source'] ?? '')
    const lines = this.buildLines ?? [{ stream: 'Step 1/1 : FROM debian\n' }, { stream: 'done\n' }]
    response.writeHead(200).end(lines.map((line) => `${JSON.stringify(line)}\r\n`).join(''))
  }

  #pull({ searchParams }: URL, response: ServerResponse): void {
    this.pulls++
    const [repository, tag] = [searchParams.get('fromImage'), searchParams.get('tag')]
    if (this.pullLines === null) this.images.set(`${repository}:${tag}`, '')
    const lines = this.pullLines ?? [
      { status: `Pulling from ${repository}`, id: tag },
      { status: 'Downloading', progressDetail: { current: 1, total: 2 }, id: 'abc' },
      { status: 'Pull complete', id: 'abc' },
    ]
    response.writeHead(200).end(lines.map((line) => `${JSON.stringify(line)}\r\n`).join(''))
  }

  #create(url: URL, body: Buffer, send: (status: number, answer?: unknown) => void): void {
    const name = url.searchParams.get('name') ?? ''
    if (this.containers.has(name)) return send(409, { message: `The name ${name} is in use` })
    const parsed = JSON.parse(body.toString()) as Body
    this.containers.set(name, { name, body: parsed, child: null, stream: null, archives: [] })
    send(201, { Id: name })
  }

  async #withContainer(
    container: FakeContainer,
    verb: string,
    body: Buffer,
    send: (status: number, answer?: unknown) => void,
  ): Promise<void> {
    const { child } = container
    const hasEnded = child === null || child.exitCode !== null || child.signalCode !== null
    switch (verb) {
      case 'exec': {
        const { Cmd: words } = JSON.parse(body.toString()) as Body
        return send(201, { Id: String(this.#commands.push({ words, status: null }) - 1) })
      }
      case 'archive':
        container.archives.push(body)
        return send(200)
      case 'start':
        this.#start(container)
        return send(204)
      case 'json':
        return send(200, {
          Config: { Labels: container.body.Labels },
          HostConfig: Object.fromEntries(
            Object.entries(container.body.HostConfig ?? {}).filter(
              ([key]) => !this.leavesOut.includes(key),
            ),
          ),
          State: { Pid: this.shownPid ?? child?.pid ?? 0, OOMKilled: this.oomKilled },
        })
      case 'wait':
        if (!hasEnded) await once(child, 'close')
        return send(200, { StatusCode: child === null ? 0 : statusOf(child) })
      case 'stop':
      case 'remove':
        if (!hasEnded) {
          child.kill(verb === 'stop' ? 'SIGTERM' : 'SIGKILL')
          await once(child, 'close')
        }
        if (verb === 'remove') {
          container.stream?.destroy()
          this.containers.delete(container.name)
        }
        return send(204)
      default:
        return send(500, { message: `the fake engine cannot ${verb}` })
    }
  }

  #start(container: FakeContainer): void {
    const { Entrypoint, Cmd, Env } = container.body
    const [command = '', ...args] = [...Entrypoint, ...Cmd]
    const env = Object.fromEntries(Env.map((pair) => pair.split('=') as [string, string]))
    const child = spawn(command, args, { env: { PATH: process.env.PATH, ...env } })
    container.child = child
    child.stdout.on('data', (bytes: Buffer) => container.stream?.write(framed(1, bytes)))
    child.stderr.on('data', (bytes: Buffer) => container.stream?.write(framed(2, bytes)))
    child.stdin.on('error', () => {})
    container.stream?.pipe(child.stdin)
    child.once('close', () => container.stream?.end())
  }

  #upgrade(request: IncomingMessage, socket: Duplex): void {
    const name = request.url?.split('/')[2] ?? ''
    const container = this.containers.get(name)
    socket.on('error', () => {})
    const refusal = this.refusals.get('POST containers attach')
    if (refusal) {
      const answer = JSON.stringify({ message: refusal.message })
      socket.write(`HTTP/1.1 ${refusal.status} Refused\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`) // prettier-ignore
      return void this.notUpgraded.push(socket.resume())
    }
    socket.write(
      'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
    )
    if (container) container.stream = socket
  }
}
