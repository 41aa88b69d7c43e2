/**
 * CPU and memory of QUIC alone, without sockets, with either client against our server: handshakes, and requests of 200 B that are
 * answered with as much, by the side that has the work; clients take turns, and so do the engines, so that both meet the same
 * machine. No timer runs: the acknowledgement that OpenSSL holds back for 25 ms goes with the next request.
 *
 *     node bench/quic.bench.ts [clients [requests]]
 */
import assert from 'node:assert/strict'
import { monotonic } from '../simulator/core/clock.ts'
import type { Layer } from '../simulator/core/layer.ts'
import { joinOverOpenSsl, joinOverQuiche } from '../simulator/transports/quic-subjects.cases.ts'
import type { Datagram, Joined } from '../simulator/transports/quic-world.cases.ts'
import { World, write } from '../simulator/transports/quic-world.cases.ts'

const clients = Number(process.argv[2] ?? 1000)
const requests = Number(process.argv[3] ?? 20_000)
const ROUNDS = 10
const payload = new Uint8Array(200).fill(0x41)

/** Knows how long the server was at work, and forgets datagrams. */
class Measured extends World {
  serving = 0
  override deliver(datagram: Datagram): void {
    const start = monotonic()
    super.deliver(datagram)
    if (datagram.up) this.serving += monotonic() - start
    this.log.length = 0
  }
}

/** Processor time in microseconds, and how much memory was taken. */
interface Cost {
  client: number
  server: number
  bytes: number
}

class Engine {
  readonly title: string
  readonly costs = new Map<string, Cost>()
  readonly devices: Joined<Layer>[] = []
  readonly #join: (world: World) => Joined<Layer>
  readonly #world = new Measured()

  constructor(title: string, join: (world: World) => Joined<Layer>) {
    this.title = title
    this.#join = join
    this.#world.echo = true
  }

  open(): void {
    const device = this.#join(this.#world)
    this.#world.pump()
    assert.equal(device.top.opens, 1)
    this.devices.push(device)
  }

  request(i: number): void {
    write(this.devices[i % clients] as Joined<Layer>, payload)
    this.#world.pump()
  }

  measure(what: string, from: number, to: number, act: (i: number) => void): void {
    const [cpu, { rss }] = [process.cpuUsage(), process.memoryUsage()]
    this.#world.serving = 0
    for (let i = from; i < to; i++) act(i)
    const { user, system } = process.cpuUsage(cpu)
    const server = this.#world.serving / 1000
    const cost = this.costs.get(what) ?? { client: 0, server: 0, bytes: 0 }
    this.costs.set(what, {
      client: cost.client + user + system - server,
      server: cost.server + server,
      bytes: cost.bytes + process.memoryUsage().rss - rss,
    })
  }
}

const engines = [new Engine('quiche', joinOverQuiche), new Engine('OpenSSL', joinOverOpenSsl)]

const compare = (what: string, count: number, act: (engine: Engine, i: number) => void): void => {
  for (let round = 0; round < ROUNDS; round++) {
    const [from, to] = [(count * round) / ROUNDS, (count * (round + 1)) / ROUNDS]
    const order = round % 2 === 0 ? engines : engines.toReversed()
    for (const engine of order) engine.measure(what, from, to, (i) => act(engine, i))
  }
  const each = engines.map(({ title, costs }) => {
    const { client, server, bytes } = costs.get(what) as Cost
    const [c, s] = [client, server].map((us) => `${(us / count).toFixed(0)} us`)
    return { title, client, text: `${title}: client ${c}, server ${s}`, kib: bytes / 1024 / count }
  })
  const [quiche, openssl] = each.map(({ client }) => client)
  const ratio = ((openssl ?? 0) / (quiche ?? 1)).toFixed(2)
  console.log(`${what.padEnd(10)} ${each.map(({ text }) => text).join('; ')}; clients ${ratio}`)
  if (what === 'handshake')
    for (const { title, kib } of each)
      console.log(`${title}: ${kib.toFixed(0)} KiB for both ends of a connection`)
}

compare('handshake', clients, (engine) => engine.open())
compare('request', requests, (engine, i) => engine.request(i))
