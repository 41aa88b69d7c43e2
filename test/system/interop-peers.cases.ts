/** Clients of others, as children of the test: those of Eclipse Mosquitto, and the package `mqtt`. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { createInterface } from 'node:readline'

const PACKAGE = fileURLToPath(new URL('../fixtures/mqtt-package.ts', import.meta.url))

type Child = ChildProcessByStdio<Writable, Readable, null>

const child = (program: string, args: readonly string[]): Child =>
  spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })

/** It hears d/+ and c/+ with QoS 1. */
export interface Peer extends AsyncDisposable {
  readonly name: string
  /** What it heard on a topic, in order; every message had QoS 1. */
  heard(topic: string): readonly string[]
  /** Publishes with QoS 1. */
  say(topic: string, payloads: readonly string[]): void
}

class Listener {
  readonly name: string
  readonly child: Child
  readonly lines: string[] = []
  constructor(name: string, program: string, args: readonly string[]) {
    this.name = name
    this.child = child(program, args)
  }
  /** Until it has subscribed. */
  async subscribed(): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.child.once('exit', (code) => reject(new Error(`${this.name} ended with ${code}`)))
      createInterface({ input: this.child.stdout }).on('line', (line) => {
        this.lines.push(line)
        if (line.startsWith('Subscribed')) resolve()
      })
    })
    return this
  }
  heard(topic: string): string[] {
    const lines = this.lines.filter((line) => line.startsWith(`${topic} `))
    return lines.map((line) => {
      assert.ok(line.startsWith(`${topic} 1 `), line)
      return line.slice(`${topic} 1 `.length)
    })
  }
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null) return
    const exit = once(this.child, 'exit')
    this.child.kill()
    await exit
  }
}

/** mosquitto_sub and mosquitto_pub. @param reach arguments that say where the broker is, and which MQTT it is asked for */
export class MosquittoClients extends Listener implements Peer {
  readonly #reach: readonly string[]
  private constructor(reach: readonly string[]) {
    // A line at a time, so that "Subscribed" is heard; the lines of -d go to the same output.
    super('mosquitto_sub/_pub', 'stdbuf', [
      '-oL', 'mosquitto_sub', ...reach, '-t', 'd/+', '-t', 'c/+', '-q', '1', '-d', '-W', '30', '-F', '%t %q %p',
    ]) // prettier-ignore
    this.#reach = reach
  }
  static start(reach: readonly string[]): Promise<MosquittoClients> {
    return new MosquittoClients(reach).subscribed()
  }
  say(topic: string, payloads: readonly string[]): void {
    const pub = child('mosquitto_pub', [...this.#reach, '-t', topic, '-q', '1', '-l'])
    pub.stdin.end(`${payloads.join('\n')}\n`)
  }
}

/** @param options those of `connect` that are JSON */
export class PackageClient extends Listener implements Peer {
  private constructor(options: object) {
    super('the package mqtt', process.execPath, [PACKAGE, JSON.stringify(options)])
  }
  static start(options: object): Promise<PackageClient> {
    return new PackageClient(options).subscribed()
  }
  say(topic: string, payloads: readonly string[]): void {
    for (const payload of payloads) this.child.stdin.write(`${topic} ${payload}\n`)
  }
}
