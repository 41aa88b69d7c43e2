/**
 * What a listener at the devices' end of the links could send again: of each device, what its latest connection sent before
 * the server's first packet. In a handshake that carries early data (RFC 8446 section 8), that is a whole message.
 */
import type { Nanoseconds } from '../../core/clock.ts'
import { LISTENER } from '../link-protocol.ts'
import { DOWN, type DirectionIndex } from './channel.ts'
import { readdress } from './checksum.ts'
import { Headers } from './packet.ts'
import { NONE, type PacketPool } from './pool.ts'

const FIRST_PORT = 1024
const PORTS = 65536 - FIRST_PORT
/** A peer that does not answer is sent more than anybody would keep. */
const MOST_PACKETS = 16

interface Flight {
  connection: number
  answered: boolean
  packets: Uint8Array[]
}

export class FirstFlights {
  readonly #pool: PacketPool
  /** Of each device: its latest flight that was answered, and the one that may be under way. */
  readonly #whole: Flight[] = []
  readonly #latest: Flight[] = []
  readonly #headers = new Headers()
  #port = 0

  constructor(pool: PacketPool) {
    this.#pool = pool
  }

  /** A packet of `length` bytes at `offset` comes to the link. */
  note(
    device: number,
    direction: DirectionIndex,
    connection: number,
    offset: number,
    length: number,
  ): void {
    const latest = this.#latest[device]
    if (direction === DOWN) {
      if (latest?.connection !== connection || latest.answered) return
      latest.answered = true
      this.#whole[device] = latest
      return
    }
    const packet = (): Uint8Array => this.#pool.slab.bytes.slice(offset, offset + length)
    if (latest === undefined || connection > latest.connection)
      this.#latest[device] = { connection, answered: false, packets: [packet()] }
    else if (
      connection === latest.connection &&
      !latest.answered &&
      latest.packets.length < MOST_PACKETS
    )
      latest.packets.push(packet())
  }

  /**
   * Sends the flights of the first `devices` devices once more, each from a port of its own. Returns how many packets; those
   * for which the link has no room are missing.
   */
  replay(
    devices: number,
    at: Nanoseconds,
    put: (device: number, slot: number, at: Nanoseconds) => void,
  ): number {
    let count = 0
    for (let device = 0; device < devices; device++) {
      const flight = this.#whole[device]
      if (flight === undefined) continue
      const port = FIRST_PORT + (this.#port++ % PORTS)
      for (const packet of flight.packets) {
        const slot = this.#pool.take()
        if (slot === NONE) return count
        const offset = this.#pool.offset(slot)
        const { bytes } = this.#pool.slab
        bytes.set(packet, offset)
        this.#headers.read(bytes, offset, packet.length)
        readdress(bytes, offset, this.#headers, 'source', LISTENER, port)
        this.#pool.length[slot] = packet.length
        this.#pool.row[slot] = NONE
        put(device, slot, at)
        count++
      }
    }
    return count
  }
}
