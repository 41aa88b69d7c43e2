/**
 * What an echo over loopback TCP costs the client, in CPU time: EpollReactor beside node:net, interleaved, so that both
 * see the same machine. 100 connections, each with one message of 200 bytes under way.
 *
 *     node bench/reactor.bench.ts [rounds]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { NEVER, type Nanoseconds } from '../simulator/core/clock.ts'
import { Traffic, type Lower, type Upper } from '../simulator/core/layer.ts'
import { EpollReactor } from '../simulator/io/epoll.ts'
import type { Timer } from '../simulator/io/reactor.ts'

const CONNECTIONS = 100
const WARM_UP = 30_000
const MEASURED = 100_000
const MESSAGE = new Uint8Array(200).fill(120)
const ADDRESS = { host: '127.83.7.1', port: 7500 }

/** Counts echoes; prints the CPU time of the measured ones and ends the process. */
class Meter {
  #echoes = 0
  #start = process.cpuUsage()
  echo(): void {
    this.#echoes++
    if (this.#echoes === WARM_UP) this.#start = process.cpuUsage()
    if (this.#echoes < WARM_UP + MEASURED) return
    const { user, system } = process.cpuUsage(this.#start)
    console.log(JSON.stringify({ user: user / MEASURED, system: system / MEASURED }))
    process.exit(0)
  }
}

class End implements Upper, Timer {
  timerSlot = -1
  openedAt: Nanoseconds = NaN
  declare below: Lower
  readonly meter: Meter | null
  #received = 0
  constructor(meter: Meter | null) {
    this.meter = meter
  }
  open(now: Nanoseconds): void {
    this.openedAt = now
    if (this.meter !== null) this.below.fromAbove(MESSAGE, now)
  }
  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    if (this.meter === null) {
      this.below.fromAbove(bytes, now)
      return
    }
    this.#received += bytes.length
    if (this.#received < MESSAGE.length) return
    this.#received = 0
    this.meter.echo()
    this.below.fromAbove(MESSAGE, now)
  }
  ready(): void {}
  closed(): void {}
  deadline(): Nanoseconds {
    return NEVER
  }
  expire(): void {}
}

const roles: Readonly<Record<string, () => void>> = {
  server() {
    const reactor = new EpollReactor()
    reactor.listenStream(ADDRESS, new Traffic(), () => {
      const end = new End(null)
      return { above: end, owner: end }
    })
    console.log('listening')
    reactor.run()
  },
  EpollReactor() {
    const reactor = new EpollReactor()
    const meter = new Meter()
    const traffic = new Traffic()
    for (let i = 0; i < CONNECTIONS; i++) {
      const end = new End(meter)
      reactor.connectStream({ remote: ADDRESS, owner: end, traffic }, end)
    }
    reactor.run()
  },
  'node:net'() {
    const meter = new Meter()
    const start = (socket: Socket): void => {
      let received = 0
      socket.on('connect', () => socket.write(MESSAGE))
      socket.on('data', (bytes) => {
        received += bytes.length
        if (received < MESSAGE.length) return
        received = 0
        meter.echo()
        socket.write(MESSAGE)
      })
    }
    for (let i = 0; i < CONNECTIONS; i++) start(connect({ ...ADDRESS, noDelay: true }))
  },
}

const child = (role: string) =>
  spawn(process.execPath, [import.meta.filename, role], { stdio: ['ignore', 'pipe', 'inherit'] })

const measure = async (role: string): Promise<{ user: number; system: number }> => {
  let output = ''
  for await (const part of child(role).stdout) output += String(part)
  return JSON.parse(output) as { user: number; system: number }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN

const compare = async (rounds: number): Promise<void> => {
  const server = child('server')
  await once(server.stdout, 'data')
  const ratios: number[] = []
  for (let round = 1; round <= rounds; round++) {
    const totals: number[] = []
    for (const role of ['EpollReactor', 'node:net']) {
      const { user, system } = await measure(role)
      totals.push(user + system)
      const parts = `user ${user.toFixed(2)}, system ${system.toFixed(2)}`
      console.log(
        `${round} ${role.padEnd(12)} ${(user + system).toFixed(2)} us per echo (${parts})`,
      )
    }
    ratios.push((totals[1] ?? NaN) / (totals[0] ?? NaN))
  }
  server.kill('SIGKILL')
  const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`
  console.log(`node:net / EpollReactor: median ${median(ratios).toFixed(2)}, ${range}`)
}

const [argument = '5'] = process.argv.slice(2)
const role = roles[argument]
if (role === undefined) await compare(Number(argument))
else role()
