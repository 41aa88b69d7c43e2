/**
 * CPU and memory of QUIC alone, without sockets: handshakes, and requests of 200 B that are answered with as much, by the side that
 * has the work; clients take turns.
 *
 *     node bench/quic.bench.ts [clients [requests]]
 */
import { monotonic } from '../simulator/core/clock.ts'
import type { Datagram, Joined } from '../simulator/transports/quic-world.cases.ts'
import { clientContext, World, write } from '../simulator/transports/quic-world.cases.ts'

const clients = Number(process.argv[2] ?? 1000)
const requests = Number(process.argv[3] ?? 20_000)
const context = clientContext()
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

const world = new Measured()
world.echo = true

/** Microseconds of processor time of each side for one of `count`. */
const measure = (what: string, count: number, act: (i: number) => void): void => {
  const before = process.cpuUsage()
  world.serving = 0
  for (let i = 0; i < count; i++) act(i)
  const { user, system } = process.cpuUsage(before)
  const server = world.serving / 1000
  const each = (microseconds: number): string => (microseconds / count).toFixed(0).padStart(6)
  console.log(
    `${what.padEnd(12)} client ${each(user + system - server)} us, server ${each(server)} us`,
  )
}

const empty = process.memoryUsage().rss
const devices: Joined[] = []
measure('handshake', clients, () => devices.push(world.opened({ context })))
measure('request', requests, (i) => {
  write(devices[i % clients] as Joined, payload)
  world.pump()
})
const kib = (process.memoryUsage().rss - empty) / 1024 / clients
console.log(`${kib.toFixed(0)} KiB for both ends of a connection, with ${clients} of them`)
